"""What we write of our own accord: once, by day, to who is not in the middle of something else."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from appointments.booking import confirm, expire_holds, hold
from appointments.models import Appointment, Slot, Status, WaitlistEntry
from appointments.slots import close_slot
from appointments.waitlist import join_waitlist, offer_seats
from assistant.skills.booking import BOOKING
from assistant.telling import tell_of_change, tell_offer
from conversations.models import Conversation, Message
from patients.services import update_patient
from tickets.models import Ticket
from tickets.services import claim_ticket

pytestmark = pytest.mark.django_db
DAYS = {"first_day": None, "last_day": None}


@pytest.fixture
def writer(web: Any, patient_writes: Any, model: Any, now: datetime) -> Any:
    """Somebody who has written before, and whose name and phone are known."""
    model.means("chitchat")
    received = patient_writes("你好", now=now - timedelta(hours=1))
    point = received.message.conversation.contact_point
    update_patient(point.patient, name="王芳", phone="13800001111")
    return point


@pytest.fixture
def waits(writer: Any, slots: Callable[..., list[Slot]], now: datetime) -> WaitlistEntry:
    """Tomorrow's slots are full, the writer waits, and one seat got free."""
    full = slots()
    Slot.objects.update(taken=F("capacity"))
    entry = join_waitlist(
        full[0].department,
        patient=writer.patient,
        booked_by=writer.patient,
        contact_point=writer,
        first_day=full[0].day,
        last_day=full[0].day,
        now=now,
    )
    Slot.objects.filter(pk=full[1].pk).update(kept_back=1)
    offer_seats(now=now)
    return entry


@pytest.fixture
def says(patient_writes: Any, model: Any) -> Callable[..., str]:
    def say(text: str, *, now: datetime) -> str:
        model.means("other", abstained=True)
        received = patient_writes(text, now=now)
        later = Message.objects.filter(
            conversation=received.message.conversation, seq__gt=received.message.seq, kind="text"
        )
        return "\n".join(each.text for each in later.order_by("seq"))

    return say


def told() -> list[str]:
    said = Message.objects.filter(kind="text", author="system").order_by("seq")
    return [message.text for message in said]


def test_an_offer_is_told_once_and_taken_by_a_yes(waits, says, now) -> None:
    tell_offer(waits.pk, now=now)
    tell_offer(waits.pk, now=now)

    assert len(told()) == 1
    assert "您候补的号有了" in told()[0]
    assert "预约成功" in says("要", now=now + timedelta(minutes=5))
    assert Appointment.objects.get(status=Status.BOOKED).waitlist_entry == waits


def test_an_offer_waits_for_the_morning(waits, now) -> None:
    night = now.replace(hour=15)  # 23:00 in Shanghai

    tell_offer(waits.pk, now=night)

    assert told() == []
    assert WaitlistEntry.objects.untold().exists()


def test_an_offer_does_not_break_into_a_dialogue(waits, says, model, patient_writes, now) -> None:
    model.means("book_appointment")
    patient_writes("我想挂号", now=now)

    tell_offer(waits.pk, now=now + timedelta(minutes=1))
    assert told() == []

    tell_offer(waits.pk, now=now + timedelta(minutes=5))
    assert len(told()) == 1
    assert "继续候补" in says("这个不要，继续等", now=now + timedelta(minutes=6))


def test_where_a_nurse_has_the_conversation_the_offer_goes_to_her_too(
    waits, patient_writes, nurse, says, now
) -> None:
    patient_writes("转人工", tap="nurse", now=now)
    claim_ticket(Ticket.objects.get().pk, nurse=nurse, now=now)

    tell_offer(waits.pk, now=now)

    assert "护士" in told()[-1]
    says("要", now=now)
    assert not Appointment.objects.filter(status=Status.BOOKED).exists()


def test_an_answer_that_comes_too_late_looks_for_another_time(waits, says, now) -> None:
    tell_offer(waits.pk, now=now)
    late = now + timedelta(hours=1)
    expire_holds(now=late)

    assert "保留时间已经过了" in says("要", now=late)
    assert not Appointment.objects.filter(status=Status.BOOKED).exists()


def test_an_offer_that_was_taken_is_taken_once(waits, says, now) -> None:
    tell_offer(waits.pk, now=now)
    says("要", now=now + timedelta(minutes=1))
    says("要", now=now + timedelta(minutes=2))

    assert Appointment.objects.filter(status=Status.BOOKED).count() == 1


@pytest.fixture
def cancelled(writer: Any, slots: Callable[..., list[Slot]], now: datetime) -> Appointment:
    """A visit of tomorrow at nine; the hospital closes that slot, and half past nine stays."""
    first, _second = slots()
    who = {"patient": writer.patient, "booked_by": writer.patient, "contact_point": writer}
    booked = confirm(hold(first, **who, now=now), now=now)
    close_slot(first, why="医生外出", now=now)
    return booked


def test_a_visit_that_the_hospital_cancelled_is_booked_again_by_one_tap(
    cancelled, says, now
) -> None:
    tell_of_change(cancelled.pk, now=now)
    assert "医生外出" in told()[0]
    choices = Message.objects.filter(author="system").latest("seq").details["choices"]

    answer = says(choices[0]["text"], now=now + timedelta(minutes=1))

    assert "预约成功" in answer
    assert Appointment.objects.get(status=Status.BOOKED).patient == cancelled.patient


def test_a_cancellation_is_told_once(cancelled, now) -> None:
    tell_of_change(cancelled.pk, now=now)
    tell_of_change(cancelled.pk, now=now + timedelta(minutes=1))

    assert len(told()) == 1
    conversation = Conversation.objects.get()
    assert conversation.dialogues.open().count() == 1


def test_a_cancellation_is_told_at_once_amid_another_dialogue(
    cancelled, model, patient_writes, now
) -> None:
    model.means("book_appointment")
    patient_writes("我想挂号", now=now)

    tell_of_change(cancelled.pk, now=now)

    assert "最近还有号的时间" in told()[0]
    assert Conversation.objects.get().dialogues.open().get().skill == BOOKING.name


def test_what_the_patient_cancelled_is_not_told_them(cancelled, now) -> None:
    Appointment.objects.filter(pk=cancelled.pk).update(cancelled_why="patient")

    tell_of_change(cancelled.pk, now=now)

    assert told() == []
