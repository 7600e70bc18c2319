"""When the doctors of the demo hospital see patients, and for how much; invented like all of it."""

from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal

from django.db import transaction

from appointments.models import Schedule, VisitType
from appointments.slots import make_slots
from hospital.models import Department, Doctor, Place, PlaceKind

# Whose patients come without an appointment.
UNBOOKED = {"急诊科"}
IN_OTHER_BUILDING = {"儿科", "妇科", "产科"}
BY_TITLE: dict[str, tuple[VisitType, tuple[int, ...], int, int]] = {
    # Title: visit type, fees in yuan, minutes per slot, seats per slot.
    "主任医师": (VisitType.SPECIALIST, (60, 80, 100), 30, 3),
    "副主任医师": (VisitType.SPECIALIST, (30, 40, 50), 30, 4),
    "主治医师": (VisitType.GENERAL, (20, 25), 30, 5),
}
GENERAL_FEES = (15, 20)
MORNING, AFTERNOON = (time(8), time(12)), (time(13, 30), time(17))
WEEKDAYS = range(5)


@transaction.atomic
def seed_appointments(now: datetime) -> None:
    """Give the hospital's departments and doctors schedules, once, and make their slots."""
    if Schedule.objects.exists():
        return
    Schedule.objects.bulk_create(_schedules())
    make_slots(now=now)


def _schedules() -> Iterator[Schedule]:
    departments = Department.objects.active().exclude(name__in=UNBOOKED).order_by("pk")
    women_and_children = Place.objects.filter(kind=PlaceKind.OUTPATIENT, name="妇儿楼").first()
    for number, department in enumerate(departments):
        place = women_and_children if department.name in IN_OTHER_BUILDING else None
        for weekday in WEEKDAYS:
            for starts, ends in (MORNING, AFTERNOON):
                yield Schedule(
                    department=department,
                    place=place,
                    weekday=weekday,
                    starts=starts,
                    ends=ends,
                    minutes_per_slot=30,
                    capacity=6,
                    fee=Decimal(GENERAL_FEES[number % len(GENERAL_FEES)]),
                    **_preparation(department),
                )
    doctors = Doctor.objects.active().exclude(department__name__in=UNBOOKED)
    for number, doctor in enumerate(doctors.select_related("department").order_by("pk")):
        yield from _of_doctor(doctor, number, place=women_and_children)


def _of_doctor(doctor: Doctor, number: int, *, place: Place | None) -> Iterator[Schedule]:
    """Three half days a week, spread so that somebody is there on every day."""
    visit_type, fees, minutes, seats = BY_TITLE.get(doctor.title, BY_TITLE["主治医师"])
    for turn in range(3):
        weekday = (number + 2 * turn) % 5
        starts, ends = (MORNING, AFTERNOON)[(number + turn) % 2]
        yield Schedule(
            department=doctor.department,
            doctor=doctor,
            place=place if doctor.department.name in IN_OTHER_BUILDING else None,
            weekday=weekday,
            starts=starts,
            ends=ends,
            minutes_per_slot=minutes,
            capacity=seats,
            fee=Decimal(fees[number % len(fees)]),
            visit_type=visit_type,
            **_preparation(doctor.department),
        )


def _preparation(department: Department) -> dict[str, str | bool]:
    if department.name == "健康体检中心":
        return {
            "fasting": True,
            "bring": "既往体检报告",
            "bring_en": "reports of earlier check-ups",
        }
    return {
        "bring": "以往的病历和检查报告",
        "bring_en": "earlier medical records and examination reports",
    }
