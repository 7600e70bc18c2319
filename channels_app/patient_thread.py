"""What a visitor's line asks of the rooms below. Each function is one hop to the database."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from adapters.links import find_link, note_opened
from channels_app import frames, tokens
from channels_app.cards import bring_up_to_date
from channels_app.frames import AT_ONCE, Frame
from conversations.models import Conversation, Message, Owner
from conversations.services import mark_seen
from hospital.services import next_nurses_hour
from patients.models import Channel, ContactPoint
from patients.services import find_contact_point, meet
from tickets.models import Ticket
from tickets.services import ahead_of
from triage.labels import Urgency
from vault.datakeys import Erased


class ChannelClosed(Exception):
    """There is no such channel for this visitor, or it is switched off."""


class LinkExpired(Exception):
    """No link of this code, or it has had its days."""


@dataclass(frozen=True)
class Standing:
    """How a conversation stands, as its patient may know it."""

    last_seq: int
    staff_seen_seq: int
    owner: Frame


@dataclass(frozen=True)
class Thread:
    """A visitor who has said something before, and what they have not seen."""

    conversation_id: int
    contact_point: ContactPoint
    standing: Standing
    news: Frame


@dataclass(frozen=True)
class Arrival:
    channel: Channel
    visitor: str
    thread: Thread | None


def arrive(slug: str, *, token: str, link: str, after: int, now: datetime) -> Arrival:
    """Receive a visitor; without a token or a link a new one.

    Raises ChannelClosed, tokens.BadToken, LinkExpired.
    """
    if link:
        found = find_link(link, now=now)
        if found is None or found.contact_point.channel.slug != slug:
            raise LinkExpired
        channel = found.contact_point.channel
        visitor = tokens.visitor_by_link(found.contact_point_id)
    else:
        visitor = tokens.read_token(token, channel=slug) if token else tokens.new_visitor()
        # Who holds a link comes into whatever channel that is of; others into the web's alone.
        is_by_link = tokens.contact_point_of(visitor) is not None
        kinds = Q() if is_by_link else Q(kind="web")
        here = Channel.objects.filter(kinds, slug=slug, is_active=True).first()
        if here is None:
            raise ChannelClosed
        channel = here
        if is_by_link and find_visitor(channel, visitor=visitor) is None:
            raise tokens.BadToken
    if not (token or link):
        return Arrival(channel, visitor, None)
    return Arrival(channel, visitor, find_thread(channel, visitor=visitor, after=after, now=now))


def note_arrival(link: str, *, now: datetime) -> None:
    """Somebody came in by this link: what we write next is perhaps being looked at."""
    found = find_link(link, now=now)
    if found is not None:
        note_opened(found, now=now)


def find_visitor(channel: Channel, *, visitor: str) -> ContactPoint | None:
    by_link = tokens.contact_point_of(visitor)
    if by_link is None:
        return find_contact_point(channel, address=visitor)
    still_there = ContactPoint.objects.filter(pk=by_link, address_index__isnull=False)
    return still_there.select_related("patient", "channel").first()


def meet_visitor(channel: Channel, *, visitor: str, language: str) -> ContactPoint:
    """Who this is, begun anew where nobody of this name has written before.

    Raises Erased for who came by a link, and was erased since.
    """
    known = find_visitor(channel, visitor=visitor)
    if known is None and tokens.contact_point_of(visitor) is not None:
        raise Erased
    return known or meet(channel, address=visitor, language=language)


def find_thread(channel: Channel, *, visitor: str, after: int, now: datetime) -> Thread | None:
    """None for a visitor who has not written yet: nothing is stored of those."""
    contact_point = find_visitor(channel, visitor=visitor)
    if contact_point is None:
        return None
    found = Conversation.objects.select_related("nurse").filter(contact_point=contact_point).first()
    if found is None:
        return None
    found.contact_point = contact_point  # each knows the other from here on
    return Thread(
        found.pk,
        contact_point,
        _standing(found, now=now),
        _messages(found.pk, after=min(after, found.last_seq), last_seq=found.last_seq),
    )


def find_standing(conversation_id: int, *, now: datetime) -> Standing:
    conversation = Conversation.objects.select_related("nurse").get(pk=conversation_id)
    return _standing(conversation, now=now)


def find_messages(conversation_id: int, *, after: int) -> Frame:
    """A `messages` frame with what follows `after`, 100 at most."""
    last_seq = Conversation.objects.values_list("last_seq", flat=True).get(pk=conversation_id)
    return _messages(conversation_id, after=after, last_seq=last_seq)


def see(conversation_id: int, *, seq: int) -> None:
    mark_seen(Conversation(pk=conversation_id), by_patient=True, seq=seq)


def _messages(conversation_id: int, *, after: int, last_seq: int) -> Frame:
    following = Message.objects.filter(conversation=conversation_id, seq__gt=after)
    found = list(following.select_related("nurse").order_by("seq")[:AT_ONCE])
    newest = found[-1].seq if found else after
    items = frames.for_patient(found)
    bring_up_to_date(items, now=timezone.now())
    return {
        "type": "messages",
        "items": items,
        # A message may have come between the two reads.
        "last_seq": max(last_seq, newest),
        "more": newest < last_seq,
    }


def _standing(conversation: Conversation, *, now: datetime) -> Standing:
    owner: Frame = {"type": "owner", "owner": conversation.owner, "nurse": "", "ahead": 0}
    if conversation.owner == Owner.NURSE and conversation.nurse is not None:
        owner["nurse"] = conversation.nurse.display_name
    elif conversation.owner == Owner.QUEUE:
        owner |= _place_in_queue(conversation, now=now)
    return Standing(conversation.last_seq, conversation.staff_seen_seq, owner)


def _place_in_queue(conversation: Conversation, *, now: datetime) -> Frame:
    ticket = Ticket.objects.waiting().filter(conversation=conversation).first()
    back_at = next_nurses_hour(now)
    here = back_at is not None and back_at <= now
    place: Frame = {
        "ahead": ahead_of(ticket) if ticket else 0,
        "nurses_here": here,
        "urgent": ticket is not None and ticket.urgency >= Urgency.EMERGENCY,
    }
    if back_at is not None and not here:
        place["back_at"] = back_at.isoformat()
    return place
