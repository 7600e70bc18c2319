"""The one road out, for assistant and nurse: a conversation's unsent messages, in `seq` order.

A lease on the conversation lets one worker speak at a time. Each try is written down before the
vendor is asked: a worker that dies while speaking leaves a try in flight behind, and the next one
knows that the message may have arrived.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from adapters import ledger, policy
from adapters.contracts import (
    Accepted,
    Adapter,
    Capabilities,
    Category,
    OutboundMessage,
    Rejected,
    Retry,
    SendResult,
    Unknown,
)
from adapters.models import Account, Attempt, Result
from adapters.registry import adapter_of
from adapters.rendering import plain_text
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import tell_event
from patients.models import Channel, ContactPoint
from tickets.models import Reason
from tickets.services import hand_over, lock
from triage.labels import Urgency

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # longer than AT_ONCE calls of a vendor that answers slowly
AT_ONCE = 5  # calls under one lease; the sweep rings for the rest
UNKNOWN = "unknown"  # told in the thread, where a category would stand


def deliver(conversation_id: int, *, now: datetime) -> None:
    """Send what a conversation still owes to its patient, oldest first, as far as it may now.

    May run twice at once: the second finds the lease taken and leaves. Raises NoAdapter.
    """
    conversation = Conversation.objects.select_related("contact_point__channel").get(
        pk=conversation_id
    )
    adapter = adapter_of(conversation.contact_point.channel)
    if adapter.capabilities.is_pulled:
        Message.objects.filter(conversation=conversation).unsent().update(sent_at=now)
        return
    if not _take_lease(conversation_id, now=now):
        return
    try:
        for _call in range(AT_ONCE):
            bubbles = _next(conversation, adapter.capabilities, now=now)
            if not bubbles or not _send(bubbles, adapter=adapter, now=now):
                break
    finally:
        Conversation.objects.filter(pk=conversation_id).update(delivering_until=None)


def _take_lease(conversation_id: int, *, now: datetime) -> bool:
    free = Q(delivering_until=None) | Q(delivering_until__lt=now)
    row = Conversation.objects.filter(free, pk=conversation_id)
    return bool(row.update(delivering_until=now + LEASE))


def _next(
    conversation: Conversation, capabilities: Capabilities, *, now: datetime
) -> list[Message]:
    """What goes out next as one message: the first that is owed, and what can go with it.

    Where a vendor counts, the machine's bubbles are put together, to save what it allows.
    """
    owed = Message.objects.filter(conversation=conversation).unsent().order_by("seq")
    bubbles: list[Message] = []
    for message in owed.select_related(
        "nurse", "conversation__contact_point__patient", "conversation__contact_point__channel"
    ):
        if message.send_after is not None and message.send_after > now:
            break
        joins = bool(capabilities.windows) and message.author != Author.NURSE
        if bubbles and not (joins and bubbles[0].author != Author.NURSE):
            break
        if bubbles and not policy.fits(
            [plain_text(each) for each in [*bubbles, message]], capabilities=capabilities
        ):
            break
        bubbles.append(message)
    return bubbles


@dataclass(frozen=True)
class _Speech:
    """One message to a vendor: the bubbles that it carries, and to whom."""

    bubbles: Sequence[Message]
    contact_point: ContactPoint

    @property
    def ids(self) -> list[int]:
        return [each.pk for each in self.bubbles]

    @property
    def conversation(self) -> Conversation:
        return self.bubbles[0].conversation

    @property
    def channel(self) -> Channel:
        return self.contact_point.channel


def _send(bubbles: Sequence[Message], *, adapter: Adapter, now: datetime) -> bool:
    """Send these, part by part. False when the conversation has to wait."""
    contact_point = bubbles[0].conversation.contact_point
    speech = _Speech(bubbles, contact_point)
    capabilities = adapter.capabilities
    if _was_speaking(speech) and not capabilities.takes_idempotency_id:
        _give_up(speech, UNKNOWN, now=now)
        return True
    if (rests_until := _resting(speech.channel, now=now)) is not None:
        _wait(speech, until=rests_until)
        return False
    text = policy.JOINT.join(map(plain_text, bubbles))
    parts = policy.split(text, capabilities=capabilities)
    for number in range(_parts_sent(speech), len(parts)):
        result = _try(speech, parts[number], number=number, adapter=adapter, now=now)
        match result:
            case Accepted():
                continue
            case Retry():
                tries = _tries(speech, number)
                after_s = policy.again_after_s(result, tries=tries)
                if after_s is None:
                    _give_up(speech, result.category, now=now)
                    return True
                _wait(speech, until=now + timedelta(seconds=after_s))
                return False
            case Rejected():
                if result.code:  # the vendor's word, not ours
                    _learn(speech, result.category, now=now)
                _give_up(speech, result.category, now=now)
                return True
            case Unknown():
                _give_up(speech, UNKNOWN, now=now)
                return True
    Message.objects.filter(pk__in=speech.ids, sent_at=None).update(sent_at=now, send_after=None)
    return True


def _try(speech: _Speech, text: str, *, number: int, adapter: Adapter, now: datetime) -> SendResult:
    """Ask once whether it may go, write down that we speak, speak, write down what came of it."""
    reach = ledger.reach_of(speech.contact_point, now=now)
    by_assistant = all(each.author == Author.ASSISTANT for each in speech.bubbles)
    why_not = policy.refusal(reach, capabilities=adapter.capabilities, by_assistant=by_assistant)
    attempts = Attempt.objects.bulk_create(
        Attempt(message=each, channel=speech.channel, part=number, began_at=now)
        for each in speech.bubbles
    )
    if why_not is not None:
        result: SendResult = Rejected(why_not)
        allowance = None
    else:
        allowance = ledger.spend(speech.contact_point, now=now)
        result = adapter.send(
            OutboundMessage(
                address=speech.contact_point.address or "",
                text=text,
                uid=_uid(speech.bubbles[0], number),
            )
        )
    if isinstance(result, Retry | Rejected):
        ledger.give_back(allowance)
    if why_not is None:
        _note_health(speech.channel, result, now=now)
    Attempt.objects.filter(pk__in=[each.pk for each in attempts]).update(
        ended_at=now, status_at=now, **_outcome(result)
    )
    return result


def _outcome(result: SendResult) -> dict[str, object]:
    match result:
        case Accepted(vendor_id=vendor_id, segments=segments):
            return {"result": Result.ACCEPTED, "vendor_id": vendor_id, "segments": segments}
        case Retry(category=category, code=code):
            return {"result": Result.RETRY, "category": category, "code": code[:80]}
        case Rejected(category=category, code=code):
            return {"result": Result.REJECTED, "category": category, "code": code[:80]}
        case Unknown(code=code):
            return {"result": Result.UNKNOWN, "code": code[:80]}


def _uid(message: Message, part: int) -> str:
    return message.uid.hex if part == 0 else uuid.uuid5(message.uid, str(part)).hex


def _attempts(speech: _Speech) -> QuerySet[Attempt]:
    return Attempt.objects.filter(message=speech.bubbles[0])


def _was_speaking(speech: _Speech) -> bool:
    """Whether a worker died while it spoke: its try is closed as not known."""
    dead = Attempt.objects.filter(message__in=speech.ids, result=Result.IN_FLIGHT)
    return bool(dead.update(result=Result.UNKNOWN))


def _parts_sent(speech: _Speech) -> int:
    return _attempts(speech).filter(result=Result.ACCEPTED).count()


def _tries(speech: _Speech, part: int) -> int:
    return _attempts(speech).filter(part=part, result=Result.RETRY).count()


def _wait(speech: _Speech, *, until: datetime) -> None:
    Message.objects.filter(pk__in=speech.ids).update(send_after=until)


@transaction.atomic
def _give_up(speech: _Speech, why: str, *, now: datetime) -> None:
    """Settle the debt unpaid, say so in the thread, and bring a nurse where nobody would know."""
    first = speech.bubbles[0]
    conversation = speech.conversation
    given_up = Message.objects.filter(pk__in=speech.ids, sent_at=None, given_up_at=None)
    if not given_up.update(given_up_at=now, send_after=None):
        return
    lock(conversation)
    tell_event(conversation, "undelivered", now=now, seq=first.seq, why=str(why))
    if conversation.owner == Owner.ASSISTANT and why not in (Category.DECEASED, *policy.DEAF):
        hand_over(
            conversation,
            reason=Reason.FAILURE,
            urgency=int(Urgency.ROUTINE),
            seq=first.seq,
            now=now,
        )


def _learn(speech: _Speech, category: Category, *, now: datetime) -> None:
    """What a refusal says of the address holds for the next message too."""
    if category in policy.DEAF:
        close(speech.contact_point, category, now=now)
    elif category in (Category.WINDOW_CLOSED, Category.QUOTA):
        ledger.close_windows(speech.contact_point, now=now)


def close(contact_point: ContactPoint, category: Category, *, now: datetime) -> None:
    """Nothing more goes to this address, until its patient writes from it again."""
    still_open = ContactPoint.objects.filter(pk=contact_point.pk, closed_why="")
    still_open.update(closed_at=now, closed_why=str(category))


def reopen(contact_point: ContactPoint) -> None:
    if contact_point.closed_why:
        ContactPoint.objects.filter(pk=contact_point.pk).update(closed_at=None, closed_why="")


def _resting(channel: Channel, *, now: datetime) -> datetime | None:
    """Until when nobody knocks at this vendor's door."""
    account = Account.objects.filter(channel=channel, open_until__gt=now).first()
    return account.open_until if account else None


def _note_health(channel: Channel, result: SendResult, *, now: datetime) -> None:
    """Count failures in a row, and rest after several; one success ends it."""
    accounts = Account.objects.filter(channel=channel)
    if not policy.is_illness(result):
        accounts.exclude(failures=0, open_until=None).update(failures=0, open_until=None)
        return
    accounts.update(failures=F("failures") + 1)
    account = accounts.first()
    why = _outcome(result).get("category") or UNKNOWN
    Channel.objects.filter(pk=channel.pk).update(failed_at=now, failure=str(why))
    if account is not None and (rest_s := policy.rest_s(account.failures)):
        accounts.update(open_until=now + timedelta(seconds=rest_s))
        logger.error("channel rests", extra={"channel": channel.slug, "why": str(why)})
