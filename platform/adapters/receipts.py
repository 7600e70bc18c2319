"""How far a message came, as its vendor says: in any order, and never back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from adapters import ledger
from adapters.contracts import Category, Receipt, Status
from adapters.models import Attempt, EarlyReceipt
from adapters.policy import DEAF, SHUT
from adapters.undelivered import UNKNOWN, give_up
from conversations.models import Author, Message
from patients.models import Channel
from patients.services import close_contact_point

KEPT = timedelta(days=7)  # receipts of what another system sent over the same account
AT_ONCE = 200


@transaction.atomic
def note_receipt(channel: Channel, receipt: Receipt, *, now: datetime) -> None:
    """Move a message on; one that is not known yet is kept until it is."""
    if not receipt.vendor_id:
        return
    attempts = Attempt.objects.filter(channel=channel, vendor_id=receipt.vendor_id)
    if not attempts.exists():
        EarlyReceipt.objects.get_or_create(
            channel=channel,
            vendor_id=receipt.vendor_id[:64],
            status=str(receipt.status),
            defaults={
                "category": str(receipt.category or ""), "code": receipt.code[:80], "at": now,
            },
        )  # fmt: skip
        return
    behind = [status for status in Status if status.rank < receipt.status.rank]
    ours = attempts.filter(Q(status__in=behind))
    told = list(ours.select_related("message__conversation", "contact_point"))
    moved = ours.filter(pk__in=[each.pk for each in told]).update(
        status=receipt.status,
        status_at=now,
        **({"category": receipt.category} if receipt.category else {}),
        **({"code": receipt.code[:80]} if receipt.code else {}),
    )
    if receipt.segments:  # what rode along stays without any
        attempts.filter(segments__gt=0).update(segments=receipt.segments)
    if not moved or receipt.status is not Status.FAILED:
        return
    give_up([each.message for each in told], receipt.category or UNKNOWN, now=now)
    if receipt.category in DEAF:
        _close_address(told[0], why=receipt.category, now=now)
    elif receipt.category in SHUT:
        _close_windows(told[0], now=now)


def _close_windows(attempt: Attempt, *, now: datetime) -> None:
    """What goes out next would be taken, and not arrive either."""
    if attempt.contact_point is not None and not attempt.is_notice:
        ledger.close_windows(attempt.contact_point, asked_at=attempt.began_at, now=now)


def _close_address(attempt: Attempt, *, why: Category, now: datetime) -> None:
    """Where that went nothing arrives; unless its patient was heard from there since."""
    contact_point = attempt.contact_point
    if contact_point is None:
        return
    heard = Message.objects.filter(
        conversation__contact_point=contact_point,
        author=Author.PATIENT,
        created_at__gt=attempt.began_at,
    )
    if not heard.exists():
        close_contact_point(contact_point, why=why, at=now)


@transaction.atomic
def note_early_receipts(channel: Channel, vendor_id: str, *, now: datetime) -> None:
    """Act on what the vendor said of this message before we knew its name for it."""
    early = list(EarlyReceipt.objects.filter(channel=channel, vendor_id=vendor_id).order_by("pk"))
    for each in early:
        category = Category(each.category) if each.category else None
        receipt = Receipt(vendor_id, Status(each.status), category, each.code)
        note_receipt(channel, receipt, now=now)
    EarlyReceipt.objects.filter(pk__in=[each.pk for each in early]).delete()


def note_crossed_receipts(*, now: datetime) -> None:
    """Act on receipts that crossed with the answer that named their message."""
    named = Attempt.objects.filter(channel=OuterRef("channel"), vendor_id=OuterRef("vendor_id"))
    crossed = EarlyReceipt.objects.filter(Exists(named)).select_related("channel")
    for each in crossed[:AT_ONCE]:
        note_early_receipts(each.channel, each.vendor_id, now=now)
    EarlyReceipt.objects.filter(at__lt=now - KEPT).delete()
