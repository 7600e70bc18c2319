"""Holding, agreeing, cancelling and moving: what a patient may, and what a repeat finds."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from appointments.booking import (
    HoldLapsed,
    NoLongerLive,
    RequestReused,
    TooManyHolds,
    cancel,
    cancel_of_closed_records,
    change,
    confirm,
    expire_holds,
    hold,
    note_followed,
    release,
)
from appointments.models import Appointment, Slot, Status, WaitlistEntry
from appointments.seats import (
    AlreadyBooked,
    RecordClosed,
    SlotClosed,
    SlotTaken,
    TimesOverlap,
    TooLate,
    end,
    lock_appointment,
)
from appointments.slots import close_slot
from appointments.waitlist import join_waitlist
from hospital.models import Department
from patients.models import Patient
from patients.services import create_patient, erase_patient, merge_patients, update_patient
from vault.fields import ERASED

pytestmark = pytest.mark.django_db
Slots = Callable[..., list[Slot]]
MINUTES = timedelta(minutes=1)


@pytest.fixture
def booked(slots: Slots, wants: Any, now: datetime) -> Appointment:
    return confirm(hold(slots()[0], **wants(), reason="咳嗽两周"), now=now)


def test_a_seat_is_held_then_booked_and_everybody_hears_of_it(
    slots: Slots, wants: Any, now: datetime, rings: list[Any]
) -> None:
    slot = slots()[0]

    held = hold(slot, **wants(), reason="咳嗽两周")
    assert (held.status, held.seat, held.held_until) == ("pending", 1, now + 5 * MINUTES)
    assert rings == []

    booked = confirm(held, now=now + 2 * MINUTES)

    fresh = Appointment.objects.get(pk=booked.pk)
    assert (fresh.status, fresh.reason, fresh.held_until) == ("booked", "咳嗽两周", None)
    assert rings == [("appointment.changed", {"appointment_id": booked.pk})]
    assert Appointment.objects.unfollowed().get() == booked


def test_an_appointment_names_nobody(booked: Appointment) -> None:
    update_patient(booked.patient, name="王小明")

    assert str(booked) == booked.number
    assert "王" not in str(booked.slot)


def test_telling_it_twice_is_once(slots: Slots, wants: Any, now: datetime) -> None:
    slot, who = slots()[0], wants(request_id="c1/7")

    held = hold(slot, **who)
    assert hold(slot, **who) == held
    assert confirm(held, now=now) == confirm(held, now=now)
    assert hold(slot, **who) == held
    assert cancel(held, now=now) == cancel(held, now=now)

    slot.refresh_from_db()
    assert (Appointment.objects.count(), slot.taken) == (1, 0)


def test_a_second_yes_without_an_id_is_the_same_hold(slots: Slots, wants: Any) -> None:
    slot, who = slots()[0], wants()

    assert hold(slot, **who) == hold(slot, **who)


def test_an_id_stands_for_one_wish(slots: Slots, wants: Any, now: datetime) -> None:
    first, second = slots()
    who = wants(request_id="c1/7")
    held = hold(first, **who)

    with pytest.raises(RequestReused):
        hold(second, **who)
    release(held, now=now)
    with pytest.raises(HoldLapsed):
        hold(first, **who)


def test_a_hold_that_took_too_long_is_lost_and_its_seat_free(
    slots: Slots, wants: Any, now: datetime
) -> None:
    slot = slots(capacity=1)[0]
    held = hold(slot, **wants())
    late = now + 5 * MINUTES

    with pytest.raises(HoldLapsed):
        confirm(held, now=late)
    assert (expire_holds(now=late), expire_holds(now=late)) == (1, 0)

    held.refresh_from_db()
    assert (held.status, held.ended_at) == ("expired", late)
    assert hold(slot, **wants()).seat == 1


def test_nobody_waits_for_the_sweep_to_have_a_lapsed_seat(
    slots: Slots, wants: Any, now: datetime
) -> None:
    slot, who = slots(capacity=1)[0], wants()
    hold(slot, **who)

    assert hold(slot, **wants(now=now + 6 * MINUTES)).seat == 1


def test_the_last_seat_goes_once(slots: Slots, wants: Any) -> None:
    slot = slots(capacity=1)[0]
    hold(slot, **wants())

    with pytest.raises(SlotTaken):
        hold(slot, **wants())


def test_the_database_gives_no_seat_twice(slots: Slots, wants: Any) -> None:
    held = hold(slots()[0], **wants())
    other = create_patient()

    for twin in ({"made_for": other.pk}, {"seat": 2}):
        copy = Appointment.objects.get(pk=held.pk)
        copy.pk, copy.number = None, "TWIN"
        copy.uid = other.uid
        for name, value in twin.items():
            setattr(copy, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)


def test_one_doctor_once_a_day(slots: Slots, wants: Any, people: Any) -> None:
    first, second = slots()
    point = people()
    held = hold(first, **wants(point))

    with pytest.raises(AlreadyBooked) as refused:
        hold(second, **wants(point))

    assert refused.value.appointment == held


def test_nobody_is_in_two_places_at_once(
    slots: Slots, wants: Any, people: Any, hospital: object
) -> None:
    here = slots()[0]
    other = Department.objects.get(name="儿科")
    at_that_time = slots(department=other, doctor=None, starts=time(9, 15), ends=time(9, 45))[0]
    right_after = slots(department=other, doctor=None, starts=time(9, 30), ends=time(10))[0]
    point = people()
    hold(here, **wants(point))

    with pytest.raises(TimesOverlap):
        hold(at_that_time, **wants(point))
    assert hold(right_after, **wants(point)).status == "pending"


def test_a_mother_books_for_her_child_beside_herself(
    slots: Slots, wants: Any, people: Any, child: Patient, now: datetime
) -> None:
    slot, mother = slots()[0], people()

    hold(slot, **wants(mother))
    hers = hold(slot, **wants(mother, patient=child))

    assert (hers.patient, hers.booked_by, hers.seat) == (child, mother.patient, 2)


def test_nobody_hoards_seats(slots: Slots, wants: Any, people: Any) -> None:
    slot, mother = slots(capacity=9)[0], people()
    for _ in range(3):
        hold(slot, **wants(mother, patient=create_patient()))

    with pytest.raises(TooManyHolds):
        hold(slot, **wants(mother, patient=create_patient()))


def test_what_has_begun_or_is_closed_cannot_be_booked(
    slots: Slots, wants: Any, now: datetime
) -> None:
    first, second = slots()
    close_slot(second, why="医生停诊", now=now)

    with pytest.raises(TooLate):
        hold(first, **wants(now=first.starts_at))
    with pytest.raises(SlotClosed):
        hold(second, **wants())


def test_a_slot_that_was_taken_away_meanwhile_is_closed(slots: Slots, wants: Any) -> None:
    slot = slots()[0]
    Slot.objects.all().delete()

    with pytest.raises(SlotClosed):
        hold(slot, **wants())


def test_a_patient_cancels_until_it_starts_and_the_hospital_after(booked: Appointment) -> None:
    starts_at = booked.slot.starts_at

    with pytest.raises(TooLate):
        cancel(booked, now=starts_at)
    cancelled = cancel(booked, why="hospital", note="医生急诊手术", now=starts_at)

    assert (cancelled.status, cancelled.cancelled_why) == ("cancelled", "hospital")
    assert Appointment.objects.get(pk=booked.pk).note == "医生急诊手术"


def test_a_hospital_may_ask_to_be_told_earlier(booked: Appointment, settings: Any) -> None:
    settings.BOOKING = {**settings.BOOKING, "cancel_lead_s": 3600}

    with pytest.raises(TooLate):
        cancel(booked, now=booked.slot.starts_at - 30 * MINUTES)


def test_what_has_ended_cannot_be_cancelled(booked: Appointment, now: datetime) -> None:
    Appointment.objects.filter(pk=booked.pk).update(status=Status.NOSHOW)

    with pytest.raises(NoLongerLive):
        cancel(booked, now=now)


# --- moving --------------------------------------------------------------------------------------


def test_a_move_on_the_same_day_keeps_the_reason_and_the_thread(
    slots: Slots, booked: Appointment, now: datetime, rings: list[Any], truth: Any
) -> None:
    old, new = Slot.objects.order_by("starts_at")

    moved = change(booked, to=new, now=now, request_id="m1")

    assert change(booked, to=new, now=now, request_id="m1") == moved
    fresh = Appointment.objects.get(pk=moved.pk)
    assert (fresh.status, fresh.reason, fresh.moved_from_id) == ("booked", "咳嗽两周", booked.pk)
    booked.refresh_from_db()
    assert (booked.status, booked.cancelled_why) == ("cancelled", "moved")
    assert (truth(old), truth(new)) == ((0, 0), (1, 1))
    assert [ids["appointment_id"] for _, ids in rings] == [booked.pk, moved.pk]


def test_a_move_that_loses_keeps_the_old(
    booked: Appointment, wants: Any, now: datetime, truth: Any
) -> None:
    old, new = Slot.objects.order_by("starts_at")
    for _ in range(2):
        hold(new, **wants())

    with pytest.raises(SlotTaken):
        change(booked, to=new, now=now)

    booked.refresh_from_db()
    assert (booked.status, truth(old), truth(new)) == ("booked", (1, 1), (2, 2))


def test_an_id_moves_one_appointment(booked: Appointment, wants: Any, now: datetime) -> None:
    new = Slot.objects.order_by("starts_at")[1]
    hold(new, **wants(request_id="m1"))

    with pytest.raises(RequestReused):
        change(booked, to=new, now=now, request_id="m1")


def test_only_a_booking_moves(slots: Slots, wants: Any, now: datetime) -> None:
    first, second = slots()
    held = hold(first, **wants())

    with pytest.raises(NoLongerLive):
        change(held, to=second, now=now)


# --- what is owed --------------------------------------------------------------------------------


def test_a_change_that_came_meanwhile_stays_owed(booked: Appointment, now: datetime) -> None:
    cancel(booked, now=now)

    note_followed(booked.pk, status="booked", now=now)
    assert Appointment.objects.unfollowed().exists()

    note_followed(booked.pk, status="cancelled", now=now)
    assert not Appointment.objects.unfollowed().exists()


# --- records that are merged, erased, closed -----------------------------------------------------


def test_two_records_with_one_slot_each_can_be_merged(
    slots: Slots, wants: Any, people: Any, now: datetime
) -> None:
    slot, one, other = slots(capacity=3)[0], people(), people()
    for point in (one, other):
        confirm(hold(slot, **wants(point)), now=now)

    merge_patients(other.patient, into=one.patient)

    assert Appointment.objects.live().filter(patient=one.patient).count() == 2
    other.refresh_from_db()
    with pytest.raises(AlreadyBooked):
        hold(slot, **wants(other))


def test_a_merge_in_the_middle_of_an_act_is_not_undone_by_it(
    slots: Slots, wants: Any, people: Any, now: datetime
) -> None:
    one, other = people(), people()
    held = lock_appointment(hold(slots()[0], **wants(other)).pk)
    merge_patients(other.patient, into=one.patient)

    end(held, Status.EXPIRED, now=now)

    assert Appointment.objects.get().patient == one.patient


def test_who_was_merged_meanwhile_books_as_who_they_became(
    slots: Slots, wants: Any, people: Any
) -> None:
    one, other = people(), people()
    stale = wants(other)
    merge_patients(other.patient, into=one.patient)

    held = hold(slots()[0], **stale)

    assert (held.patient, held.data_key_id) == (one.patient, one.patient.data_key_id)


def test_the_seat_of_an_erased_patient_becomes_free_and_their_reason_is_gone(
    booked: Appointment, wants: Any, people: Any, now: datetime, truth: Any
) -> None:
    point = people()
    entry = join_waitlist(
        booked.slot.department, patient=point.patient, booked_by=point.patient,
        first_day=booked.day, last_day=booked.day, now=now,
    )  # fmt: skip
    for patient in (booked.patient, point.patient):
        erase_patient(patient, now=now)

    assert cancel_of_closed_records(now=now) == 1

    gone = Appointment.objects.get(pk=booked.pk)
    assert (gone.status, gone.cancelled_why, gone.reason) == ("cancelled", "record", ERASED)
    assert truth(booked.slot) == (0, 0)
    assert WaitlistEntry.objects.get(pk=entry.pk).status == "ended"
    with pytest.raises(RecordClosed):
        hold(booked.slot, **wants(patient=booked.patient))


def test_a_closure_reaches_past_an_erased_patient(
    booked: Appointment, wants: Any, now: datetime
) -> None:
    other = confirm(hold(booked.slot, **wants()), now=now)
    erase_patient(booked.patient, now=now)

    assert close_slot(booked.slot, why="医生停诊", now=now) == 2

    assert Appointment.objects.get(pk=other.pk).note == "医生停诊"
