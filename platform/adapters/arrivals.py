"""What a vendor told us, done: messages taken in, windows opened, receipts noted, people left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from adapters import ledger
from adapters.contracts import Capabilities, Category, EventKind, Guest, InboundEvent
from adapters.keywords import Keyword, carriers_keyword_in, keyword_in
from adapters.media import expect
from adapters.models import Heard
from adapters.obeying import leave_to_a_nurse, obey
from adapters.policy import split
from adapters.receipts import note_receipt
from adapters.rendering import chosen
from adapters.rings import note_ring
from assistant.services import take_in, welcome
from careplans.warnings import warn_of_reply_elsewhere
from conversations.arrivals import Received, find_writer
from conversations.models import Message
from conversations.services import (
    ClientIdReused,
    mirror_reply,
    ring_for_owed,
    start_conversation,
    tell_event,
)
from conversations.text import MAX_CHARS, EmptyText, clean_text
from patients.models import Channel, ContactPoint
from patients.services import (
    NO_UNION,
    begin_record,
    close_contact_point,
    find_contact_point,
    hear_channel,
    join_by_union,
    reopen_contact_point,
)
from tickets.models import Reason
from tickets.services import end_elsewhere, hand_over
from triage.labels import Urgency


@dataclass(frozen=True)
class Told:
    """What a vendor told a channel in one call."""

    channel: Channel
    events: Sequence[InboundEvent]
    capabilities: Capabilities

    @property
    def by(self) -> tuple[int, str]:
        return self.channel.pk, self.events[0].address if self.events else ""


@transaction.atomic
def receive_all(told: Sequence[Told], *, now: datetime) -> None:
    """Take in what vendors delivered, all or nothing; a second delivery changes nothing."""
    for each in told:
        for event in each.events:
            act = _ACTS.get(event.kind, _Hearing.open)
            act(_Hearing(each.channel, event, each.capabilities, now))
        hear_channel(each.channel, now=now)


def receive(
    channel: Channel, events: Sequence[InboundEvent], *, capabilities: Capabilities, now: datetime
) -> None:
    """The same for what came in one call, or was fetched."""
    receive_all([Told(channel, events, capabilities)], now=now)


@transaction.atomic(savepoint=False)
def greet(channel: Channel, guest: Guest) -> ContactPoint:
    """Somebody whom a vendor vouches for, known or new, joined with their other records."""
    known = find_writer(channel, address=guest.address)
    contact_point = known or begin_record(channel, address=guest.address)
    if guest.union and contact_point.union_index in ("", NO_UNION):
        join_by_union(contact_point, union=guest.union)
    return contact_point


@dataclass(frozen=True)
class _Hearing:
    """One event of a vendor's, and what is done about it."""

    channel: Channel
    event: InboundEvent
    capabilities: Capabilities
    now: datetime

    @property
    def at(self) -> datetime:
        return min(self.event.occurred_at, self.now)  # a vendor's clock may run ahead

    def take_in(self) -> None:
        contact_point = self._meet()
        self._open(contact_point)
        keyword = keyword_in(self.event.text) if self.capabilities.stops_by_word else None
        carriers = carriers_keyword_in(self.event.text) if self.capabilities.confirms_stop else None
        is_stopped = self._is_stopped(contact_point)
        if is_stopped and carriers is Keyword.START:
            keyword = carriers  # YES too, which answers a question else
        received = _take_in(
            contact_point, self.event, fetches=self.capabilities.fetches, now=self.now
        )
        if received[0].is_new and (carriers is Keyword.START or not is_stopped):
            reopen_contact_point(contact_point, at=self.at)
        if keyword is not None:
            by_carrier = keyword is carriers
            obey(keyword, contact_point, received, by_carrier=by_carrier, now=self.now)
        elif self.capabilities.stops_by_word:
            leave_to_a_nurse(self.event.text, received, now=self.now)

    def welcome(self) -> None:
        contact_point = self._meet()
        if self._is_first():
            self._open(contact_point)
            reopen_contact_point(contact_point, at=self.at)
            welcome(contact_point, now=self.now)

    def let_go(self) -> None:
        known = self._known()
        if known is not None and self._is_first() and not ledger.opened_since(known, at=self.at):
            close_contact_point(known, why=Category.OPTED_OUT, at=self.at)

    def note_grants(self) -> None:
        if self._is_first():
            contact_point = self._meet()
            for grant in self.event.grants:
                ledger.note_grant(contact_point, grant)

    def note_receipt(self) -> None:
        if self.event.receipt is not None:
            note_receipt(self.channel, self.event.receipt, now=self.now)

    def note_ring(self) -> None:
        note_ring(self.channel, self.event.address, ring=self.event.text, now=self.now)

    def mirror(self) -> None:
        """Show what a nurse said in the vendor's own app; the assistant is silent from there on."""
        if not self._is_first():
            return
        conversation = start_conversation(self._meet(), now=self.now)
        hand_over(conversation, reason=Reason.NURSE, urgency=int(Urgency.ROUTINE), now=self.now)
        said = mirror_reply(
            conversation,
            text=_clean(self.event.text),
            client_id=self.event.dedupe_key,
            details={"elsewhere": self.event.author},
            now=self.now,
        )
        warn_of_reply_elsewhere(said, now=self.now)

    def end(self) -> None:
        known = self._known()
        if known is not None and self._is_first():
            self._open(known)
            end_elsewhere(start_conversation(known, now=self.now), now=self.now)

    def tell_recalled(self) -> None:
        """A patient took a message back: we have read it, so it stays, and the thread says so."""
        said = Message.objects.filter(channel=self.channel, external_id=self.event.text)
        message = said.select_related("conversation").first()
        if message is not None and self._is_first():
            tell_event(message.conversation, "recalled", now=self.now, seqs=[message.seq])

    def open(self) -> None:
        known = self._known() if self.event.trigger else None
        if known is not None:
            self._open(known)

    def _meet(self) -> ContactPoint:
        return greet(self.channel, Guest(self.event.address, self.event.union))

    def _known(self) -> ContactPoint | None:
        return find_contact_point(self.channel, address=self.event.address)

    def _open(self, contact_point: ContactPoint) -> None:
        is_back = ledger.open_window(
            contact_point,
            self.event.trigger,
            capabilities=self.capabilities,
            at=self.at,
            reply_code=self.event.reply_code,
        )
        if is_back:
            ring_for_owed(contact_point)

    def _is_stopped(self, contact_point: ContactPoint) -> bool:
        """Whether a vendor that blocks by itself holds this address closed until its START."""
        blocks = self.capabilities.confirms_stop
        return blocks and contact_point.closed_why == Category.OPTED_OUT

    def _is_first(self) -> bool:
        _row, is_new = Heard.objects.get_or_create(
            channel=self.channel, key=self.event.dedupe_key, defaults={"at": self.now}
        )
        return is_new


