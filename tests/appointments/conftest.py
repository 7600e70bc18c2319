"""For the tests of booking: a clinic with one schedule, and people who want to be seen."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from appointments.models import Appointment, Schedule, Slot
from appointments.slots import make_slots
from hospital.models import Department, Doctor, Hospital, Weekday
from patients.models import Channel, ContactPoint, Patient
from patients.services import create_patient, meet


@pytest.fixture
def department(hospital: Hospital) -> Department:
    return Department.objects.get(name="呼吸内科")


@pytest.fixture
def doctor(department: Department) -> Doctor:
    return Doctor.objects.create(name="林知远", department=department, title="主任医师")


@pytest.fixture
def schedule(department: Department, doctor: Doctor) -> Callable[..., Schedule]:
    """A doctor on the Thursday after NOON, two slots of half an hour with two seats each."""

    def make(**fields: Any) -> Schedule:
        wanted = {
            "department": department, "doctor": doctor, "weekday": Weekday.THURSDAY,
            "starts": time(9), "ends": time(10), "minutes_per_slot": 30, "capacity": 2,
            "fee": Decimal("80.00"), "visit_type": "specialist",
            "valid_until": date(2026, 11, 19), **fields,
        }  # fmt: skip
        return Schedule.objects.create(**wanted)

    return make


@pytest.fixture
def slots(schedule: Callable[..., Schedule], now: datetime) -> Callable[..., list[Slot]]:
    """The slots that a schedule gives, the soonest first."""

    def make(**fields: Any) -> list[Slot]:
        theirs = schedule(**fields)
        make_slots(now=now)
        return list(Slot.objects.filter(schedule=theirs).order_by("starts_at"))

    return make


@pytest.fixture
def people(web: Channel) -> Callable[..., ContactPoint]:
    """Somebody who writes to us for the first time."""
    numbers = count(1)

    def come() -> ContactPoint:
        return meet(web, address=f"patient-{next(numbers)}")

    return come


Wants = Callable[..., dict[str, Any]]


@pytest.fixture
def wants(people: Callable[..., ContactPoint], now: datetime) -> Wants:
    """What a new person says who wants to be seen, as keywords of `hold`."""

    def want(contact_point: ContactPoint | None = None, **fields: Any) -> dict[str, Any]:
        point = contact_point or people()
        return {
            "patient": point.patient, "booked_by": point.patient, "contact_point": point,
            "now": now, **fields,
        }  # fmt: skip

    return want


@pytest.fixture
def child() -> Patient:
    return create_patient(name="小明")


@pytest.fixture
def truth() -> Callable[[Slot], tuple[int, int]]:
    """Seats taken as counted in the slot, and as the appointments say: always the same."""

    def count_seats(slot: Slot) -> tuple[int, int]:
        slot.refresh_from_db()
        seated = Appointment.objects.seated().filter(slot=slot).count()
        return slot.taken, seated + slot.kept_back

    return count_seats
