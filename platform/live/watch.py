"""How a web process hears of what other processes committed.

With Redis it subscribes. Without, it watches SQLite's `data_version`, which changes with every
commit of another connection: 10 µs a look, so a look every 20 ms costs 1 % of a core.
"""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable
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

Deliver = Callable[[str, show.Frame], Awaitable[None]]


async def watch(deliver: Deliver) -> None:
    """Hand every frame to `deliver(group, frame)`, in commit order, until cancelled."""
    while True:
        try:
            await (_watch_redis(deliver) if settings.REDIS_URL else _watch_database(deliver))
        except (OSError, sqlite3.Error):
            logger.warning("live source lost", exc_info=True)
            await asyncio.sleep(AGAIN_AFTER_S)


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
            group, frame = json.loads(heard["data"])
            await deliver(group, frame)


async def _watch_database(deliver: Deliver) -> None:
    loop = asyncio.get_running_loop()
    nudged = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(nudged.set)

    # Reads take microseconds and no lock that a writer waits for, so they stay on the loop.
    database = sqlite3.connect(settings.DATABASES["default"]["NAME"], check_same_thread=False)
    show.watchers.append(wake)
    try:
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM live_glance").fetchone()
        version = 0
        while True:
            (now,) = database.execute("PRAGMA data_version").fetchone()
            if now != version:
                version = now
                for glance in database.execute(
                    'SELECT id, "group", frame FROM live_glance WHERE id > ? ORDER BY id', [last]
                ).fetchall():
                    last, group, frame = glance
                    await deliver(group, json.loads(frame))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(nudged.wait(), LOOK_EVERY_S)
            nudged.clear()
    finally:
        show.watchers.remove(wake)
        database.close()
