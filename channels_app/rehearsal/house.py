"""A house of our own to rehearse in: a folder, a free port, the Procfile's processes.

Each process leads a group of its own and is ended by its own id; nothing outlives the block.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = "config.asgi:application"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0


class NotStarted(Exception):
    """A process of the house ended, or did not answer in time; its log says why."""


@dataclass(frozen=True)
class Furnished:
    sessions: list[str]  # a key for each nurse who is signed in
    cases: list[tuple[str, int]]  # a patient's token, and the conversation's id


class OwnHouse:
    """Use it as a context. `environment` may name other servers: DATABASE_URL, BROKER_URL …"""

    def __init__(self, var: Path, environment: Mapping[str, str] | None = None) -> None:
        self.var, self.port = var, free_port()
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "DATABASE_URL": "",
            "BROKER_URL": "",
            "REDIS_URL": "",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PORT": str(self.port),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "VAULT_KEYS": str(var / "keys.json"),
            "WENAN_VAR": str(var),
            **(environment or {}),
        }
        self.database_url = self._environment["DATABASE_URL"]  # empty: a file in `var`
        self._commands = read_procfile(ROOT / "Procfile")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self, name: str) -> Path:
        return self.var / f"{name}.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for name in list(self._running):
            self._end(name)

    def furnish(self, *, nurses: int = 0, cases: int = 0) -> Furnished:
        """Tables, keys, the demo hospital; nurses signed in, and patients whom they look after."""
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "channels_app.rehearsal.stage", str(nurses), str(cases)],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return Furnished(**json.loads(done.stdout))

    def ward(self, act: str, *, told: str = "") -> str:
        """Have something done inside this house, see `rehearsal.ward`; what it printed."""
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "channels_app.rehearsal.ward", act],
            cwd=ROOT,
            env=self._environment,
            input=told.encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode()

    def staffed(self) -> "subprocess.Popen[bytes]":
        """Nurses at work, until the process' stdin is closed."""
        nurses = subprocess.Popen(
            [sys.executable, "-m", "channels_app.rehearsal.ward", "nurse"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert nurses.stdout is not None
        nurses.stdout.readline()  # they are here
        return nurses

    def start(self, *names: str) -> None:
        """Start these processes of the Procfile, all of them without a name."""
        for name in names or self._commands:
            self._run(name, self._commands[name])

    def start_instead(self, name: str, *, application: str) -> None:
        """Start a web process with the same server and flags, and another application."""
        self._run(name, self._commands[name].replace(APPLICATION, application))

    def _run(self, name: str, command: str) -> None:
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - the Procfile is ours
                ["/bin/sh", "-c", command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """What a power cut does to one process, and to every child of it."""
        os.killpg(self._running[name].pid, signal.SIGKILL)
        self._running.pop(name).wait()

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def wait_until_ready(self, path: str = "/readyz") -> None:
        """Raises NotStarted."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers(path):
            dead = [name for name, process in self._running.items() if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = [self.log(name).read_text(errors="replace")[-2_000:] for name in dead]
                raise NotStarted("\n".join([*dead, *logs]))
            time.sleep(0.05)

    def _answers(self, path: str) -> bool:
        line = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            line.request("GET", path)
            return line.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            line.close()

    def _end(self, name: str) -> None:
        process = self._running.pop(name)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_procfile(path: Path) -> dict[str, str]:
    """Process names and their shell commands."""
    named = (line.partition(":") for line in path.read_text().splitlines() if ":" in line)
    return {name.strip(): command.strip() for name, _, command in named}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
