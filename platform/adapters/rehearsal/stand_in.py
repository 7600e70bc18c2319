"""A vendor on this machine: a small HTTP server that answers as the vendor does, faults included.

Each channel's folder brings its own (`stand_in.py`); here is what they share. It listens on
loopback alone, on a free port, and remembers what it was told.
"""

import json
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body or b"{}")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Said:
    """An answer; or, with `breaks`, none: the line is cut after the call was carried out."""

    body: Any = field(default_factory=dict)
    status: int = 200
    delay_s: float = 0.0
    breaks: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next call of the kind that a stand-in counts as sending.

    `code`: the vendor's own, and nothing is carried out. `breaks` and `status`: carried out, and
    the answer is lost on its way, or a gateway's.
    """

    code: str = ""
    breaks: bool = False
    status: int = 0
    delay_s: float = 0.0


@dataclass
class Outgoing:
    """A callback as the vendor sends it: to this query, with this body; a GET where it has none."""

    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/xml"

    @property
    def path(self) -> str:
        return f"?{urlencode(self.query)}"


class Listening(ABC):
    """A server on loopback. Use it as a context; `url` is where it listens."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self._lock = threading.RLock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body go out as two writes

            def do_GET(self) -> None:
                self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def do_PUT(self) -> None:
                self._answer("PUT")

            def _answer(self, method: str) -> None:
                at = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(
                    method,
                    at.path,
                    dict(parse_qsl(at.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                said = stand_in._hear(asked)
                if said.delay_s:
                    time.sleep(said.delay_s)
                if said.breaks:
                    self.close_connection = True
                    return
                is_file = isinstance(said.body, bytes)
                body = said.body if is_file else json.dumps(said.body).encode()
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(body)))
                kind = "application/octet-stream" if is_file else "application/json"
                for name, value in {"Content-Type": kind, **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silent: what it was told stands in `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _hear(self, asked: Asked) -> Said:
        with self._lock:
            self.asked.append(asked)
            return self.answer(asked)

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """What the vendor says to this call; calls come one at a time."""

    def next_fault(self) -> Fault | None:
        return self.faults.popleft() if self.faults else None


class StandIn(Listening):
    """A channel's vendor; `sent` is what reached whom, in order."""

    credentials: Any  # an account with it: `settings(api_url=…)` and `secrets()` of ours
    sent: list[tuple[str, str]]

    def settings(self) -> dict[str, str]:
        """What an account of ours must know to speak with it."""
        return dict(self.credentials.settings(api_url=self.url))

    def secrets(self) -> dict[str, str]:
        return dict(self.credentials.secrets())

    @abstractmethod
    def writes(self, address: str, text: str, /) -> Outgoing:
        """A patient writes: the callback that tells us."""
