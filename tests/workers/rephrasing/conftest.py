"""An OpenAI-compatible model server on this machine that says, or does, what a test wants."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class ModelServer:
    """Remembers what it was asked. `says` is its next answer; or it is slow, ill, or raves."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.says = "好的。"
        self.status = 200
        self.finish = "stop"
        self.raw: bytes | None = None
        self.holds = False  # its answer, until `let_go`
        self.let_go = threading.Event()
        self.is_asked = threading.Event()
        self.drips = False  # a byte now and then, never done
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                server.asked.append(json.loads(self.rfile.read(length)))
                server.headers.append(dict(self.headers))
                server.paths.append(self.path)
                server.is_asked.set()
                if server.holds:
                    server.let_go.wait()
                content = server.answer()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                try:
                    for at in range(0, len(content), 1 if server.drips else len(content) or 1):
                        self.wfile.write(content[at:] if not server.drips else content[at : at + 1])
                        time.sleep(0.05 if server.drips else 0)
                except OSError:
                    pass  # whoever asked has hung up

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self) -> bytes:
        if self.raw is not None:
            return self.raw
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": self.says},
            "finish_reason": self.finish,
        }
        return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.let_go.set()
    server.close()