_ACTS: dict[EventKind, Callable[[_Hearing], None]] = {
    EventKind.TEXT: _Hearing.take_in,
    EventKind.MEDIA: _Hearing.take_in,
    EventKind.PLACE: _Hearing.take_in,
    EventKind.TAP: _Hearing.take_in,
    EventKind.FOLLOWED: _Hearing.welcome,
    EventKind.LEFT: _Hearing.let_go,
    EventKind.GRANTED: _Hearing.note_grants,
    EventKind.RECEIPT: _Hearing.note_receipt,
    EventKind.RANG: _Hearing.note_ring,
    EventKind.MIRRORED: _Hearing.mirror,
    EventKind.ENDED: _Hearing.end,
    EventKind.RECALLED: _Hearing.tell_recalled,
}


def _take_in(
    contact_point: ContactPoint, event: InboundEvent, *, fetches: bool, now: datetime
) -> list[Received]:
    """Store what somebody wrote, in as many messages as it needs; nothing is cut off."""
    text = _clean(event.text or _name_of(event))
    # A voice that the vendor has put into words is understood by them.
    silent = event.media is not None and not event.text
    media = {"kind": event.media.kind, "ref": event.media.ref} if silent and event.media else None
    choice = _choice_in(contact_point, text)
    pieces = split(text, capabilities=Capabilities(max_length=MAX_CHARS))
    pieces = [clean for piece in pieces if (clean := _clean(piece)) != EMPTY] or [EMPTY]
    stored: list[Received] = []
    for number, piece in enumerate(pieces):
        key = event.dedupe_key if number == 0 else f"{event.dedupe_key[:58]}#{number}"
        tap = choice.get("tap", "")
        said: dict[str, Any] = {"text": piece, "tap": tap, "media": media, "now": now}
        try:
            stored.append(take_in(contact_point, external_id=key, **said))
        except ClientIdReused:
            # Under a known id, and with other words: whoever is wrong here, a patient wrote this.
            digest = sha256(piece.encode()).hexdigest()[:16]
            stored.append(take_in(contact_point, external_id=f"{key[:47]}~{digest}", **said))
    if fetches and event.media is not None and event.media.ref and stored[0].is_new:
        expect(stored[0].message, event.media, now=now)
    return stored


def _clean(text: str) -> str:
    """As it may be stored; what leaves nothing to see is called empty."""
    try:
        return clean_text(text, max_chars=None)
    except EmptyText:
        return EMPTY


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
