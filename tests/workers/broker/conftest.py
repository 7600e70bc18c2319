import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

HERE = Path(__file__).parent
PATIENCE_S = 120  # for a worker on a busy machine; no test waits this long when all is well


class Worker:
    """A real worker process on the embedded broker and the database under test."""

    def __init__(self, notes: Path, log: Path) -> None:
        self._notes = notes
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker"]
        options = ["-I", "nap_tasks", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        path = [str(HERE), *(entry for entry in sys.path if entry)]
        self._process = subprocess.Popen(
            command + options,
            env=os.environ
            | {
                "DATABASE_URL": database_url(),
                "BROKER_URL": "",
                "NAP_NOTES": str(self._notes),
                "PYTHONPATH": os.pathsep.join(path),
            },
            stdout=self._log.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def notes(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def until(self, came_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            in_vain = self.died() or time.monotonic() > deadline
            if came_true():
                return
            assert not in_vain, f"the worker came to nothing:\n{self._log.read_text()}"
            time.sleep(0.05)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(sign)
        if self._process is not None:
            self._process.wait(PATIENCE_S)


def database_url() -> str:
    """The test database, as another process has to name it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = f"{settings['USER']}:{settings['PASSWORD']}"
    return f"postgresql://{user}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"


@pytest.fixture
def worker(tmp_path: Path, transactional_db: None) -> Iterator[Worker]:
    running = Worker(tmp_path / "notes", tmp_path / "worker.log")
    yield running
    running.kill()
