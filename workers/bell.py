"""Ring a worker. `events.publish` calls this for every fact that somebody has to act on.

On one machine the ring is a row, put by the transaction that made the fact. With RabbitMQ it
leaves after the commit and from the side, so that no web request ever waits for a broker. A ring
that fails is not tried again: the row is the debt, and a sweep rings for what is still owed.
"""

import logging
from queue import Full, Queue
from threading import Lock, Thread

from celery import Celery, current_app
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

WAITING = 1_000  # rings; a broker that is away longer than this lasts is the sweeps' business
CONFIRM_S = 2  # seconds that the side thread waits for RabbitMQ to confirm

Ids = dict[str, int]


def ring(name: str, ids: Ids) -> None:
    """Ring for the task of this name. Never raises, and never waits for a broker."""
    if settings.BROKER_URL:
        # No partial: Django names what broke in its log, and a partial has no name.
        transaction.on_commit(lambda: _side_bell.ring(name, ids), robust=True)
    else:
        _ring_now(name, ids)


def _ring_now(name: str, ids: Ids) -> None:
    try:
        current_app.send_task(name, kwargs=ids)
    except Exception as error:  # whatever it was, the caller's own work must go on
        _say_lost(name, error)


class SideBell:
    """Rings from a thread of its own. When too many rings wait, the newest are dropped."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._rings: Queue[tuple[str, Ids]] = Queue(waiting)
        self._starting = Lock()
        self._ringer: Thread | None = None

    def ring(self, name: str, ids: Ids) -> None:
        self._start()
        try:
            self._rings.put_nowait((name, ids))
        except Full:
            logger.warning("a ring was dropped, the sweep will ring again", extra={"task": name})

    def waiting(self) -> int:
        return self._rings.qsize()

    def _start(self) -> None:
        with self._starting:
            # Looked at each time: a forked pool process has the object without its thread.
            if self._ringer is None or not self._ringer.is_alive():
                self._ringer = Thread(target=self._run, name="bell", daemon=True)
                self._ringer.start()

    def _run(self) -> None:
        app: Celery = current_app._get_current_object()
        name = ""  # none yet
        while True:
            try:
                with app.connection_for_write() as connection:
                    while True:
                        name, ids = self._rings.get()
                        app.send_task(
                            name, kwargs=ids, connection=connection, confirm_timeout=CONFIRM_S
                        )
            except Exception as error:  # a new connection for the next ring
                _say_lost(name, error)


def _say_lost(name: str, error: Exception) -> None:
    logger.warning(
        "a ring was lost, the sweep will ring again",
        extra={"task": name, "reason": type(error).__name__},
    )


_side_bell = SideBell()
