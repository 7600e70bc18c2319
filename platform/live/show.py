"""Glances, and how to show them to open screens.

A frame carries ids and `seq`, never a patient's words; a screen pulls what it misses. So a frame
that gets lost costs a moment, not a message.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from live.shout import shouter

Frame = dict[str, Any]  # {"type": "conversation.news", "conversation": 7, "seq": 12}

CONSOLES = "consoles"  # the group of all nurses' screens

_SHOW = 'INSERT INTO live_glance ("group", frame, at) VALUES (%s, %s, %s)'


def conversation_group(conversation_id: int) -> str:
    return f"conversation.{conversation_id}"


def show_on_commit(group: str, frame: Frame) -> None:
    """Show a frame to every screen in the group, once the current transaction commits."""
    if settings.REDIS_URL:
        transaction.on_commit(partial(shouter.shout, group, frame), robust=True)
        return
    # Written out, and without the row's id: a frame goes with every message.
    with connection.cursor() as cursor:
        cursor.execute(_SHOW, [group, json.dumps(frame), timezone.now()])
    transaction.on_commit(nudge, robust=True)


def nudge() -> None:
    """Have this process' watchers look now rather than at their next tick; see `live.watch`."""
    for wake in watchers:
        wake()


watchers: list[Callable[[], None]] = []  # each wakes one watcher of this process
