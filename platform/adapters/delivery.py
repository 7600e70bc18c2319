"""The one road out, for assistant and nurse: a conversation's unsent messages, in `seq` order.

A lease on the conversation lets one worker speak at a time. Each try is written down before the
vendor is asked: a worker that dies while speaking leaves a try in flight behind, and the next one
knows that the message may have arrived.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from adapters import ledger, links, policy
from adapters.contracts import (
    Accepted,
    Adapter,
    Capabilities,
    Category,
    Notifying,
    OutboundMessage,
    PassingOn,
    Rejected,
    Retry,
    SendResult,
    Status,
    Unknown,
)
from adapters.models import Account, Attempt, Heard, Result
from adapters.receipts import note_early_receipts
from adapters.registry import NoAdapter, adapter_of
from adapters.rendering import plain_text
from adapters.undelivered import UNKNOWN, give_up
from adapters.ways import other_ways
from conversations.models import Conversation, Message
from conversations.services import show_again, tell_event
from patients.models import Channel, ContactPoint
from patients.services import close_contact_point
from tickets.models import Ticket

logger = logging.getLogger(__name__)

# One call of a vendor that answers slowly, with a token fetched twice before it, takes 40 s.
LEASE = timedelta(seconds=60)
AT_ONCE = 5  # messages in one run, so that no worker is kept for long; the sweep rings again

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
                _pass_on(conversation, adapter, now=clock())
                return
            contact_point = bubbles[0].conversation.contact_point
            speech = _Speech(bubbles, contact_point, adapter, lease, clock)
            if not speech.send():
                return
    finally:
        lease.give_back()


def _pass_on(conversation: Conversation, adapter: Adapter, *, now: datetime) -> None:
    """All is said, and a nurse is waited for: where they work in the vendor's app, bring it there.

    When that fails the ticket is where it always is, in our queue.
    """
    if not (adapter.capabilities.passes_on and isinstance(adapter, PassingOn)):
        return
    ticket = Ticket.objects.waiting().filter(conversation=conversation).first()
    contact_point = conversation.contact_point
    if ticket is None or not contact_point.address:
        return
    once = {"channel": contact_point.channel, "key": f"passed-on-{ticket.pk}"}
    if Heard.objects.filter(**once).exists():
        return
    if isinstance(adapter.pass_on(contact_point.address), Accepted):
        Heard.objects.get_or_create(**once, defaults={"at": now})
        tell_event(conversation, "passed_on", now=now, channel=contact_point.channel.name)


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
    """One message to a vendor: the bubbles that it carries, to whom, and who says it."""

    bubbles: Sequence[Message]
    contact_point: ContactPoint
    adapter: Adapter
    lease: _Lease
    clock: Clock
    is_notice: bool = False  # by a template that says only that there is something to read

    @property
    def ids(self) -> list[int]:
        return [each.pk for each in self.bubbles]

    @property
    def conversation(self) -> Conversation:
        return self.bubbles[0].conversation

    @property
    def channel(self) -> Channel:
        return self.contact_point.channel

    @property
    def purpose(self) -> str:
        return policy.purpose_of(self.bubbles[0])

    def send(self) -> bool:
        """Send these, here or by another channel. False when the conversation has to wait."""
        if self._give_up_what_was_in_flight() or self._was_seen():
            return True
        until = self._waits_until()
        if until is not None and not any(map(policy.is_urgent, self.bubbles)):
            self._wait(until)
            return False
        speaker, result = self, self._give()
        if isinstance(result, Rejected) and result.category in policy.ELSEWHERE:
            speaker, result = self._by_another_way(result)
        match result:
            case None:
                return False  # somebody else speaks now
            case Retry():
                after_s = policy.again_after_s(result, tries=speaker._tries())
                if after_s is not None:
                    self._wait(self.clock() + timedelta(seconds=after_s))
                    return False
                give_up(self.bubbles, result.category, now=self.clock())
            case Rejected():
                give_up(self.bubbles, result.category, now=self.clock())
            case Unknown():
                give_up(self.bubbles, UNKNOWN, now=self.clock())
        return True

    def _was_seen(self) -> bool:
        """Where only notices go out, nothing is noticed that an open page has shown already."""
        newest = self.bubbles[-1].seq
        seen_seq = self.conversation.patient_seen_seq
        if not self.adapter.capabilities.template_only or seen_seq < newest:
            return False
        at = self.clock()
        Message.objects.filter(pk__in=self.ids).update(sent_at=at, send_after=None)
        return True

    def _waits_until(self) -> datetime | None:
        """Until when this is not to be said: the vendor rests, it is night, or they may look."""
        now = self.clock()
        if (rests_until := _resting(self.channel, now=now)) is not None:
            return rests_until
        if self.purpose and (morning := policy.morning_after(timezone.localtime(now))):
            return morning
        if not self.adapter.capabilities.template_only:
            return None
        at = policy.notice_at(
            now=now,
            written_at=self.bubbles[0].created_at,
            told_at=self._told_at(),
            opened_at=links.last_opened(self.conversation.contact_point),
        )
        return at if at > now else None

    def _told_at(self, *, is_notice: bool = False) -> datetime | None:
        here = Attempt.objects.filter(
            channel=self.channel,
            message__conversation=self.conversation,
            result=Result.ACCEPTED,
            is_notice=is_notice,
        )
        return here.order_by("-began_at").values_list("began_at", flat=True).first()

    def _give(self) -> SendResult | None:
        """Give it to the vendor, part by part. None when the lease was lost."""
        # Only a message that is alone is ever cut, so its first bubble knows how far it came.
        tried = self._tried()
        parts = self._parts()
        result: SendResult = Accepted()
        for number in range(tried.filter(result=Result.ACCEPTED).count(), len(parts)):
            if not self.lease.renew(self.clock()):
                return None
            result = self._try(parts[number], number=number, is_last=number == len(parts) - 1)
            if not isinstance(result, Accepted):
                break
        # The vendor's word, not ours; of a window a notice can say nothing.
        if isinstance(result, Rejected) and result.code and not self.is_notice:
            self._learn(result.category)
        return result

    def _parts(self) -> list[str]:
        if self.is_notice or self.adapter.capabilities.template_only:
            return [""]
        text = policy.JOINT.join(map(plain_text, self.bubbles))
        return policy.split(text, capabilities=self.adapter.capabilities)

    def _by_another_way(self, refused: Rejected) -> tuple["_Speech", SendResult | None]:
        """A notice on this channel, or the patient's next channel; and what became of it there."""
        if self.purpose == "" and refused.category in (Category.WINDOW_CLOSED, Category.QUOTA):
            notice = replace(self, is_notice=True)
            result = notice._notify()
            if isinstance(result, Accepted):
                self._tell("noticed", refused, self.channel)
            if result is not None and not isinstance(result, Rejected):
                return notice, result
        for contact_point in other_ways(self.contact_point):
            try:
                adapter = adapter_of(contact_point.channel)
            except NoAdapter:
                continue
            if adapter.capabilities.is_pulled:
                continue
            way = replace(self, contact_point=contact_point, adapter=adapter)
            result = way._give()
            if isinstance(result, Accepted):
                self._tell("rerouted", refused, contact_point.channel)
            if not isinstance(result, Rejected):
                return way, result
        return self, refused

    def _notify(self) -> SendResult | None:
        """None where no notice can be sent; the last one counts for a while for what follows."""
        if not isinstance(self.adapter, Notifying) or self.adapter.notice is None:
            return None
        now, told_at = self.clock(), self._told_at(is_notice=True)
        if told_at is not None and told_at + policy.NOT_AGAIN > now:
            wait = told_at + policy.NOT_AGAIN - now
            return Retry(Category.THROTTLED, after_s=wait.total_seconds())
        return self._give()

    def _tell(self, event: str, refused: Rejected, channel: Channel) -> None:
        tell_event(
            self.conversation,
            event,
            now=self.clock(),
            seqs=[each.seq for each in self.bubbles],
            why=str(refused.category),
            channel=channel.name,
        )

    def _tries(self) -> int:
        return self._tried().filter(result=Result.RETRY).count()

    def _tried(self) -> QuerySet[Attempt]:
        return Attempt.objects.filter(
            message=self.bubbles[0], channel=self.channel, is_notice=self.is_notice
        )

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
            ledger.reach_of(self.contact_point, now=began_at, purpose=self.purpose),
            capabilities=Capabilities() if self.is_notice else self.adapter.capabilities,
            may_use_the_last=not all(map(policy.leaves_the_last, self.bubbles)),
            purpose=self.purpose,
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(
                message=each,
                channel=self.channel,
                part=number,
                began_at=began_at,
                is_notice=self.is_notice,
            )
            for each in self.bubbles
        )
        result = Rejected(why_not) if why_not is not None else self._speak(text, number=number)
        # In one step: an accepted message that still looked owed would take others with it.
        with transaction.atomic():
            at = self.clock()
            Attempt.objects.filter(pk__in=[each.pk for each in attempts]).update(
                ended_at=at, status_at=at, **_outcome(result)
            )
            if is_last and isinstance(result, Accepted):
                Message.objects.filter(pk__in=self.ids).update(sent_at=at, send_after=None)
        if is_last and isinstance(result, Accepted):
            show_again(self.bubbles[0])
        if isinstance(result, Accepted) and result.vendor_id:
            note_early_receipts(self.channel, result.vendor_id, now=at)
        return result

    def _speak(self, text: str, *, number: int) -> SendResult:
        """Spend what a vendor counts, ask the vendor, and take back what it did not take."""
        now, adapter = self.clock(), self.adapter
        allowance = None if self.is_notice else ledger.spend(self.contact_point, now=now)
        message = OutboundMessage(
            address=self.contact_point.address or "",
            text=text,
            uid=_uid(self.bubbles[0], number, self.channel),
            reply_code=allowance.reply_code if allowance else "",
            link_code=self._link_code(now=now),
            language=self.conversation.language,
        )
        if not self.is_notice:
            result = adapter.send(message)
            if isinstance(result, Retry | Rejected):
                ledger.give_back(allowance)
        else:
            assert isinstance(adapter, Notifying) and adapter.notice is not None
            template, counts = adapter.notice.template, adapter.notice.needs_grant
            if counts and not ledger.spend_grant(self.contact_point, template):
                return Rejected(Category.QUOTA)
            result = adapter.notify(message)
            if counts and isinstance(result, Retry | Rejected):
                ledger.give_back_grant(self.contact_point, template)
        _note_health(self.channel, result, now=self.clock())
        return result

    def _link_code(self, *, now: datetime) -> str:
        if not (self.is_notice or self.adapter.capabilities.template_only):
            return ""
        return links.new_link(self.conversation.contact_point, now=now)

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


def _uid(message: Message, part: int, channel: Channel) -> str:
    """The same at each repeat, another for each part and each channel."""
    return uuid.uuid5(message.uid, f"{channel.pk}/{part}").hex


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
