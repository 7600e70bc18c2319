"""Two nurses reach for the same patient at the same moment: one has him, and she speaks alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from django.db import connection

from assistant.services import take_in
from conversations.models import Author, Conversation, Owner
from conversations.services import StaleEpoch, queue_reply
from patients.models import Channel
from patients.services import meet
from staff.models import StaffMember
from tickets.models import Reason, Ticket
from tickets.services import AlreadyClaimed, claim_ticket, hand_over

TIMES = 50


@pytest.fixture
def handed_over(web: Channel, hospital: object, now: datetime) -> Callable[[str], Ticket]:
    def open_one(visitor: str) -> Ticket:
        contact_point = meet(web, address=visitor)
        conversation = take_in(contact_point, text="在吗", now=now).message.conversation
        return hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)

    return open_one


@pytest.mark.django_db(transaction=True)
def test_of_two_nurses_who_claim_at_once_one_wins(
    handed_over: Callable[[str], Ticket],
    nurse: StaffMember,
    other_nurse: StaffMember,
    now: datetime,
) -> None:
    both = Barrier(2)

    def claim(member: StaffMember, ticket_id: int) -> StaffMember | None:
        try:
            both.wait(timeout=30)
            claim_ticket(ticket_id, nurse=member, now=now)
            return member
        except AlreadyClaimed:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        for number in range(TIMES):
            ticket = handed_over(f"visitor-{number}")

            claims = threads.map(claim, [nurse, other_nurse], [ticket.pk] * 2)

            winners = [winner for winner in claims if winner]
            assert len(winners) == 1
            conversation = Conversation.objects.get(pk=ticket.conversation_id)
            assert (conversation.owner, conversation.nurse_id) == (Owner.NURSE, winners[0].pk)
            assert Ticket.objects.get(pk=ticket.pk).claimed_by_id == winners[0].pk
            told = conversation.messages.filter(kind="event").order_by("seq")
            assert [event.details["event"] for event in told] == ["queued", "claimed"]


@pytest.mark.django_db(transaction=True)
def test_what_the_assistant_composed_before_a_claim_is_never_shown(
    web: Channel, handed_over: Callable[[str], Ticket], nurse: StaffMember, now: datetime
) -> None:
    both = Barrier(2)

    def speak(conversation: Conversation, epoch: int) -> bool:
        try:
            both.wait(timeout=30)
            queue_reply(conversation, text="好的", author=Author.ASSISTANT, epoch=epoch, now=now)
            return True
        except StaleEpoch:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as assistant:
        for number in range(TIMES // 2):
            contact_point = meet(web, address=f"visitor-{number}")
            conversation = take_in(contact_point, text="在吗", now=now).message.conversation
            late = assistant.submit(
                speak, Conversation.objects.get(pk=conversation.pk), conversation.epoch
            )
            both.wait(timeout=30)
            ticket = hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)
            claim_ticket(ticket.pk, nurse=nurse, now=now)

            was_said = late.result(timeout=30)

            thread = list(conversation.messages.order_by("seq"))
            spoken = [m.seq for m in thread if m.author == Author.ASSISTANT]
            queued = next(m.seq for m in thread if (m.details or {}).get("event") == "queued")
            assert len(spoken) == was_said
            assert all(seq < queued for seq in spoken)
            assert [m.seq for m in thread] == list(range(1, len(thread) + 1))
