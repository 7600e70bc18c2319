"""Glances, and how to show them to open screens.

A frame carries ids and `seq`, never a patient's words; a screen pulls what it misses. So a frame
that gets lost costs a moment, not a message.
"""

import json
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

logger = logging.getLogger(__name__)

Frame = dict[str, Any]  # {"type": "conversation.news", "conversation": 7, "seq": 12}

CONSOLES = "consoles"  # the group of all nurses' screens
TOPIC = "wenan.live"  # the one Redis channel; web processes sort by group
TIMEOUT_S = 1.0  # a commit never waits longer for Redis; the screens' own pulls do the rest

_SHOW = 'INSERT INTO live_glance ("group", frame, at) VALUES (%s, %s, %s)'


def conversation_group(conversation_id: int) -> str:
    return f"conversation.{conversation_id}"


def show_on_commit(group: str, frame: Frame) -> None:
    """Show a frame to every screen in the group, once the current transaction commits."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _shout(group, frame))
    else:
        # Written out, and without the row's id: a frame goes with every message.
        with connection.cursor() as cursor:
            cursor.execute(_SHOW, [group, json.dumps(frame), timezone.now()])
        transaction.on_commit(nudge)


def nudge() -> None:
    """Have this process' watcher look now rather than at its next tick; see `live.watch`."""
    for wake in watchers:
        wake()


watchers: list[Callable[[], None]] = []  # each wakes one watcher of this process


def _shout(group: str, frame: Frame) -> None:
    try:
        _redis().publish(TOPIC, json.dumps([group, frame]))
    except redis.RedisError:
        logger.warning("live screens not reached", extra={"group": group})


@lru_cache(maxsize=1)
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
