"""One message on its way: may it go, is it said in parts, and what if a vendor says no."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from adapters import ledger, links, policy
from adapters.breaker import note_health, resting_until
from adapters.contracts import (
    Accepted,
    Adapter,
    Capabilities,
    Category,
    Notifying,
    OutboundMessage,
    Rejected,
    Retry,
    SendResult,
    Status,
    Unknown,
)
from adapters.lease import Lease
from adapters.models import Attempt, Result
from adapters.receipts import note_early_receipts
from adapters.registry import NoAdapter, adapter_of
from adapters.rendering import plain_text
from adapters.undelivered import UNKNOWN, give_up
from adapters.ways import other_ways
from conversations.models import Conversation, Message
from conversations.services import TOO_LATE, show_again, tell_event
from patients.models import Channel, ContactPoint
from patients.services import close_contact_point

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Speech:
    """One message to a vendor: the bubbles that it carries, to whom, and who says it."""

    bubbles: Sequence[Message]
    contact_point: ContactPoint
    adapter: Adapter
    lease: Lease
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
        """Send these, here or elsewhere, or let them wait. False: another worker speaks now."""
        if policy.is_too_late(self.bubbles[0], now=self.clock()):
            give_up(self.bubbles, TOO_LATE, now=self.clock())
            return True
        if self._was_seen():
            return True
        until = self._waits_until()
        if until is not None and not self._is_urgent:
            self._wait(until)
            return True
        speaker, result = self, self._give()
        may_go_elsewhere = not self._code  # a code proves who holds this phone, and no other
        if (
            may_go_elsewhere
            and isinstance(result, Rejected)
            and result.category in policy.ELSEWHERE
        ):
            if self._is_in_doubt():
                result = Unknown()  # it may have arrived: another way would say it twice
            else:
                speaker, result = self._by_another_way(result)
        match result:
            case None:
                return False
            case Retry():
                after_s = policy.again_after_s(result, tries=speaker._tries())
                if after_s is not None:
                    self._wait(self.clock() + timedelta(seconds=after_s))
                else:
                    give_up(self.bubbles, result.category, now=self.clock())
            case Rejected():
                give_up(self.bubbles, result.category, now=self.clock())
            case Unknown():
                give_up(self.bubbles, UNKNOWN, now=self.clock())
        return True

    @property
    def _code(self) -> str:
        return policy.code_of(self.bubbles[0]).get("digits", "")

    @property
    def _is_urgent(self) -> bool:
        return any(map(policy.is_urgent, self.bubbles))

    def _is_in_doubt(self) -> bool:
        tries = Attempt.objects.filter(message__in=self.ids, result=Result.UNKNOWN)
        return tries.exists()

    def _was_seen(self) -> bool:
        """Where only notices go out, nothing is noticed that an open page has shown already."""
        newest = self.bubbles[-1].seq
        seen_seq = self.conversation.patient_seen_seq
        if self._code:
            return False  # no page shows it
        if not self.adapter.capabilities.template_only or seen_seq < newest:
            return False
        self._note_sent(self.clock())
        return True

    def _note_sent(self, at: datetime) -> None:
        Message.objects.filter(pk__in=self.ids).update(sent_at=at, send_after=None)

    def _waits_until(self) -> datetime | None:
        """Until when this is not to be said: the vendor rests, it is night, or they may look."""
        now = self.clock()
        if (rests_until := resting_until(self.channel, now=now)) is not None:
            return rests_until
        if self.purpose:
            here = now.astimezone(policy.zone_of(self.bubbles[0]))
            if morning := policy.morning_after(here):
                return morning
        by_notice = self.adapter.capabilities.template_only and not self._code
        return self._notice_at() if by_notice else None

    def _notice_at(self) -> datetime | None:
        """When to tell that there is something to read; None: now."""
        now = self.clock()
        at = policy.notice_at(
            now=now,
            written_at=self.bubbles[0].created_at,
            told_at=self._told_at(),
            opened_at=links.last_opened(self.conversation.contact_point),
        )
        return at if at > now else None

    def _told_at(self) -> datetime | None:
        here = Attempt.objects.filter(
            channel=self.channel,
            message__conversation=self.conversation,
            result=Result.ACCEPTED,
            is_notice=self.is_notice,
        )
        return here.order_by("-began_at").values_list("began_at", flat=True).first()

    def _give(self) -> SendResult | None:
        """Give it to the vendor, part by part. None when the lease was lost."""
        # Only a message that is alone is ever cut, so its first bubble knows how far it came.
        parts, done = self._parts(), self._tried().filter(result=Result.ACCEPTED).count()
        result: SendResult = Accepted()
        asked_at = self.clock()
        for number in range(done, len(parts)):
            if not self.lease.renew(self.clock()):
                return None
            asked_at = self.clock()
            result = self._try(parts[number], number=number, is_last=number == len(parts) - 1)
            if not isinstance(result, Accepted):
                break
        if done >= len(parts):
            self._note_sent(self.clock())  # said, and nobody had written down that it was all
        # The vendor's word, not ours; of a window a notice can say nothing.
        if isinstance(result, Rejected) and result.code and not self.is_notice:
            self._learn(result.category, asked_at=asked_at)
        return result

    def _parts(self) -> list[str]:
        if self.is_notice or self.adapter.capabilities.template_only:
            return [""]
        text = policy.JOINT.join(map(plain_text, self.bubbles))
        return policy.split(text, capabilities=self.adapter.capabilities)

    def _by_another_way(self, refused: Rejected) -> tuple["Speech", SendResult | None]:
        """A notice on this channel, or the patient's next channel; and what became of it there."""
        if self.conversation.patient_seen_seq >= self.bubbles[-1].seq:
            self._note_sent(self.clock())  # on the page that an earlier notice opened
            return self, Accepted()
        if self.purpose == "" and refused.category in policy.SHUT:
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
            if way._was_seen():
                return way, Accepted()
            until = way._waits_until()
            if until is not None and not self._is_urgent:
                wait = until - self.clock()
                return way, Retry(Category.THROTTLED, after_s=wait.total_seconds())
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
        until = self._notice_at()
        if until is not None and not self._is_urgent:
            return Retry(Category.THROTTLED, after_s=(until - self.clock()).total_seconds())
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
                contact_point=self.contact_point,
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
            outcome = {"ended_at": at, "status_at": at, **_outcome(result)}
            first, *along = [each.pk for each in attempts]
            Attempt.objects.filter(pk=first).update(**outcome)
            if along:  # they cost nothing: it was one message to the vendor
                Attempt.objects.filter(pk__in=along).update(**{**outcome, "segments": 0})
            if is_last and isinstance(result, Accepted):
                self._note_sent(at)
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
            code=self._code,
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
            if counts and isinstance(result, Rejected) and result.category in policy.DEAF:
                ledger.forget_grants(self.contact_point, template)  # the vendor knows of none
            elif counts and isinstance(result, Retry | Rejected):
                ledger.give_back_grant(self.contact_point, template)
        note_health(self.channel, result, now=self.clock())
        return result

    def _link_code(self, *, now: datetime) -> str:
        if self._code or not (self.is_notice or self.adapter.capabilities.template_only):
            return ""
        return links.new_link(self.conversation.contact_point, now=now)

    def _wait(self, until: datetime) -> None:
        """Not before then, nor what is behind it: but a card, and all behind a reminder, may go."""
        behind = Message.objects.filter(conversation=self.conversation).unsent()
        waiting = [
            each.pk
            for each in behind
            if each.pk in self.ids
            or not (self.purpose or policy.purpose_of(each) or policy.goes_ahead(each))
        ]
        Message.objects.filter(pk__in=waiting).update(send_after=until)

    def _learn(self, category: Category, *, asked_at: datetime) -> None:
        """What a refusal says of the address holds for the next message too."""
        if category in policy.DEAF:
            close_contact_point(self.contact_point, why=category, at=self.clock())
        elif category in policy.SHUT:
            ledger.close_windows(self.contact_point, asked_at=asked_at, now=self.clock())


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
