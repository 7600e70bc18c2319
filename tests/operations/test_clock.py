"""The sweeps run in their own time, whatever waits in the queues and whatever befalls one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import connection
from django.utils import timezone

from workers import clock
from workers.broker import rings
from workers.broker.models import Ring

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
OWED = "message.received {'conversation_id': %s}"


def until(came_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not came_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def ticking(transactional_db: None) -> Iterator["subprocess.Popen[bytes]"]:
    """A real clock on the database under test and the embedded broker; no worker at all."""
    settings = connection.settings_dict
    url = f"sqlite:///{settings['NAME']}"
    if connection.vendor == "postgresql":
        user = f"{settings['USER']}:{settings['PASSWORD']}"
        url = f"postgresql://{user}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    started = subprocess.Popen(
        [sys.executable, "-m", "workers.clock"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "BROKER_URL": "", "REDIS_URL": ""},
    )
    yield started
    started.kill()
    started.wait()


def test_a_backlog_of_messages_does_not_stop_the_sweeps(
    patient_writes: Callable[..., object],
    ticking: "subprocess.Popen[bytes]",
) -> None:
    for number in range(300):
        rings.put("wenan", "{}", call=f"waits {number}")
    written = patient_writes("你好", attended=False, now=timezone.now() - timedelta(seconds=4))
    call = OWED % written.message.conversation_id  # type: ignore[attr-defined]
    Ring.objects.filter(call=call).delete()  # the broker lost it

    until(lambda: Ring.objects.filter(call=call).exists())
    Ring.objects.filter(call=call).delete()
    until(lambda: Ring.objects.filter(call=call).exists())

    ticking.send_signal(signal.SIGTERM)
    assert ticking.wait(PATIENCE_S) == 0


def test_neither_a_slow_sweep_nor_one_that_fails_keeps_another_from_its_time() -> None:
    stopped, hung = Event(), Event()
    times: dict[str, int] = {"fails": 0, "runs": 0}

    def fail() -> None:
        times["fails"] += 1
        raise ValueError

    def run() -> None:
        times["runs"] += 1

    sweeps: dict[str, tuple[clock.Sweep, float]] = {
        "hangs": (hung.wait, 0.01), "fails": (fail, 0.01), "runs": (run, 0.01),
    }  # fmt: skip
    keeping = Thread(target=clock.keep_time, args=[sweeps], kwargs={"stopped": stopped})
    keeping.start()

    until(lambda: min(times.values()) > 3)

    stopped.set()
    hung.set()
    keeping.join(PATIENCE_S)
    assert not keeping.is_alive()


def test_a_sweep_that_is_stuck_makes_the_clock_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "STUCK_S", 1.0)
    monkeypatch.setattr(clock, "LOOK_EVERY_S", 0.05)
    hung = Event()

    stuck = clock.keep_time(
        {"hangs": (hung.wait, 0.01), "runs": (lambda: None, 0.01)}, stopped=Event()
    )

    hung.set()
    assert stuck == ["hangs"]
