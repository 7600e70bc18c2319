"""How the screens of a web process hear of what was committed.

What this process commits it hands to its own screens at once. Of what others commit it hears by
Redis, to which it subscribes. Without, it watches SQLite's `data_version`, which changes with every
commit of another connection: 10 µs a look, so a look every 20 ms costs 1 % of a core.
"""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from live import show
from live.shout import TOPIC

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.02
AGAIN_AFTER_S = 1.0  # after Redis was lost
SILENCE_S = 5.0  # of Redis, before we ask whether it is there, and again before we give it up
TIMEOUT_S = 5.0

Deliver = Callable[[str, show.Frame], None]


async def watch(deliver: Deliver) -> None:
    """Hand every frame to `deliver(group, frame)`, in the order of each process' commits.

    Runs until cancelled.
    """
    here = _Here(deliver)
    show.screens.append(here.show)
    try:
        while True:
            try:
                await (_watch_redis(deliver) if settings.REDIS_URL else _watch_database(deliver))
            except Exception:  # whatever it was, the screens of this process must hear again
                logger.warning("live source lost", exc_info=True)
                await asyncio.sleep(AGAIN_AFTER_S)
    finally:
        show.screens.remove(here.show)


class _Here:
    """Takes frames from this process' database threads to its event loop, many in one hop."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._frames: deque[tuple[str, show.Frame]] = deque()

    def show(self, frames: Sequence[tuple[str, show.Frame]]) -> None:
        self._frames.extend(frames)
        with contextlib.suppress(RuntimeError):  # a loop that ended has no screens
            self._loop.call_soon_threadsafe(self._hand_on)

    def _hand_on(self) -> None:
        while self._frames:
            group, frame = self._frames.popleft()
            try:
                self._deliver(group, frame)
            except Exception:  # one that can't be shown must keep no other from being shown
                logger.warning("a glance was not shown", exc_info=True, extra={"group": group})


async def _watch_redis(deliver: Deliver) -> None:
    import redis.asyncio  # half a second of work, and on one machine there is none

    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        socket_keepalive=True,
    )
    try:
        async with client, client.pubsub() as topic:
            await _listen(topic, deliver)
    except redis.RedisError as error:
        raise ConnectionError("Redis is away") from error


async def _listen(topic: "PubSub", deliver: Deliver) -> None:
    await topic.subscribe(TOPIC)
    asked = False
    while True:
        heard = await topic.get_message(timeout=SILENCE_S)
        if heard is None and asked:
            raise TimeoutError("Redis does not answer a ping")
        # The client's own health check sends pings too, and does not miss an answer.
        asked = heard is None
        if asked:
            await topic.ping()
        elif heard["type"] == "message":
            match json.loads(heard["data"]):
                case [str(origin), list(frames)] if origin != show.ORIGIN:
                    for group, frame in frames:
                        deliver(group, frame)
                # Anything else is our own and shown already, or of another version.


_NEWEST = "SELECT coalesce(max(id), 0) FROM live_glance"
_OF_OTHERS = """
SELECT "group", frame FROM live_glance WHERE id > ? AND id <= ? AND origin <> ? ORDER BY id
"""


async def _watch_database(deliver: Deliver) -> None:
    # Reads take microseconds and no lock that a writer waits for, so they stay on the loop.
    database = sqlite3.connect(settings.DATABASES["default"]["NAME"], check_same_thread=False)
    try:
        (last,) = database.execute(_NEWEST).fetchone()
        version = 0
        while True:
            (now,) = database.execute("PRAGMA data_version").fetchone()
            if now != version:
                version = now
                (newest,) = database.execute(_NEWEST).fetchone()
                for group, frame in database.execute(_OF_OTHERS, [last, newest, show.ORIGIN]):
                    deliver(group, json.loads(frame))
                last = max(last, newest)
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        database.close()
