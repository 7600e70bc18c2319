"""The day of the visit, what a patient takes home of it, and what staff see."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from appointments.booking import NoLongerLive, cancel, change, confirm, hold
from appointments.ical import ical
from appointments.models import Appointment, Schedule, Slot, Status
from appointments.seats import AlreadyBooked
from appointments.visits import (
    NotToday,
    NotYet,
    appointments_of,
    check_in,
    close_past_visits,
    day_list,
    fulfil,
    miss,
    preparation,
)
from hospital.models import Hospital, Place
from patients.models import Patient
from patients.services import update_patient

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=1)


@pytest.fixture
def booked(slots: Callable[..., list[Slot]], wants: Any, now: datetime) -> Appointment:
    return confirm(hold(slots()[0], **wants(), reason="咳嗽两周"), now=now)


@pytest.fixture
def morning(booked: Appointment) -> datetime:
    return booked.slot.starts_at


def test_who_did_not_come_is_noted_once_the_visit_has_begun(
    booked: Appointment, morning: datetime
) -> None:
    with pytest.raises(NotYet):
        miss(booked, now=morning - HOURS)

    missed = miss(booked, now=morning)

    assert (missed.status, missed.ended_at) == (Status.NOSHOW, morning)
    assert miss(booked, now=morning + HOURS).ended_at == morning
    check_in(booked, now=morning + HOURS)  # late, but there
    with pytest.raises(NoLongerLive):
        miss(booked, now=morning + HOURS)


def test_who_comes_is_checked_in_and_seen(
    booked: Appointment, morning: datetime, rings: list[Any]
) -> None:
    arrived = check_in(booked, now=morning)
    assert check_in(booked, now=morning + HOURS).arrived_at == arrived.arrived_at == morning

    assert fulfil(booked, now=morning + HOURS) == fulfil(booked, now=morning + HOURS)

    booked.refresh_from_db()
    assert (booked.status, booked.ended_at) == ("fulfilled", morning + HOURS)
    assert len(rings) == 2
    assert check_in(booked, now=morning + HOURS).status == "fulfilled"


def test_nobody_is_checked_in_on_another_day_or_without_a_booking(
    booked: Appointment, morning: datetime, now: datetime
) -> None:
    with pytest.raises(NotToday):
        check_in(booked, now=now)
    with pytest.raises(NoLongerLive):
        fulfil(booked, now=morning)
    cancel(booked, now=now)
    with pytest.raises(NoLongerLive):
        check_in(booked, now=morning)


def test_who_did_not_come_is_noted_an_hour_after_and_may_still_come(
    booked: Appointment, morning: datetime, rings: list[Any]
) -> None:
    assert close_past_visits(now=morning + HOURS) == 0
    assert close_past_visits(now=morning + 2 * HOURS) == 1
    assert close_past_visits(now=morning + 2 * HOURS) == 0

    booked.refresh_from_db()
    assert booked.status == "noshow"
    assert rings == [("appointment.changed", {"appointment_id": booked.pk})]
    assert check_in(booked, now=morning + 3 * HOURS).status == "arrived"


def test_who_was_missed_and_booked_again_comes_to_the_new_time(
    booked: Appointment, wants: Any, morning: datetime
) -> None:
    close_past_visits(now=morning + 2 * HOURS)
    late = Slot.objects.order_by("starts_at")[1]
    Slot.objects.filter(pk=late.pk).update(
        starts_at=morning + 4 * HOURS, ends_at=morning + 5 * HOURS
    )
    hold(late, **wants(patient=booked.patient, now=morning + 3 * HOURS))

    with pytest.raises(AlreadyBooked):
        check_in(booked, now=morning + 3 * HOURS)


def test_where_nobody_is_checked_in_nobody_is_missed(
    booked: Appointment, morning: datetime, settings: Any
) -> None:
    settings.BOOKING = {**settings.BOOKING, "checks_in": False}

    assert close_past_visits(now=morning + 2 * HOURS) == 0


def test_who_arrived_has_been_seen_by_the_evening(booked: Appointment, morning: datetime) -> None:
    check_in(booked, now=morning)

    close_past_visits(now=morning + 13 * HOURS)

    booked.refresh_from_db()
    assert booked.status == "fulfilled"


def test_everybody_finds_their_appointments(
    slots: Any, wants: Any, people: Any, child: Patient, now: datetime
) -> None:
    first, second = slots()
    mother, stranger = people(), people()
    for_child = confirm(hold(second, **wants(mother, patient=child)), now=now)
    own = hold(first, **wants(mother))
    hold(first, **wants(stranger))

    assert appointments_of(mother, now=now) == [own, for_child]
    assert appointments_of(child, now=now) == [for_child]
    assert appointments_of(mother.patient, now=now) == [own]
    after = second.ends_at
    assert appointments_of(mother, now=after) == []
    assert appointments_of(mother, now=after, past=True) == [for_child]


def test_staff_see_the_day_in_order(
    booked: Appointment, wants: Any, now: datetime, django_assert_num_queries: Any
) -> None:
    later_slot = Slot.objects.order_by("starts_at")[1]
    second = confirm(hold(later_slot, **wants()), now=now)
    beside = confirm(hold(booked.slot, **wants()), now=now)
    hold(later_slot, **wants())  # not agreed to yet
    cancelled = confirm(hold(later_slot, **{**wants(), "now": now + HOURS}), now=now + HOURS)
    cancel(cancelled, now=now + HOURS)

    doctor = booked.slot.doctor
    with django_assert_num_queries(1):
        listed = list(day_list(booked.day, doctor=doctor))
        assert [each.slot.doctor.name for each in listed] == ["林知远"] * 3

    assert listed == [booked, beside, second]
    assert list(day_list(booked.day, department=booked.slot.department)) == listed
    assert not day_list(now.date()).exists()


# --- what a patient takes home -------------------------------------------------------------------


def test_the_sheet_says_when_to_come_where_and_how(booked: Appointment) -> None:
    place = Place.objects.create(
        kind="outpatient", name="门诊楼", name_en="Outpatient Building", location="二层"
    )
    Schedule.objects.update(fasting=True, bring="病历", bring_en="records")
    Slot.objects.update(place=place)

    sheet = preparation(Appointment.objects.with_all().get(), lang="en")

    assert f"{sheet.comes_at:%d %H:%M} {sheet.starts_at:%H:%M}" == "19 08:45 09:00"
    assert (sheet.fee, sheet.fasting, sheet.bring) == (80, True, "records")
    assert (sheet.where("en"), sheet.where("zh-hans")) == (
        "Outpatient Building 二层", "门诊楼 二层",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "summary"),
    [("zh-hans", "SUMMARY:就诊：问安示范医院"), ("en", "SUMMARY:Visit at Wenan Demo Hospital")],
)
def test_the_calendar_file_says_when_and_where_and_nothing_of_why(
    booked: Appointment, now: datetime, lang: str, summary: str
) -> None:
    update_patient(booked.patient, name="王小明")
    Hospital.objects.update(address="示范市问安路1号,南门;" + "很长" * 30)

    text = ical(Appointment.objects.with_all().get(), lang=lang, now=now)

    lines = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = text.replace("\r\n ", "").split("\r\n")
    assert summary in unfolded
    assert "DTSTART:20261119T010000Z" in unfolded
    assert "DTEND:20261119T013000Z" in unfolded
    assert f"LOCATION:示范市问安路1号\\,南门\\;{'很长' * 30}" in unfolded
    assert (unfolded[0], unfolded[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    for personal in ("王小明", "咳嗽", "呼吸", "林知远"):
        assert personal not in text


def test_a_move_replaces_what_stands_in_the_calendar(booked: Appointment, now: datetime) -> None:
    new = Slot.objects.order_by("starts_at")[1]
    before = ical(booked, lang="en", now=now).split("\r\n")

    moved = change(booked, to=new, now=now + HOURS)
    after = ical(moved, lang="en", now=now + HOURS).split("\r\n")

    def of(lines: list[str], name: str) -> str:
        return next(line for line in lines if line.startswith(name))

    assert of(before, "UID") == of(after, "UID")
    assert (of(before, "SEQUENCE"), of(after, "SEQUENCE")) == ("SEQUENCE:0", "SEQUENCE:3600")
    cancelled = cancel(moved, now=now + 2 * HOURS)
    assert "STATUS:CANCELLED" in ical(cancelled, lang="en", now=now)
