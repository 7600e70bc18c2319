"""The processes of one machine: restarted when one dies, all gone when we stop."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers import supervise

PATIENCE_S = 120
ROOT = Path(__file__).parents[2]


class House:
    """A Procfile of two small processes, run as the real one is."""

    def __init__(self, folder: Path) -> None:
        self.var = folder / "var"
        self.var.mkdir()
        script = folder / "process.py"
        script.write_text(
            "import os, pathlib, sys, time\n"
            "note = pathlib.Path(sys.argv[1])\n"
            "note.with_suffix('.new').write_text(str(os.getpid()))\n"
            "note.with_suffix('.new').replace(note)\n"  # or a test reads it while it is empty
            "print('100 % awake', flush=True)\n"
            "time.sleep(600)\n"
        )
        self._notes = {name: folder / f"{name}.pid" for name in ("web", "worker")}
        self._processes = {
            name: f'exec "{sys.executable}" {script} "{note}"' for name, note in self._notes.items()
        }
        self.supervisor = supervise.start(self._processes, root=ROOT, var=self.var)

    def pid(self, name: str) -> int:
        note = self._notes[name]
        until(lambda: note.exists() and note.read_text() != "")
        return int(note.read_text())

    def pids(self) -> list[int]:
        return [self.pid(name) for name in self._notes]


def until(came_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not came_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # ended, and nobody has asked for its status yet


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    supervise.stop(opened.supervisor)


def test_a_killed_process_is_started_again(house: House) -> None:
    killed = house.pid("web")
    until(lambda: not is_gone(killed))

    os.kill(killed, signal.SIGKILL)

    until(lambda: house.pid("web") != killed)
    assert not is_gone(house.pid("worker"))


def test_stopping_ends_every_process(house: House) -> None:
    pids = house.pids()

    supervise.stop(house.supervisor)

    assert all(is_gone(pid) for pid in pids)


def test_no_process_outlives_a_killed_supervisor(house: House) -> None:
    pids = house.pids()

    house.supervisor.kill()
    house.supervisor.wait()

    until(lambda: all(is_gone(pid) for pid in pids))


def test_what_a_process_says_is_in_its_log(house: House) -> None:
    house.pids()

    until(lambda: "100 % awake" in (house.var / "log" / "web.log").read_text())


def test_the_procfile_names_the_web_process_the_worker_and_the_clock() -> None:
    processes = supervise.read_procfile(ROOT / "Procfile")

    assert list(processes) == ["web", "worker", "clock"]
    assert "--ws-max-size 65536" in processes["web"]
