"""Slots and appointments, both ways: theirs filed here, ours told there."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from adapters.fhir.models import Push, System
from adapters.fhir.pushing import owe_word
from adapters.fhir.stand_in import FhirStandIn
from adapters.rehearsal.stand_in import Fault
from appointments.booking import cancel, change, confirm, hold
from appointments.models import Appointment, Schedule, Slot
from appointments.slots import find_slots, make_slots
from careplans.models import Task
from harness.fhir import appointment, patient, schedule, slot
from hospital.models import Doctor
from patients.models import Conflict, ExternalIdentifier, Patient
from patients.services import create_patient
from workers.listeners import on_appointment_changed

pytestmark = [pytest.mark.django_db, pytest.mark.once]
Exchange = Callable[..., dict[str, int]]
LATER, MUCH_LATER = timedelta(minutes=2), timedelta(minutes=5)
THEIRS = {"Slot": "theirs", "Appointment": "theirs"}


@pytest.fixture
def tomorrow() -> datetime:
    return (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def their_slot(his: FhirStandIn, exchanges: Exchange, doctor: Doctor, tomorrow: datetime) -> Slot:
    his.put(patient())
    his.put(schedule())
    his.put(slot(starts_at=tomorrow))
    exchanges(**THEIRS)
    return Slot.objects.get()


@pytest.fixture
def booked(doctor: Doctor, system: System) -> Appointment:
    """One of ours, in a slot of ours."""
    now = timezone.now()
    Schedule.objects.create(
        department=doctor.department, doctor=doctor, weekday=(date.today().weekday() + 3) % 7,
        starts=time(9), ends=time(10), minutes_per_slot=30, capacity=1,
    )  # fmt: skip
    make_slots(now=now)
    one = create_patient(name="李雷", phone="13700000007")
    held = hold(Slot.objects.earliest("starts_at"), patient=one, booked_by=one, now=now)
    appointment = confirm(held, now=now)
    on_appointment_changed(appointment_id=appointment.pk)
    return appointment


# --- Theirs --------------------------------------------------------------------------------------


def test_their_slots_can_be_found_and_no_sweep_takes_them_away(
    their_slot: Slot, doctor: Doctor, tomorrow: datetime
) -> None:
    now = timezone.now()
    make_slots(now=now)

    (found,) = find_slots(now=now, doctor=doctor)

    assert (found.starts_at, found.free) == (tomorrow, 1)


def test_where_slots_are_ours_theirs_are_not_asked_for(
    his: FhirStandIn, exchanges: Exchange, tomorrow: datetime
) -> None:
    his.put(slot(starts_at=tomorrow))

    exchanges()

    assert his.asked_for("Slot") == []
    assert not Slot.objects.exists()


def test_a_slot_that_others_took_is_closed_and_opens_again(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot, tomorrow: datetime
) -> None:
    his.put(slot(starts_at=tomorrow, status="busy"))
    exchanges(LATER)
    their_slot.refresh_from_db()
    assert their_slot.free == 0

    his.put(slot(starts_at=tomorrow))
    exchanges(MUCH_LATER)
    their_slot.refresh_from_db()
    assert their_slot.free == 1


def test_a_seat_given_at_their_desk_is_a_seat_here(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot, tomorrow: datetime
) -> None:
    his.put(slot(starts_at=tomorrow, status="busy"))
    his.put(appointment(starts_at=tomorrow))

    exchanges(LATER)

    row = Appointment.objects.get()
    assert (row.status, row.patient.name, row.slot) == ("booked", "王小明", their_slot)
    assert row.slot.taken == 1


def test_what_the_desk_cancels_is_cancelled_here(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot, tomorrow: datetime
) -> None:
    his.put(appointment(starts_at=tomorrow))
    exchanges(LATER)
    his.put(appointment(starts_at=tomorrow, status="cancelled"))

    exchanges(MUCH_LATER)

    row = Appointment.objects.get()
    assert (row.status, row.cancelled_why, row.slot.taken) == ("cancelled", "hospital", 0)


def test_what_the_desk_moves_is_moved_here(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot, tomorrow: datetime
) -> None:
    his.put(appointment(starts_at=tomorrow))
    exchanges(LATER)
    next_day = tomorrow + timedelta(days=1)
    his.put(slot("t2", starts_at=next_day))
    his.put(appointment(starts_at=next_day, slot=[{"reference": "Slot/t2"}]))

    exchanges(MUCH_LATER)

    live = Appointment.objects.live().get()
    assert (live.slot.starts_at, live.moved_from is not None) == (next_day, True)


def test_a_slot_that_is_not_there_yet_is_fetched_first(
    his: FhirStandIn, exchanges: Exchange, doctor: Doctor, tomorrow: datetime
) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    his.put(patient(), at=long_ago)
    exchanges(**THEIRS)
    his.put(schedule(), at=long_ago)
    his.put(slot(starts_at=tomorrow), at=long_ago)
    his.put(appointment(starts_at=tomorrow))

    exchanges(LATER)

    assert Appointment.objects.get().slot.starts_at == tomorrow


def test_a_department_that_nobody_here_knows_is_left_out_with_the_reason(
    his: FhirStandIn, exchanges: Exchange, doctor: Doctor, system: System
) -> None:
    his.put(schedule(specialty=[{"text": "中医科"}]))

    exchanges(**THEIRS)

    assert system.left_out.get().reason == "unknown Organization"


# --- Ours ----------------------------------------------------------------------------------------


def test_a_booking_of_ours_is_told_with_whom_they_do_not_know(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()

    (there,) = his.rows["Appointment"].values()
    assert there["status"] == "booked"
    assert there["contained"][0]["name"][0]["text"] == "李雷"
    assert Push.objects.get().owed_since is None
    # What they say of it next is what we told them.
    assert exchanges(LATER) == {"unchanged": 1}
    assert not Push.objects.filter(owed_since__isnull=False).exists()


def test_a_cancelling_is_told_and_keeps_what_they_wrote(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()
    (there,) = his.rows["Appointment"].values()
    his.put({**there, "comment": "轮椅"})
    exchanges(LATER)
    cancel(booked, now=timezone.now())
    on_appointment_changed(appointment_id=booked.pk)

    exchanges(MUCH_LATER)

    (there,) = his.rows["Appointment"].values()
    assert (there["status"], there["comment"]) == ("cancelled", "轮椅")
    assert there["cancelationReason"]["coding"][0]["code"] == "pat"


def test_a_move_is_told_as_one_that_ends_and_one_that_begins(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()
    to = Slot.objects.exclude(pk=booked.slot_id).earliest("starts_at")
    moved = change(booked, to=to, now=timezone.now())
    for each in (booked, moved):
        on_appointment_changed(appointment_id=each.pk)

    exchanges(LATER)

    assert sorted(row["status"] for row in his.rows["Appointment"].values()) == [
        "booked", "cancelled",
    ]  # fmt: skip


def test_what_was_never_told_and_is_cancelled_is_not_told(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    cancel(booked, now=timezone.now())
    on_appointment_changed(appointment_id=booked.pk)

    exchanges()

    assert his.rows["Appointment"] == {}


def test_an_answer_that_was_lost_makes_no_second_appointment(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    his.faults.append(Fault(breaks=True))  # carried out, and the answer lost

    exchanges()
    assert Push.objects.get().failure == "RemoteProtocolError"
    exchanges(LATER)

    assert len(his.rows["Appointment"]) == 1
    assert Push.objects.get().owed_since is None


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_is_away_is_told_later(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment, status: int
) -> None:
    his.faults.append(Fault(status=status))

    exchanges()
    exchanges(LATER)

    assert len(his.rows["Appointment"]) == 1


def test_what_they_will_not_take_goes_to_a_nurse(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    his.faults.append(Fault(status=422))

    exchanges()
    exchanges(LATER)

    assert his.rows["Appointment"] == {}
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.patient_id) == ("refused", booked.patient_id)
    assert Task.objects.get().patient_id == booked.patient_id


def test_what_they_changed_meanwhile_is_read_before_it_is_told_again(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()
    (there,) = his.rows["Appointment"].values()
    cancel(booked, now=timezone.now())
    on_appointment_changed(appointment_id=booked.pk)
    his.put({**there, "comment": "改过"})  # nobody here has read it yet

    exchanges(LATER)
    (there,) = his.rows["Appointment"].values()
    assert there["status"] == "booked"
    exchanges(MUCH_LATER)

    (there,) = his.rows["Appointment"].values()
    assert (there["status"], there["comment"]) == ("cancelled", "改过")
    assert not Conflict.objects.exists()


def test_the_desk_says_who_did_not_come_whoever_owns_appointments(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()
    (there,) = his.rows["Appointment"].values()
    his.put({**there, "status": "noshow"})

    exchanges(timedelta(days=4))

    booked.refresh_from_db()
    assert booked.status == "noshow"


def test_nobody_has_missed_a_visit_that_has_not_begun(
    his: FhirStandIn, exchanges: Exchange, booked: Appointment
) -> None:
    exchanges()
    (there,) = his.rows["Appointment"].values()
    his.put({**there, "status": "noshow"})

    exchanges(LATER)

    booked.refresh_from_db()
    assert booked.status == "booked"
    assert Conflict.objects.get().fields == "status"


def test_what_they_said_themselves_is_not_told_back(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot, tomorrow: datetime
) -> None:
    his.put(appointment(starts_at=tomorrow))
    exchanges(LATER)

    on_appointment_changed(appointment_id=Appointment.objects.get().pk)

    assert not Push.objects.exists()


def test_a_booking_in_a_slot_of_theirs_names_it_and_the_patient_they_know(
    his: FhirStandIn, exchanges: Exchange, their_slot: Slot
) -> None:
    now, one = timezone.now(), Patient.objects.get()
    row = confirm(hold(their_slot, patient=one, booked_by=one, now=now), now=now)
    owe_word(row.pk, now=now)

    exchanges(LATER)

    (there,) = his.rows["Appointment"].values()
    assert there["slot"] == [{"reference": "Slot/t1"}]
    assert there["participant"][0]["actor"] == {"reference": "Patient/p1"}
    assert "contained" not in there


def test_a_hold_is_told_to_nobody(system: System, their_slot: Slot) -> None:
    now, one = timezone.now(), Patient.objects.get()
    row = hold(their_slot, patient=one, booked_by=one, now=now)

    owe_word(row.pk, now=now)

    assert not Push.objects.exists()
    assert ExternalIdentifier.objects.filter(resource="Appointment").count() == 0
