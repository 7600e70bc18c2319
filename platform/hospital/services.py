"""What others ask of the hospital: where to go in an emergency, and who is there now."""

import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from hospital.hours import HORIZON, Timetable
from hospital.models import (
    Department,
    Holiday,
    Hospital,
    OpeningHours,
    OpeningHoursQuerySet,
    Place,
)

STANDARD_DEPARTMENTS = Path(__file__).with_name("departments.toml")


def nearest_emergency_place() -> Place | None:
    """The emergency department to name to somebody in danger; None before one was entered."""
    return Place.objects.active().emergency().order_by("rank", "id").first()


def nurses_are_here(now: datetime) -> bool:
    """Whether nurses answer messages at this moment, by the hours of the service."""
    return _timetable(OpeningHours.objects.of_nurses(), now=now).is_open(now)


def next_nurses_hour(now: datetime) -> datetime | None:
    """When nurses answer again: `now` itself while they do, None where no hours are entered."""
    return _timetable(OpeningHours.objects.of_nurses(), now=now).next_opening(now)


def is_open(where: Place | Department, now: datetime) -> bool:
    """Whether a place or department sees patients now; False where no hours are entered."""
    return _timetable(OpeningHours.objects.of(where), now=now).is_open(now)


def next_opening(where: Place | Department, now: datetime) -> datetime | None:
    """When a place or department sees patients next: `now` itself while it does."""
    return _timetable(OpeningHours.objects.of(where), now=now).next_opening(now)


def ensure_standard_departments() -> None:
    """Add the standard departments that are missing; those that are there stay as they are."""
    for code, name, name_en in standard_departments():
        Department.objects.get_or_create(
            name=name, defaults={"code": code, "name_en": name_en, "is_standard": True}
        )


@cache
def standard_departments() -> tuple[tuple[str, str, str], ...]:
    """Code, Chinese name and English name of the departments that triage knows."""
    rows = tomllib.loads(STANDARD_DEPARTMENTS.read_text(encoding="utf-8"))["departments"]
    return tuple((row["code"], row["name"], row["name_en"]) for row in rows)


def _timetable(hours: OpeningHoursQuerySet, *, now: datetime) -> Timetable:
    zone = Hospital.objects.this_one().zone
    today = now.astimezone(zone).date()
    holidays = Holiday.objects.filter(date__range=_days_that_matter(today))
    return Timetable(
        rules=tuple(row.as_rule() for row in hours),
        special_days=holidays.as_special_days(),
        time_zone=zone,
    )


def _days_that_matter(today: date) -> tuple[date, date]:
    # From yesterday, whose hours may reach over midnight.
    return today - timedelta(days=1), today + HORIZON
