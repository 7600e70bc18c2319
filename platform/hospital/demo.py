"""An invented hospital to look at and to test with."""

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from hospital.models import (
    Department,
    Doctor,
    Holiday,
    HolidayKind,
    Hospital,
    HoursKind,
    OpeningHours,
    Place,
    Price,
)
from hospital.services import ensure_standard_departments

DEMO = Path(__file__).with_name("demo.toml")
TITLES = {
    "chief": ("主任医师", "Chief Physician"),
    "associate": ("副主任医师", "Associate Chief Physician"),
    "attending": ("主治医师", "Attending Physician"),
}


@transaction.atomic
def seed_hospital(now: datetime) -> Hospital:
    """Fill in the demo hospital; what is there already stays as somebody left it.

    Holidays of years before `now` are left out.
    """
    demo = tomllib.loads(DEMO.read_text(encoding="utf-8"))
    hospital, _ = Hospital.objects.get_or_create(id=1, defaults=demo["hospital"])
    ensure_standard_departments()
    _seed_departments(demo)
    for name, doctors in demo["doctors"].items():
        _seed_doctors(Department.objects.get(name=name), doctors)
    for place in demo["places"]:
        _seed_place(place)
    for name, row in demo["department_hours"].items():
        _seed_hours(row, department=Department.objects.get(name=name))
    for row in demo["prices"]:
        Price.objects.get_or_create(code=row["code"], defaults=row)
    _seed_hours(demo["nurses"], kind=HoursKind.NURSES)
    _seed_holidays(demo, first_year=now.astimezone(hospital.zone).year)
    return hospital


def _seed_departments(demo: dict[str, Any]) -> None:
    for name, (location, location_en) in demo["departments"].items():
        unset = Department.objects.filter(name=name, location="")
        unset.update(location=location, location_en=location_en)
    for department in demo["own_departments"]:
        Department.objects.get_or_create(code=department["code"], defaults=department)


def _seed_doctors(department: Department, doctors: list[list[str]]) -> None:
    for name, name_en, rank, field, field_en in doctors:
        title, title_en = TITLES[rank]
        Doctor.objects.get_or_create(
            name=name,
            department=department,
            defaults={
                "name_en": name_en,
                "title": title,
                "title_en": title_en,
                "intro": f"擅长{field}。",
                "intro_en": f"Specializes in {field_en}.",
            },
        )


def _seed_place(row: dict[str, Any]) -> None:
    fields = {key: row[key] for key in row.keys() - {"hours", "on_holidays", "department"}}
    if name := row.get("department"):
        fields["department"] = Department.objects.get(name=name)
    place, is_new = Place.objects.get_or_create(name=row["name"], defaults=fields)
    if is_new:
        _seed_hours(row, place=place)


def _seed_hours(
    row: dict[str, Any],
    *,
    kind: HoursKind = HoursKind.VISIT,
    place: Place | None = None,
    department: Department | None = None,
) -> None:
    if OpeningHours.objects.filter(kind=kind, place=place, department=department).exists():
        return
    OpeningHours.objects.bulk_create(
        OpeningHours(
            kind=kind,
            place=place,
            department=department,
            weekday=weekday,
            opens_at=time.fromisoformat(opens_at),
            closes_at=time.fromisoformat(closes_at),
            on_holidays=row.get("on_holidays", False),
        )
        for first, last, opens_at, closes_at in row["hours"]
        for weekday in range(first, last + 1)
    )


def _seed_holidays(demo: dict[str, Any], *, first_year: int) -> None:
    for holiday in demo["holidays"]:
        for first, last in holiday["days"]:
            for day in _days(date.fromisoformat(first), date.fromisoformat(last)):
                _seed_day(day, first_year, name=holiday["name"], name_en=holiday["name_en"])
    for day, weekday in demo["working_days"].items():
        _seed_day(
            date.fromisoformat(day),
            first_year,
            name="调休上班",
            name_en="Working day in lieu",
            kind=HolidayKind.WORKING_DAY,
            like_weekday=weekday,
        )


def _seed_day(day: date, first_year: int, **fields: Any) -> None:
    if day.year >= first_year:
        Holiday.objects.get_or_create(date=day, defaults=fields)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
