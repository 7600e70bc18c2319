"""Frames to Redis, from the side: no commit and no request ever waits for it.

A frame that does not reach Redis is dropped and counted in the log; the screens pull by themselves.
"""

import json
import logging
from collections.abc import Sequence
from queue import Empty, Full, Queue
from threading import Lock, Thread

from django.conf import settings

logger = logging.getLogger(__name__)

TOPIC = "wenan.live"  # the one Redis channel; web processes sort by group
WAITING = 5_000  # commits; Redis that is away longer than this loses glances, not messages
AT_ONCE = 200
TIMEOUT_S = 2.0


class Shouter:
    """Publishes from a thread of its own, as many frames at once as wait."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._waiting: Queue[str] = Queue(waiting)
        self._starting = Lock()
        self._thread: Thread | None = None

    def shout(self, frames: Sequence[tuple[str, dict[str, object]]], *, origin: str) -> None:
        self._start()
        try:
            # One message, however many frames a transaction had: each costs every web process.
            self._waiting.put_nowait(json.dumps([origin, frames]))
        except Full:
            logger.warning("glances were dropped", extra={"frames": len(frames)})

    def _start(self) -> None:
        with self._starting:
            # Looked at each time: a forked pool process has the object without its thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="shouter", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        import redis  # half a second of work, and on one machine there is none

        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        while True:
            frames = self._take()
            try:
                with client.pipeline(transaction=False) as pipe:
                    for frame in frames:
                        pipe.publish(TOPIC, frame)
                    pipe.execute()
            except redis.RedisError:
                logger.warning("live screens not reached", extra={"frames": len(frames)})

    def _take(self) -> list[str]:
        frames = [self._waiting.get()]
        try:
            while len(frames) < AT_ONCE:
                frames.append(self._waiting.get_nowait())
        except Empty:
            pass
        return frames


shouter = Shouter()
