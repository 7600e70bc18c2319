"""What a vendor told us, done: messages taken in, windows opened, receipts noted, people left."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q

from adapters import ledger
from adapters.contracts import (
    Capabilities,
    Category,
    EventKind,
    InboundEvent,
    Receipt,
    Status,
)
from adapters.delivery import UNKNOWN, give_up
from adapters.models import Attempt, Heard
from adapters.policy import DEAF, split
from adapters.rendering import chosen
from assistant.services import take_in, welcome
from conversations.services import ClientIdReused
from conversations.text import MAX_CHARS, EmptyText, clean_text
from patients.models import Channel, ContactPoint
from patients.services import (
    close_contact_point,
    find_contact_point,
    hear_channel,
    meet,
    reopen_contact_point,
)


@transaction.atomic
def receive(
    channel: Channel, events: Sequence[InboundEvent], *, capabilities: Capabilities, now: datetime
) -> None:
    """Take in what a vendor delivered, all or nothing; a second delivery changes nothing."""
    for event in events:
        _receive(channel, event, capabilities=capabilities, now=now)
    hear_channel(channel, now=now)


def _receive(
    channel: Channel, event: InboundEvent, *, capabilities: Capabilities, now: datetime
) -> None:
    at = min(event.occurred_at, now)  # a vendor's clock may run ahead
    match event.kind:
        case EventKind.TEXT | EventKind.MEDIA | EventKind.PLACE | EventKind.TAP:
            contact_point = meet(channel, address=event.address)
            ledger.open_window(contact_point, event.trigger, capabilities=capabilities, at=at)
            reopen_contact_point(contact_point, at=at)
            _take_in(contact_point, event, now=now)
        case EventKind.FOLLOWED:
            contact_point = meet(channel, address=event.address)
            if _is_first(channel, event, now=now):
                ledger.open_window(contact_point, event.trigger, capabilities=capabilities, at=at)
                reopen_contact_point(contact_point, at=at)
                welcome(contact_point, now=now)
        case EventKind.LEFT:
            known = find_contact_point(channel, address=event.address)
            if known is not None and _is_first(channel, event, now=now):
                close_contact_point(known, why=Category.OPTED_OUT, at=at)
        case EventKind.GRANTED:
            if _is_first(channel, event, now=now):
                contact_point = meet(channel, address=event.address)
                for grant in event.grants:
                    ledger.note_grant(contact_point, grant)
        case EventKind.RECEIPT if event.receipt is not None:
            note_receipt(channel, event.receipt, now=now)
        case EventKind.OTHER if event.trigger:
            known = find_contact_point(channel, address=event.address)
            if known is not None:
                ledger.open_window(known, event.trigger, capabilities=capabilities, at=at)


def _take_in(contact_point: ContactPoint, event: InboundEvent, *, now: datetime) -> None:
    """Store what somebody wrote, in as many messages as it needs; nothing is cut off."""
    try:
        text = clean_text(event.text or _name_of(event), max_chars=None)
    except EmptyText:
        text = EMPTY
    # A voice that the vendor has put into words is understood by them.
    silent = event.media is not None and not event.text
    media = {"kind": event.media.kind, "ref": event.media.ref} if silent and event.media else None
    choice = _choice_in(contact_point, text)
    pieces = split(text, capabilities=Capabilities(max_length=MAX_CHARS))
    for number, piece in enumerate(pieces):
        key = event.dedupe_key if number == 0 else f"{event.dedupe_key[:58]}#{number}"
        tap = choice.get("tap", "")
        said: dict[str, Any] = {"text": piece, "tap": tap, "media": media, "now": now}
        try:
            take_in(contact_point, external_id=key, **said)
        except ClientIdReused:
            # Under a known id, and with other words: whoever is wrong here, a patient wrote this.
            digest = sha256(piece.encode()).hexdigest()[:16]
            take_in(contact_point, external_id=f"{key[:47]}~{digest}", **said)


def _choice_in(contact_point: ContactPoint, text: str) -> dict[str, str]:
    conversation = getattr(contact_point, "conversation", None)
    return (chosen(conversation.pk, text) if conversation is not None else None) or {}


# What stands in the thread for what is not text. In one language: a redelivery must say the same.
EMPTY = "[空消息]"
NAMES = {"image": "[图片]", "voice": "[语音]", "video": "[视频]", "file": "[文件]"}


def _name_of(event: InboundEvent) -> str:
    if event.kind is EventKind.PLACE:
        return "[位置]"
    return NAMES.get(event.media.kind, NAMES["file"]) if event.media is not None else ""


def _is_first(channel: Channel, event: InboundEvent, *, now: datetime) -> bool:
    return Heard.objects.get_or_create(channel=channel, key=event.dedupe_key, defaults={"at": now})[
        1
    ]


def note_receipt(channel: Channel, receipt: Receipt, *, now: datetime) -> None:
    """How far a message came, as the vendor says; never back from where it was already."""
    if not receipt.vendor_id:
        return
    behind = [status for status in Status if status.rank < receipt.status.rank]
    ours = Q(channel=channel, vendor_id=receipt.vendor_id, status__in=behind)
    told = list(Attempt.objects.filter(ours).select_related("message__conversation"))
    moved = Attempt.objects.filter(ours, pk__in=[each.pk for each in told]).update(
        status=receipt.status,
        status_at=now,
        **({"category": receipt.category} if receipt.category else {}),
        **({"code": receipt.code[:80]} if receipt.code else {}),
    )
    if not moved or receipt.status is not Status.FAILED:
        return
    failed = [each.message for each in told]
    give_up(failed, receipt.category or UNKNOWN, now=now)
    if receipt.category in DEAF:
        contact_point = failed[0].conversation.contact_point
        close_contact_point(contact_point, why=receipt.category, at=now)
