"""The door for vendors: verify, parse, store in one transaction, acknowledge."""

import json
import logging
from dataclasses import dataclass

from django.utils import timezone

from adapters.arrivals import greet, receive
from adapters.contracts import Answer, Callback, LettingIn, Malformed, NotPulled, Refused
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


def hear(slug: str, said: Callback) -> Answer:
    """Take in what a vendor tells a channel. Raises TurnedAway."""
    try:
        channel = Channel.objects.get(slug=slug, is_active=True)
        adapter = adapter_of(channel)
    except (Channel.DoesNotExist, NoAdapter):
        raise TurnedAway(404) from None
    if len(said.body) > MAX_BODY:
        raise _refused(channel, "too big", status=413)
    try:
        adapter.verify(said)
        events = adapter.parse(said)
    except Refused:
        raise _refused(channel, "not from the vendor", status=403) from None
    except Malformed:
        raise _refused(channel, "not to be read", status=400) from None
    receive(channel, events, capabilities=adapter.capabilities, now=timezone.now())
    return adapter.acknowledge(said)


def let_in(slug: str, body: bytes) -> str:
    """A link's code for whoever sends `{"code": …}` of their own app. Raises TurnedAway.

    It opens the same conversation as their customer messages.
    """
    try:
        channel = Channel.objects.get(slug=slug, is_active=True)
        adapter = adapter_of(channel)
    except (Channel.DoesNotExist, NoAdapter):
        raise TurnedAway(404) from None
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
