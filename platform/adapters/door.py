"""The door for vendors: verify, parse, store in one transaction, acknowledge."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from adapters.arrivals import Told, greet, receive_all
from adapters.contracts import Adapter, Answer, Callback, LettingIn, Malformed, NotPulled, Refused
from adapters.links import new_link
from adapters.registry import NoAdapter, adapter_of
from patients.models import Channel

logger = logging.getLogger(__name__)

MAX_CODE_BODY = 1_024
MAX_BODY = 262_144  # bytes; the largest callback of any vendor is a tenth of it


@dataclass
class TurnedAway(Exception):
    """404 no such channel, 403 not from the vendor, 400 not to be read, 413 too big, 503 later."""

    status: int


def hear_all(calls: Sequence[tuple[str, Callback]]) -> list[Answer | Exception]:
    """Take in what vendors tell channels (by slug) at one moment, in one transaction.

    For each its answer, once it is stored; or TurnedAway, or what else went wrong with it alone.
    """
    read = [_tried(slug, said) for slug, said in calls]
    told = {at: each[0] for at, each in enumerate(read) if not isinstance(each, Exception)}
    # By patient, so that two processes never wait for each other; of one, as they came.
    order = sorted(told, key=lambda at: told[at].by)
    failed = dict(zip(order, _store([told[at] for at in order]), strict=True))
    return [
        each if isinstance(each, Exception) else failed[at] or each[1]
        for at, each in enumerate(read)
    ]


def _tried(slug: str, said: Callback) -> tuple[Told, Answer] | Exception:
    try:
        return _read(slug, said)
    except DatabaseError:
        raise
    except Exception as error:
        return error


def _read(slug: str, said: Callback) -> tuple[Told, Answer]:
    """What a vendor told, and our answer once it is stored. Raises TurnedAway."""
    door = _door(slug)
    channel, adapter = door.channel, door.adapter
    if len(said.body) > MAX_BODY:
        raise _refused(channel, "too big", status=413)
    try:
        adapter.verify(said)
        events = adapter.parse(said)
    except Refused:
        raise _refused(channel, "not from the vendor", status=403) from None
    except Malformed:
        raise _refused(channel, "not to be read", status=400) from None
    return Told(channel, events, adapter.capabilities), adapter.acknowledge(said)


def _store(told: Sequence[Told]) -> list[Exception | None]:
    """When one can't be stored, each is stored by itself, so it takes no other with it."""
    if not told:
        return []  # strangers alone: no lock is taken for them
    try:
        receive_all(told, now=timezone.now())
        return [None] * len(told)
    except (OperationalError, InterfaceError):
        raise  # the database is ill, not one of them: nobody is helped by trying each
    except Exception as error:
        if len(told) == 1:
            return [error]
    return [error for each in told for error in _store([each])]


def let_in(slug: str, body: bytes) -> str:
    """A link's code for whoever sends `{"code": …}` of their own app. Raises TurnedAway.

    It opens the same conversation as their customer messages.
    """
    door = _door(slug)
    channel, adapter = door.channel, door.adapter
    if not isinstance(adapter, LettingIn):
        raise TurnedAway(404)
    code = _code_in(body) if len(body) <= MAX_CODE_BODY else ""
    if not code:
        raise _refused(channel, "no code", status=400)
    try:
        guest = adapter.let_in(code)
    except Refused:
        raise _refused(channel, "not vouched for", status=403) from None
    except NotPulled:
        raise _refused(channel, "the vendor does not answer", status=503) from None
    return new_link(greet(channel, guest), now=timezone.now())


@dataclass(frozen=True)
class _Door:
    """A channel and its adapter, kept from one callback to the next."""

    as_set_up: tuple[Any, ...]  # what both were built from
    channel: Channel
    adapter: Adapter


_doors: dict[str, _Door] = {}  # by slug

# Written out: it runs for every callback. Secrets are compared as they lie sealed in the row, and
# sealed anew they never look the same: so what an admin saved is in force with the next callback.
_AS_SET_UP = """
SELECT channel.id, channel.kind, account.id, account.settings, account.secrets
FROM patients_channel AS channel
LEFT JOIN adapters_account AS account ON account.channel_id = channel.id
WHERE channel.slug = %s AND channel.is_active
"""


def _door(slug: str) -> _Door:
    """Raises TurnedAway."""
    with connection.cursor() as cursor:
        cursor.execute(_AS_SET_UP, [slug])
        as_set_up = cursor.fetchone()
    known = _doors.get(slug)
    if known is not None and known.as_set_up == as_set_up:
        return known
    _doors.pop(slug, None)
    try:
        channel = Channel.objects.get(slug=slug, is_active=True)
        door = _Door(as_set_up, channel, adapter_of(channel))
    except (Channel.DoesNotExist, NoAdapter):
        raise TurnedAway(404) from None
    _doors[slug] = door
    return door


def _code_in(body: bytes) -> str:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, str) and 0 < len(code) <= 128 and code.isascii() else ""


def _refused(channel: Channel, why: str, *, status: int) -> TurnedAway:
    logger.warning("callback refused", extra={"channel": channel.slug, "why": why})
    return TurnedAway(status)
