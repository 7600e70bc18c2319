"""Pictures and voices: fetched by a worker, checked, stripped of what they tell, and sealed."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters import sniffing
from adapters.contracts import Category, Fetching, Media, Rejected, Retry
from adapters.models import Attachment
from adapters.registry import NoAdapter, adapter_of
from conversations.models import Message
from conversations.services import show_again
from events import MediaArrived, publish

Clock = Callable[[], datetime]
logger = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024  # WeChat's own limit of a picture or a film
MAX_TRIES = 8
AT_ONCE = 100
BACKOFF = timedelta(seconds=10)  # doubled at each try, 20 minutes in all; vendors keep it 3 days


def expect(message: Message, media: Media, *, now: datetime) -> None:
    """Note what has to be fetched for a message, and ring for it."""
    attachment = Attachment.objects.create(
        message=message,
        data_key_id=message.data_key_id,
        kind=media.kind,
        ref=media.ref,
        fetch_after=now,
    )
    publish(MediaArrived(attachment.pk))


def bring(attachment_id: int, *, clock: Clock) -> None:
    """Fetch one attachment. Twice at once does no harm: the same is stored twice."""
    found = Attachment.objects.select_related("message__channel", "message__conversation")
    attachment = found.filter(pk=attachment_id, fetch_after__isnull=False).first()
    if attachment is None or attachment.message.channel is None:
        return
    if attachment.data_key.destroyed_at is not None:
        _give_up(attachment, Category.CONTENT)
        return
    try:
        adapter = adapter_of(attachment.message.channel)
    except NoAdapter:
        _give_up(attachment, Category.NOT_SET_UP)
        return
    if not isinstance(adapter, Fetching):
        _give_up(attachment, Category.NOT_SET_UP)
        return
    result = adapter.fetch(Media(attachment.kind, attachment.ref), max_bytes=MAX_BYTES)
    match result:
        case bytes():
            _keep(attachment, result)
        case Retry(after_s=after_s) if attachment.tries + 1 < MAX_TRIES:
            wait = max(timedelta(seconds=after_s or 0), BACKOFF * 2**attachment.tries)
            Attachment.objects.filter(pk=attachment.pk).update(
                tries=attachment.tries + 1, fetch_after=clock() + wait
            )
        case Retry(category=category) | Rejected(category=category):
            _give_up(attachment, category)


def not_brought(*, now: datetime) -> list[int]:
    """What is due to be fetched."""
    due = Attachment.objects.filter(fetch_after__lte=now)
    return list(due.values_list("pk", flat=True)[:AT_ONCE])


def _keep(attachment: Attachment, content: bytes) -> None:
    try:
        clean = sniffing.clean(content, kind=attachment.kind)
    except sniffing.NotTaken:
        _give_up(attachment, Category.CONTENT)
        return
    attachment.content, attachment.content_type = clean.content, clean.content_type
    attachment.size, attachment.fetch_after = len(clean.content), None
    attachment.save(update_fields=["content", "content_type", "size", "fetch_after"])
    show_again(attachment.message)


def _give_up(attachment: Attachment, category: Category) -> None:
    Attachment.objects.filter(pk=attachment.pk).update(fetch_after=None, failure=str(category))
    logger.warning("no media", extra={"attachment": attachment.pk, "why": str(category)})
    show_again(attachment.message)
