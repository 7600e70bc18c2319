"""The one road out, for assistant and nurse: a conversation's unsent messages, in `seq` order.

A lease on the conversation lets one worker speak at a time. Each try is written down before the
vendor is asked: a worker that dies while speaking leaves a try in flight behind, and the next one
knows that the message may have arrived.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

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
    Status,
    Unknown,
)
from adapters.models import Account, Attempt, Result
from adapters.registry import NoAdapter, adapter_of
from adapters.rendering import plain_text
from conversations.models import Conversation, Message, Owner
from conversations.services import tell_event
from patients.models import Channel, ContactPoint
from patients.services import close_contact_point
from tickets.models import Reason
from tickets.services import hand_over, lock
from triage.labels import Urgency

logger = logging.getLogger(__name__)

# One call of a vendor that answers slowly, with a token fetched twice before it, takes 40 s.
LEASE = timedelta(seconds=60)
AT_ONCE = 5  # messages in one run, so that no worker is kept for long; the sweep rings again
UNKNOWN = "unknown"  # told in the thread, where a category would stand

Clock = Callable[[], datetime]


def deliver(conversation_id: int, *, clock: Clock) -> None:
    """Send what a conversation still owes to its patient, oldest first, as far as it may now.

    May run twice at once: the second finds the lease taken and leaves.
    """
    conversation = Conversation.objects.select_related("contact_point__channel", "data_key").get(
        pk=conversation_id
    )
    owed = Message.objects.filter(conversation=conversation).unsent()
    if conversation.data_key.destroyed_at is not None:
        owed.update(given_up_at=clock())  # erased meanwhile: there is nobody, and no word left
        return
    try:
        adapter = adapter_of(conversation.contact_point.channel)
    except NoAdapter:
        give_up(list(owed.order_by("seq")), Category.NOT_SET_UP, now=clock())
        return
    if adapter.capabilities.is_pulled:
        owed.update(sent_at=clock())
        return
    lease = _Lease(conversation_id)
    if not lease.take(clock()):
        return
    try:
        for _message in range(AT_ONCE):
            bubbles = _next(conversation, adapter.capabilities, now=clock())
            if not bubbles:
                return
            speech = _Speech(bubbles, adapter, lease, clock)
            if not speech.send():
                return
    finally:
        lease.give_back()


class _Lease:
    """The right to speak in one conversation. Whoever lost it to another worker stops."""

    def __init__(self, conversation_id: int) -> None:
        self._rows = Conversation.objects.filter(pk=conversation_id)
        self._until: datetime | None = None

    def take(self, now: datetime) -> bool:
        return self._hold(Q(delivering_until=None) | Q(delivering_until__lt=now), now)

    def renew(self, now: datetime) -> bool:
        return self._hold(Q(delivering_until=self._until), now)

    def give_back(self) -> None:
        self._rows.filter(delivering_until=self._until).update(delivering_until=None)

    def _hold(self, still_free: Q, now: datetime) -> bool:
        if not self._rows.filter(still_free).update(delivering_until=now + LEASE):
            return False
        self._until = now + LEASE
        return True


def _next(
    conversation: Conversation, capabilities: Capabilities, *, now: datetime
) -> list[Message]:
    """What goes out next as one message: the first that is owed, and what can go with it.

    Where a vendor counts, the machine's bubbles are put together, to save what it allows. An
    emergency card that was not tried yet waits for no back-off, neither its own nor another's.
    """
    owed = list(
        Message.objects.filter(conversation=conversation)
        .unsent()
        .order_by("seq")
        .select_related(
            "nurse", "conversation__contact_point__patient", "conversation__contact_point__channel"
        )
    )
    waits_for_none = any(policy.is_urgent(each) and each.send_after is None for each in owed)
    bubbles: list[Message] = []
    for message in owed:
        is_due = message.send_after is None or message.send_after <= now or waits_for_none
        together = [*bubbles, message]
        if not is_due or not policy.go_together(together, capabilities=capabilities):
            break
        if bubbles and not policy.fits(map(plain_text, together), capabilities=capabilities):
            break
        bubbles = together
    return bubbles


@dataclass(frozen=True)
class _Speech:
    """One message to a vendor: the bubbles that it carries, and who says it."""

    bubbles: Sequence[Message]
    adapter: Adapter
    lease: _Lease
    clock: Clock

    @property
    def ids(self) -> list[int]:
        return [each.pk for each in self.bubbles]

    @property
    def contact_point(self) -> ContactPoint:
        return self.bubbles[0].conversation.contact_point

    @property
    def channel(self) -> Channel:
        return self.contact_point.channel

    def send(self) -> bool:
        """Send these, part by part. False when the conversation has to wait."""
        if self._give_up_what_was_in_flight():
            return True
        rests_until = _resting(self.channel, now=self.clock())
        if rests_until is not None and not any(map(policy.is_urgent, self.bubbles)):
            self._wait(rests_until)
            return False
        text = policy.JOINT.join(map(plain_text, self.bubbles))
        parts = policy.split(text, capabilities=self.adapter.capabilities)
        # Only a message that is alone is ever cut, so its first bubble knows how far it came.
        tried = Attempt.objects.filter(message=self.bubbles[0])
        for number in range(tried.filter(result=Result.ACCEPTED).count(), len(parts)):
            if not self.lease.renew(self.clock()):
                return False
            is_last = number == len(parts) - 1
            result = self._try(parts[number], number=number, is_last=is_last)
            match result:
                case Retry():
                    tries = tried.filter(part=number, result=Result.RETRY).count()
                    after_s = policy.again_after_s(result, tries=tries)
                    if after_s is not None:
                        self._wait(self.clock() + timedelta(seconds=after_s))
                        return False
                    give_up(self.bubbles, result.category, now=self.clock())
                    return True
                case Rejected():
                    if result.code:  # the vendor's word, not ours
                        self._learn(result.category)
                    give_up(self.bubbles, result.category, now=self.clock())
                    return True
                case Unknown():
                    give_up(self.bubbles, UNKNOWN, now=self.clock())
                    return True
        return True

    def _give_up_what_was_in_flight(self) -> bool:
        """A worker died while it spoke: what it said may have arrived."""
        dead = Attempt.objects.filter(message__in=self.ids, result=Result.IN_FLIGHT)
        spoken = set(dead.values_list("message_id", flat=True))
        dead.update(result=Result.UNKNOWN, ended_at=self.clock())
        if not spoken or self.adapter.capabilities.takes_idempotency_id:
            return False
        give_up([each for each in self.bubbles if each.pk in spoken], UNKNOWN, now=self.clock())
        return True

    def _try(self, text: str, *, number: int, is_last: bool) -> SendResult:
        """Ask once whether it may go, write down that we speak, speak, write down what came."""
        began_at = self.clock()
        why_not = policy.refusal(
            ledger.reach_of(self.contact_point, now=began_at),
            capabilities=self.adapter.capabilities,
            may_use_the_last=not all(map(policy.leaves_the_last, self.bubbles)),
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(message=each, channel=self.channel, part=number, began_at=began_at)
            for each in self.bubbles
        )
        if why_not is not None:
            result: SendResult = Rejected(why_not)
        else:
            allowance = ledger.spend(self.contact_point, now=began_at)
            result = self.adapter.send(
                OutboundMessage(
                    address=self.contact_point.address or "",
                    text=text,
                    uid=_uid(self.bubbles[0], number),
                )
            )
            if isinstance(result, Retry | Rejected):
                ledger.give_back(allowance)
            _note_health(self.channel, result, now=self.clock())
        # In one step: an accepted message that still looked owed would take others with it.
        with transaction.atomic():
            at = self.clock()
            Attempt.objects.filter(pk__in=[each.pk for each in attempts]).update(
                ended_at=at, status_at=at, **_outcome(result)
            )
            if is_last and isinstance(result, Accepted):
                Message.objects.filter(pk__in=self.ids).update(sent_at=at, send_after=None)
        return result

    def _wait(self, until: datetime) -> None:
        # The later ones too: one that was not told to wait would have the first tried at each ring.
        owed = Message.objects.filter(conversation=self.bubbles[0].conversation_id).unsent()
        owed.update(send_after=until)

    def _learn(self, category: Category) -> None:
        """What a refusal says of the address holds for the next message too."""
        if category in policy.DEAF:
            close_contact_point(self.contact_point, why=category, at=self.clock())
        elif category in (Category.WINDOW_CLOSED, Category.QUOTA):
            ledger.close_windows(self.contact_point, now=self.clock())


def _outcome(result: SendResult) -> dict[str, object]:
    match result:
        case Accepted(vendor_id=vendor_id, segments=segments):
            return {
                "result": Result.ACCEPTED,
                "status": Status.ACCEPTED,
                "vendor_id": vendor_id,
                "segments": segments,
            }
        case Retry(category=category, code=code):
            return {"result": Result.RETRY, "category": category, "code": code[:80]}
        case Rejected(category=category, code=code):
            return {"result": Result.REJECTED, "category": category, "code": code[:80]}
        case Unknown(code=code):
            return {"result": Result.UNKNOWN, "code": code[:80]}


def _uid(message: Message, part: int) -> str:
    return message.uid.hex if part == 0 else uuid.uuid5(message.uid, str(part)).hex


@transaction.atomic
def give_up(messages: Sequence[Message], why: str, *, now: datetime) -> None:
    """Settle these debts unpaid, say so in the thread, and bring a nurse where nobody would know.

    Also for what a vendor took and then could not deliver. Twice is once.
    """
    if not messages:
        return
    ids = [each.pk for each in messages]
    conversation = Conversation.objects.get(pk=messages[0].conversation_id)
    lock(conversation)
    given_up = Message.objects.filter(pk__in=ids, given_up_at=None)
    if not given_up.update(given_up_at=now, send_after=None):
        return
    seqs = [each.seq for each in messages]
    tell_event(conversation, "undelivered", now=now, seqs=seqs, why=str(why))
    if conversation.owner == Owner.ASSISTANT and why not in (Category.DECEASED, *policy.DEAF):
        hand_over(
            conversation,
            reason=Reason.FAILURE,
            urgency=int(Urgency.ROUTINE),
            seq=seqs[0],
            now=now,
        )


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
