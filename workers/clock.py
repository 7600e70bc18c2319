"""python -m workers.clock: the sweeps, each in its own time.

They run here and now, in a thread for each, and wait in no queue: a backlog of messages is when
they are needed most, and a slow one keeps no other from its time.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread

import django
from celery import current_app
from django.db import connection

from events.logs import kind_and_place

logger = logging.getLogger("workers.clock")  # also when this file is the program

LOOK_EVERY_S = 5
STUCK_S = 240  # no sweep needs a tenth of it, and every wait for a server ends before

Sweep = Callable[[], object]


class Hand:
    """Runs one sweep every so many seconds, from a thread of its own."""

    def __init__(self, name: str, sweep: Sweep, *, every_s: float, stopped: Event) -> None:
        self.name = name
        self._sweep, self._every_s, self._stopped = sweep, every_s, stopped
        self._began_at: float | None = None  # None: at rest
        self.thread = Thread(target=self._run, name=name, daemon=True)

    def is_stuck(self) -> bool:
        began_at = self._began_at
        return began_at is not None and time.monotonic() - began_at > STUCK_S

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._began_at = time.monotonic()
            try:
                self._sweep()
            except Exception as error:  # the next time may be better, and the others go on
                logger.error("a sweep failed", extra={"sweep": self.name, **kind_and_place(error)})
            finally:
                connection.close()
            self._began_at = None


def keep_time(sweeps: dict[str, tuple[Sweep, float]], *, stopped: Event) -> list[str]:
    """Run the sweeps until `stopped` is set, or until some are stuck: those are returned."""
    hands = [
        Hand(name, sweep, every_s=every_s, stopped=stopped)
        for name, (sweep, every_s) in sweeps.items()
    ]
    for hand in hands:
        hand.thread.start()
    while not stopped.wait(LOOK_EVERY_S):
        stuck = [hand.name for hand in hands if hand.is_stuck()]
        if stuck:
            stopped.set()
            return stuck
    for hand in hands:
        hand.thread.join(LOOK_EVERY_S)  # to finish what it does
    return []


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    schedule: dict[str, float] = import_module("workers.sweeps").SCHEDULE  # needs ready models
    stopped = Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopped.set())
    sweeps = {name: (current_app.tasks[name], every_s) for name, every_s in schedule.items()}
    stuck = keep_time(sweeps, stopped=stopped)
    for name in stuck:
        logger.error("a sweep is stuck, the clock starts anew", extra={"sweep": name})
    return 1 if stuck else 0


if __name__ == "__main__":
    sys.exit(main())
