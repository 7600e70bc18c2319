"""Patients' messages for machines that count: in batches, and nothing of them is shown or kept."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from conversations.models import Author, Kind, Message
from vault.cipher import Unreadable
from vault.datakeys import open_many
from vault.keys import UnknownKey

BATCH = 500  # messages read at once; one long read would hold SQLite's log open


def since(rows: QuerySet[Any], moment: str, start: datetime) -> QuerySet[Any]:
    """The rows stored since a moment, found by their growing ids: no index on it is needed."""
    low = 0
    high = rows.model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
    every = rows.model._default_manager.order_by("pk").values_list("pk", moment)
    while low < high:
        middle = (low + high) // 2
        row = every.filter(pk__gt=middle).first()
        if row is None or row[1] >= start:
            high = middle
        else:
            low = row[0]
    return rows.filter(pk__gt=low)


def handled(*, since_moment: datetime, until: datetime) -> Iterator[Message]:
    """What patients wrote between two moments and was handled, erased patients left out."""
    written = since(Message.objects.all(), "created_at", since_moment)
    written = written.filter(
        author=Author.PATIENT,
        kind=Kind.TEXT,
        created_at__gte=since_moment,
        created_at__lt=until,
        handled_at__isnull=False,
        data_key__destroyed_at=None,
    )
    after = 0
    while batch := list(written.filter(pk__gt=after).order_by("pk")[:BATCH]):
        open_many({message.data_key_id for message in batch})
        yield from (message for message in batch if opens(message))
        after = batch[-1].pk


def opens(message: Message) -> bool:
    """Whether a row can be read. One that cannot is told of where a nurse reads it."""
    try:
        _both = message.text, message.details
    except (Unreadable, UnknownKey):
        return False
    return True
