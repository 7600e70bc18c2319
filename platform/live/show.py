"""Glances, and how to show them to open screens.

A frame carries ids and `seq`, never a patient's words; a screen pulls what it misses. So a frame
that gets lost costs a moment, not a message.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from live.shout import shouter

Frame = dict[str, Any]  # {"type": "conversation.news", "conversation": 7, "seq": 12}

CONSOLES = "consoles"  # the group of all nurses' screens

ORIGIN = secrets.token_hex(4)  # of this process: its own screens are told without a detour

_SHOW = 'INSERT INTO live_glance ("group", frame, origin, at) VALUES (%s, %s, %s, %s)'

Screens = Callable[[Sequence[tuple[str, Frame]]], None]
screens: list[Screens] = []  # those of this process, one for each event loop; see `live.watch`


def conversation_group(conversation_id: int) -> str:
    return f"conversation.{conversation_id}"


def show_on_commit(group: str, frame: Frame) -> None:
    """Show a frame to every screen in the group, once the current transaction commits."""
    show_all_on_commit([(group, frame)])


def show_all_on_commit(frames: Sequence[tuple[str, Frame]]) -> None:
    """Show each frame to its group, once the current transaction commits."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: shouter.shout(frames, origin=ORIGIN), robust=True)
    else:
        # Written out, and without the rows' ids: a frame goes with every message.
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        rows = [(group, json.dumps(frame), ORIGIN, now) for group, frame in frames]
        with connection.cursor() as cursor:
            cursor.executemany(_SHOW, rows)
    if screens:
        transaction.on_commit(lambda: _show_here(frames), robust=True)


def _show_here(frames: Sequence[tuple[str, Frame]]) -> None:
    for show in screens:
        show(frames)
