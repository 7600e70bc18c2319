"""The cards in a patient's thread say how things stand, and take no name into a calendar."""

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.core import signing
from django.test import Client
from django.utils import translation

from appointments.booking import cancel, change, confirm, hold
from appointments.models import Appointment, PartOfDay, Schedule, Slot
from channels_app import cards
from conftest import NOON
from hospital.models import Department, Hospital
from patients.models import Patient
from patients.services import create_patient

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def slots(hospital: Hospital) -> list[Slot]:
    department = Department.objects.get(name="呼吸内科")
    schedule = Schedule.objects.create(
        department=department, weekday=3, starts=time(9), ends=time(10), minutes_per_slot=30,
        capacity=2, fee=Decimal(20),
    )  # fmt: skip
    return [
        Slot.objects.create(
            schedule=schedule, department=department, day=starts_at.date(),
            part=PartOfDay.MORNING, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30),
            capacity=2, fee=Decimal(20), visit_type="general",
        )
        for starts_at in (NOON + timedelta(days=2), NOON + timedelta(days=3))
    ]  # fmt: skip


@pytest.fixture
def anna() -> Patient:
    return create_patient(name="安娜", phone="13800000001")


def held(slot: Slot, patient: Patient) -> Appointment:
    return hold(slot, patient=patient, booked_by=patient, now=NOON)


def shown(appointment: Appointment, *, now: datetime = NOON) -> dict:
    """The card as it was written at once, and as it is shown now."""
    item = {"details": {"appointment": {"id": appointment.pk, "status": "pending"}}}
    cards.bring_up_to_date([item], now=now)
    return item["details"]["appointment"]


def test_a_held_seat_says_how_long_it_has_left_whatever_the_phone_s_clock_says(
    slots: list[Slot], anna: Patient
) -> None:
    card = shown(held(slots[0], anna), now=NOON + timedelta(minutes=1))

    assert (card["status"], card["left_s"]) == ("pending", 240)
    assert "calendar" not in card


def test_a_card_of_before_says_that_the_visit_was_cancelled_since(
    slots: list[Slot], anna: Patient
) -> None:
    visit = confirm(held(slots[0], anna), now=NOON)
    cancel(visit, now=NOON)

    with translation.override("zh-hans"):
        card = shown(visit)

    assert (card["status"], card["status_name"]) == ("cancelled", "已取消")
    assert card.keys().isdisjoint({"calendar", "left_s"})


def test_a_moved_visit_names_the_one_that_it_stands_for(slots: list[Slot], anna: Patient) -> None:
    visit = confirm(held(slots[0], anna), now=NOON)

    card = shown(change(visit, to=slots[1], now=NOON))

    assert card["instead_of"] == visit.pk


def test_the_calendar_file_names_nobody_and_is_stored_nowhere(
    slots: list[Slot], anna: Patient
) -> None:
    visit = confirm(held(slots[0], anna), now=NOON)
    with translation.override("en"):
        url = shown(visit)["calendar"]

    answer = Client().get(url)

    text = answer.content.decode()
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert "SUMMARY:Visit at" in text
    assert "安娜" not in text + url
    assert not answer.cookies


def test_a_calendar_s_address_can_be_neither_guessed_nor_kept_for_ever(
    slots: list[Slot], anna: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = confirm(held(slots[0], anna), now=NOON)
    url = shown(visit)["calendar"]
    other = signing.dumps([visit.pk, "en"], salt="another")
    later = signing.time.time() + cards.LASTS_S + 5

    assert Client().get(f"/visit/{other}.ics").status_code == 404
    assert Client().get(f"/visit/{visit.pk}.ics").status_code == 404
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert Client().get(url).status_code == 410


@pytest.mark.parametrize(("minutes", "is_open"), [(29, True), (30, False), (300, False)])
def test_a_report_is_open_as_long_as_the_proof_of_who_reads_it(minutes: int, is_open: bool) -> None:
    until = NOON + timedelta(minutes=30)
    item = {
        "text": "血常规 血红蛋白 134",
        "details": {"report": {"until": until.isoformat(), "rows": []}, "choices": []},
    }

    cards.bring_up_to_date([item], now=NOON + timedelta(minutes=minutes))

    assert ("report" in item["details"]) is is_open
    assert ("134" in item["text"]) is is_open
