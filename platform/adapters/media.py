"""Pictures and voices: fetched by a worker, checked, stripped of what they tell, and sealed."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import transaction

from adapters import sniffing
from adapters.contracts import Category, Fetching, Media, Rejected, Retry
from adapters.models import Attachment
from adapters.registry import NoAdapter, adapter_of
from assistant.services import hear_voice
from conversations.models import Message
from conversations.services import show_again
from events import MediaArrived, publish
from vault.datakeys import Erased, ensure_alive


class Heard(Protocol):
    """A voice as a browser can play it, and in words; without a word where nobody can tell."""

    @property
    def playable(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def transcript(self) -> str: ...


Clock = Callable[[], datetime]
Hear = Callable[[bytes, str], Heard]  # what it is given: the content and its type
logger = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024  # WeChat's own limit of a picture or a film
AT_ONCE = 100
# Doubled at each try, up to an hour: a vendor that is away for a night costs nobody their picture.
BACKOFF, MAX_BACKOFF = timedelta(seconds=10), timedelta(hours=1)
KEPT = timedelta(days=3)  # source: "获取临时素材" of WeChat and of WeCom
UNHEARD = 8  # tries, in 20 minutes, after which nobody waits for what a voice says

HEARING_LASTS = timedelta(minutes=4)  # beyond a task's own limit: whoever hears is left alone
MAX_HEARINGS = 2  # a voice that ends its worker twice is kept as it came


def expect(message: Message, media: Media, *, now: datetime) -> None:
    """Note what has to be fetched for a message, and ring for it."""
    attachment = Attachment.objects.create(
        message=message,
        data_key_id=message.data_key_id,
        kind=media.kind,
        ref=media.ref,
        fetch_after=now,
    )
    if settings.HEARING_MODEL and _is_to_be_heard(message, media.kind):
        details = message.details or {}
        message.details = {**details, "media": {**details["media"], "waits": True}}
        message.save(update_fields=["details"])
    publish(MediaArrived(attachment.pk))


def bring(attachment_id: int, *, clock: Clock, hear: Hear | None = None) -> None:
    """Fetch one attachment, and let a voice be heard, where somebody can.

    Twice at once does no harm: the same is stored twice, and one of both hears.
    """
    found = Attachment.objects.select_related("message__channel", "message__conversation")
    attachment = found.filter(pk=attachment_id, fetch_after__isnull=False).first()
    if attachment is None or attachment.fetch_after is None or attachment.message.channel is None:
        return
    if attachment.data_key.destroyed_at is not None:
        _give_up(attachment, Category.CONTENT, now=clock())
        return
    if attachment.content:  # fetched before, and being heard, or whoever heard it has ended
        if attachment.fetch_after <= clock():
            known = sniffing.Clean(attachment.content, attachment.content_type)
            _keep(attachment, known, clock, hear)
        return
    try:
        adapter = adapter_of(attachment.message.channel)
    except NoAdapter:
        _give_up(attachment, Category.NOT_SET_UP, now=clock())
        return
    if not isinstance(adapter, Fetching):
        _give_up(attachment, Category.NOT_SET_UP, now=clock())
        return
    result = adapter.fetch(Media(attachment.kind, attachment.ref), max_bytes=MAX_BYTES)
    match result:
        case bytes():
            _clean(attachment, result, clock, hear)
        case Retry(after_s=after_s) if clock() < attachment.message.created_at + KEPT:
            _wait(attachment, after_s or 0, now=clock())
        case Retry(category=category) | Rejected(category=category):
            _give_up(attachment, category, now=clock())


def _wait(attachment: Attachment, at_least_s: float, *, now: datetime) -> None:
    tries = attachment.tries + 1
    backoff = min(BACKOFF * 2 ** min(attachment.tries, UNHEARD), MAX_BACKOFF)
    wait = max(timedelta(seconds=at_least_s), backoff)
    Attachment.objects.filter(pk=attachment.pk).update(tries=tries, fetch_after=now + wait)
    if tries == UNHEARD:
        with suppress(Erased):
            _tell_heard(attachment, "", now=now)


def not_brought(*, now: datetime) -> list[int]:
    """What is due to be fetched."""
    due = Attachment.objects.filter(fetch_after__lte=now)
    return list(due.values_list("pk", flat=True)[:AT_ONCE])


def _clean(attachment: Attachment, content: bytes, clock: Clock, hear: Hear | None) -> None:
    try:
        clean = sniffing.clean(content, kind=attachment.kind)
    except sniffing.NotTaken:
        _give_up(attachment, Category.CONTENT, now=clock())
        return
    attachment.tries = 0  # from here on it counts hearings
    _keep(attachment, clean, clock, hear)


def _keep(attachment: Attachment, clean: sniffing.Clean, clock: Clock, hear: Hear | None) -> None:
    content, content_type, transcript = clean.content, clean.content_type, ""
    if (
        hear is not None
        and _is_to_be_heard(attachment.message, attachment.kind)
        and attachment.tries < MAX_HEARINGS
    ):
        if not _begin_hearing(attachment, clean, now=clock()):
            return
        heard = hear(content, content_type)  # seconds; no transaction is open
        content, content_type = heard.playable, heard.content_type
        transcript = heard.transcript
    attachment.content, attachment.content_type = content, content_type
    attachment.size, attachment.fetch_after = len(content), None
    attachment.transcript = transcript or None
    fields = ["content", "content_type", "size", "fetch_after", "transcript"]
    try:
        with transaction.atomic():
            ensure_alive({attachment.data_key_id})
            attachment.save(update_fields=fields)
            _tell_heard(attachment, transcript, now=clock())
    except Erased:
        _give_up(attachment, Category.CONTENT, now=clock())
        return
    show_again(attachment.message)


@transaction.atomic
def _begin_hearing(attachment: Attachment, clean: sniffing.Clean, *, now: datetime) -> bool:
    """Keep a voice as it came until it is heard. False: somebody else hears it already."""
    until, tries = now + HEARING_LASTS, attachment.tries + 1
    same = Attachment.objects.filter(pk=attachment.pk, fetch_after=attachment.fetch_after)
    if not same.update(fetch_after=until, tries=tries):
        return False
    attachment.fetch_after, attachment.tries = until, tries
    attachment.content, attachment.content_type = clean.content, clean.content_type
    attachment.save(update_fields=["content", "content_type"])
    return True


def _is_to_be_heard(message: Message, kind: str) -> bool:
    """A voice, unless its vendor has put it into words: then the message is these words."""
    return kind == "voice" and "media" in (message.details or {})


def _tell_heard(attachment: Attachment, transcript: str, *, now: datetime) -> None:
    if _is_to_be_heard(attachment.message, attachment.kind):
        hear_voice(attachment.message, transcript=transcript, now=now)


def _give_up(attachment: Attachment, category: Category, *, now: datetime) -> None:
    Attachment.objects.filter(pk=attachment.pk).update(fetch_after=None, failure=str(category))
    logger.warning("no media", extra={"attachment": attachment.pk, "why": str(category)})
    with suppress(Erased):  # then nobody waits for an answer
        _tell_heard(attachment, "", now=now)
    show_again(attachment.message)
