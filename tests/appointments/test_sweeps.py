"""What the clock does for booking, and what is rung again when a ring got lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from appointments.booking import confirm, expire_holds, hold
from appointments.demo import seed_appointments
from appointments.models import Appointment, Schedule, Slot, VisitType, WaitlistEntry
from appointments.slots import Made, make_slots
from appointments.waitlist import join_waitlist
from assistant.telling import tell_offer
from conftest import NOON
from hospital.demo import seed_hospital
from hospital.models import Department
from workers import listeners, sweeps

pytestmark = pytest.mark.django_db


@pytest.fixture
def slot(slots: Callable[..., list[Slot]]) -> Slot:
    """One seat, two days from now by the clock that the sweeps see."""
    only = slots(capacity=1, minutes_per_slot=60)[0]
    starts_at = timezone.now() + timedelta(days=2)
    Slot.objects.filter(pk=only.pk).update(
        starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), day=starts_at.date()
    )
    only.refresh_from_db()
    return only


def test_a_change_is_rung_for_until_somebody_followed(
    slot: Slot, wants: Any, rings: list[Any]
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    booked = confirm(hold(slot, **wants(now=past)), now=past)
    rings.clear()

    sweeps.look_after_seats()
    assert rings == [("appointment.changed", {"appointment_id": booked.pk})]

    listeners.on_appointment_changed(appointment_id=booked.pk, from_tomorrow=1)
    rings.clear()
    sweeps.look_after_seats()
    assert rings == []


def test_the_sweep_frees_what_lapsed_and_offers_it(
    slot: Slot, wants: Any, people: Any, rings: list[Any]
) -> None:
    past, point = timezone.now() - timedelta(minutes=6), people()
    hold(slot, **wants(now=past))
    entry = join_waitlist(
        slot.department, patient=point.patient, booked_by=point.patient, first_day=slot.day,
        last_day=slot.day, now=past,
    )  # fmt: skip

    sweeps.look_after_seats()

    assert rings == [("slot.offered", {"entry_id": entry.pk})]
    WaitlistEntry.objects.update(offered_at=past)
    rings.clear()
    sweeps.look_after_seats()
    assert rings == [("slot.offered", {"entry_id": entry.pk})]
    tell_offer(entry.pk, now=NOON)  # at night it would wait
    rings.clear()
    sweeps.look_after_seats()
    assert rings == []


def test_one_broken_row_stops_no_other_patient(
    slots: Callable[..., list[Slot]], wants: Any, now: datetime
) -> None:
    first, second = slots()
    one, other = hold(first, **wants()), hold(second, **wants())
    # No seat was ever counted for this one: giving it back is refused by the database.
    Slot.objects.filter(pk=first.pk).update(taken=0)

    assert expire_holds(now=now + timedelta(minutes=6)) == 1

    statuses = dict(Appointment.objects.values_list("pk", "status"))
    assert statuses == {one.pk: "pending", other.pk: "expired"}


def test_slots_and_visits_are_looked_after(schedule: Any) -> None:
    schedule(valid_until=None, weekday=timezone.now().weekday())

    sweeps.look_after_slots()

    assert Slot.objects.exists()


def test_the_demo_hospital_can_be_booked(now: datetime) -> None:
    seed_hospital(now)

    seed_appointments(now)
    seed_appointments(now)

    assert make_slots(now=now) == Made()
    assert not Slot.objects.filter(department__name="急诊科").exists()
    days = Slot.objects.dates("starts_at", "day").count()
    assert days >= 10
    by_title = {
        title: set(Schedule.objects.filter(doctor__title=title).values_list("fee", flat=True))
        for title in ("主任医师", "副主任医师", "主治医师")
    }
    assert all(60 <= fee <= 100 for fee in by_title["主任医师"])
    assert all(30 <= fee <= 50 for fee in by_title["副主任医师"])
    assert all(15 <= fee <= 25 for fee in by_title["主治医师"])
    general = Schedule.objects.filter(doctor=None).values("department").distinct().count()
    assert general == Department.objects.active().count() - 1
    assert set(Slot.objects.values_list("visit_type", flat=True)) == {
        VisitType.GENERAL, VisitType.SPECIALIST,
    }  # fmt: skip
