from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin import site
from django.db import IntegrityError, transaction
from django.test import Client

from hospital.demo import seed_hospital
from hospital.models import (
    Department,
    Doctor,
    Holiday,
    Hospital,
    HoursKind,
    OpeningHours,
    Place,
    PlaceKind,
)
from hospital.services import (
    ensure_standard_departments,
    is_open,
    nearest_emergency_place,
    next_nurses_hour,
    next_opening,
    nurses_are_here,
    standard_departments,
)
from triage.labels import DEPARTMENTS

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def nurses_on(weekday: int) -> None:
    OpeningHours.objects.create(
        kind=HoursKind.NURSES, weekday=weekday, opens_at=time(8), closes_at=time(20)
    )


def test_the_standard_departments_are_those_that_triage_names() -> None:
    names = [name for _, name, _ in standard_departments()]
    codes = [code for code, _, _ in standard_departments()]

    assert sorted(names) == sorted(DEPARTMENTS)
    assert len(set(codes)) == len(DEPARTMENTS) == 31


def test_standard_departments_are_added_once_and_keep_what_the_hospital_changed() -> None:
    ensure_standard_departments()
    Department.objects.filter(code="ent").update(name_en="Ear clinic", is_active=False)

    ensure_standard_departments()

    assert Department.objects.standard().count() == 31
    assert Department.objects.get(code="ent").name_en == "Ear clinic"


def test_the_demo_hospital_is_filled_in_once() -> None:
    seed_hospital(MONDAY)
    models = [Hospital, Department, Doctor, Place, OpeningHours, Holiday]
    before = [model._default_manager.count() for model in models]

    seed_hospital(MONDAY)

    assert [model._default_manager.count() for model in models] == before
    assert before[:3] == [1, 33, 42]


def test_the_demo_hospital_says_everything_in_both_languages() -> None:
    seed_hospital(MONDAY)

    for place in Place.objects.all():
        assert place.name_en and place.location_en and place.directions_en, place
    for department in Department.objects.all():
        assert department.name_en and department.location and department.location_en, department
    assert not Doctor.objects.filter(title_en="").exists()
    for kind in (PlaceKind.EMERGENCY, PlaceKind.PHARMACY, PlaceKind.LAB, PlaceKind.PARKING):
        assert Place.objects.filter(kind=kind).exists(), kind


def test_every_standard_department_of_the_demo_has_a_doctor() -> None:
    seed_hospital(MONDAY)

    assert not Department.objects.filter(doctors=None).exists()


def test_without_a_hospital_nobody_is_here_and_nothing_breaks() -> None:
    assert not nurses_are_here(MONDAY)
    assert next_nurses_hour(MONDAY) is None
    assert nearest_emergency_place() is None


def test_there_is_one_hospital() -> None:
    Hospital.objects.create(name="问安示范医院")

    with pytest.raises(IntegrityError), transaction.atomic():
        Hospital.objects.create(id=2, name="另一家")


def test_the_emergency_place_of_lowest_rank_is_named_unless_it_is_closed_down() -> None:
    Place.objects.create(kind=PlaceKind.EMERGENCY, name="东院急诊", rank=2)
    first = Place.objects.create(kind=PlaceKind.EMERGENCY, name="急诊科", rank=1)
    assert nearest_emergency_place() == first

    first.is_active = False
    first.save()

    second = nearest_emergency_place()
    assert second is not None and second.name == "东院急诊"


def test_nurses_are_here_in_their_hours_only() -> None:
    for weekday in range(5):
        nurses_on(weekday)

    assert nurses_are_here(at("2026-11-23 08:00"))
    assert not nurses_are_here(at("2026-11-23 20:00"))
    assert not nurses_are_here(at("2026-11-24 00:00"))
    assert not nurses_are_here(at("2026-11-22 12:00"))  # Sunday


def test_the_next_nurses_hour_skips_weekends_and_holidays() -> None:
    for weekday in range(5):
        nurses_on(weekday)
    Holiday.objects.create(date="2026-11-23", name="院庆")

    assert next_nurses_hour(at("2026-11-20 21:00")) == at("2026-11-24 08:00")
    assert next_nurses_hour(at("2026-11-24 09:00")) == at("2026-11-24 09:00")


def test_nurses_hours_do_not_open_a_place_nor_the_other_way_round() -> None:
    nurses_on(0)
    lab = Place.objects.create(kind=PlaceKind.LAB, name="抽血中心")

    assert not is_open(lab, MONDAY)
    assert next_opening(lab, MONDAY) is None


def test_a_department_without_hours_keeps_those_of_the_outpatient_clinic() -> None:
    seed_hospital(MONDAY)
    heart = Department.objects.get(code="cardiology")
    emergency = Department.objects.get(code="emergency")

    assert is_open(heart, MONDAY)
    assert not is_open(heart, at("2026-11-23 12:30"))
    assert next_opening(heart, at("2026-11-21 13:00")) == at("2026-11-23 08:00")
    assert is_open(emergency, at("2026-11-23 00:00"))
    assert is_open(emergency, at("2026-10-01 03:00"))


def test_the_demo_keeps_the_public_holidays_and_worked_weekends_of_2026() -> None:
    seed_hospital(at("2026-01-01 00:00"))
    clinic = Place.objects.get(name="门诊楼")

    assert not is_open(clinic, at("2026-10-07 10:00"))
    assert is_open(clinic, at("2026-10-08 10:00"))
    assert is_open(clinic, at("2026-10-10 15:00"))  # a worked Saturday, with a Thursday's hours
    assert not is_open(clinic, at("2026-10-17 15:00"))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"kind": HoursKind.VISIT}, id="nobody's hours"),
        pytest.param({"kind": HoursKind.NURSES, "place": True}, id="nurses of a place"),
    ],
)
def test_hours_belong_to_one(row: dict[str, object]) -> None:
    if row.get("place"):
        row = row | {"place": Place.objects.create(kind=PlaceKind.LAB, name="抽血中心")}

    with pytest.raises(IntegrityError), transaction.atomic():
        OpeningHours.objects.create(weekday=0, opens_at=time(8), closes_at=time(9), **row)


def test_english_falls_back_to_chinese() -> None:
    place = Place(name="药房", name_en="Pharmacy", location="一层")

    assert place.in_language("name", "en") == "Pharmacy"
    assert place.in_language("name", "zh-hans") == "药房"
    assert place.in_language("location", "en") == "一层"


@pytest.mark.parametrize(
    "model", [Hospital, Department, Doctor, Place, OpeningHours, Holiday], ids=lambda m: m.__name__
)
def test_the_admin_shows_every_model(model: type, admin_client: Client) -> None:
    seed_hospital(MONDAY)
    row = model._default_manager.first()  # type: ignore[attr-defined]
    path = f"/admin/hospital/{model.__name__.lower()}/"

    assert site.is_registered(model)
    assert admin_client.get(path).status_code == 200
    assert admin_client.get(path, {"q": "1"}).status_code == 200
    assert admin_client.get(f"{path}{row.pk}/change/").status_code == 200
