"""Booking in the admin: what staff see and do, each look written down."""

from types import SimpleNamespace
from typing import Any

import pytest

from appointments.models import Appointment, Closure, Slot
from hospital.models import Hospital
from staff.models import Role
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LIST = "/admin/appointments"


def looks() -> list[tuple[str, str]]:
    return list(AccessEntry.objects.values_list("action", "reason"))


def test_the_list_is_searched_by_number_and_says_who_to_nobody(
    sign_in: Any, house: SimpleNamespace
) -> None:
    client, number = sign_in(Role.HEAD_NURSE), house.appointment.number

    for sought in (number.lower(), house.patient.pk):
        page = client.get(f"{LIST}/appointment/", {"q": sought}).content.decode()
        assert number in page
    assert number not in client.get(f"{LIST}/appointment/", {"q": "22222222"}).content.decode()
    assert "王" not in page
    assert looks() == []


def test_the_page_shows_why_they_come_and_the_look_is_logged(
    sign_in: Any, house: SimpleNamespace
) -> None:
    client = sign_in(Role.HEAD_NURSE)

    page = client.get(f"{LIST}/appointment/{house.appointment.pk}/change/").content.decode()

    assert "胸口痛" in page
    assert "王**" in page
    assert "王小明" not in page
    assert looks() == [("read", "admin: appointment")]
    assert AccessEntry.objects.get().subject_id == house.patient.pk


@pytest.mark.parametrize("act", ["check-in", "seen", "cancel"])
def test_a_nurse_without_the_right_does_nothing(
    sign_in: Any, house: SimpleNamespace, act: str
) -> None:
    client = sign_in(Role.NURSE, is_staff=True)

    answer = client.post(f"{LIST}/appointment/{house.appointment.pk}/{act}/", {"why": "停诊"})

    assert answer.status_code == 403
    house.appointment.refresh_from_db()
    assert house.appointment.status == "booked"


def test_the_head_nurse_cancels_with_a_reason_once_she_was_asked(
    sign_in: Any, house: SimpleNamespace
) -> None:
    client = sign_in(Role.HEAD_NURSE)
    where = f"{LIST}/appointment/{house.appointment.pk}/cancel/"

    assert "Cancel for the hospital" in client.get(where).content.decode()
    client.post(where, {"why": ""})
    assert Appointment.objects.get().status == "booked"
    client.post(where, {"why": "医生急诊手术"})

    cancelled = Appointment.objects.get()
    assert (cancelled.status, cancelled.cancelled_why, cancelled.note) == (
        "cancelled", "hospital", "医生急诊手术",
    )  # fmt: skip
    assert looks() == [("change", "admin: cancel")]
    assert client.post(where, {"why": "again"}).status_code == 403  # nothing left to cancel


def test_who_comes_on_another_day_is_not_checked_in(sign_in: Any, house: SimpleNamespace) -> None:
    client = sign_in(Role.HEAD_NURSE)
    where = f"{LIST}/appointment/{house.appointment.pk}/check-in/"

    answer = client.post(where, follow=True)

    assert "This visit is on another day." in answer.content.decode()
    Appointment.objects.update(day=house.now.astimezone(Hospital.objects.this_one().zone).date())
    client.post(where)
    client.post(f"{LIST}/appointment/{house.appointment.pk}/seen/")
    assert Appointment.objects.get().status == "fulfilled"


def test_a_slot_is_closed_with_a_reason_and_opened_again(
    sign_in: Any, house: SimpleNamespace
) -> None:
    client, where = sign_in(Role.HEAD_NURSE), f"{LIST}/slot/{house.slot.pk}"

    asked = client.get(f"{where}/close/").content.decode()
    client.post(f"{where}/close/", {"why": "会议"})

    assert "Appointments that will be cancelled: 1." in asked
    assert Appointment.objects.get().note == "会议"
    assert Slot.objects.get(pk=house.slot.pk).closed_why == "会议"
    assert client.get(f"{LIST}/slot/", {"seats": "closed"}).content.decode().count("会议") == 0
    client.post(f"{where}/open/")
    assert Slot.objects.get(pk=house.slot.pk).closed_at is None


def test_a_closure_works_when_it_is_saved(sign_in: Any, house: SimpleNamespace) -> None:
    client, day = sign_in(Role.HEAD_NURSE), house.slot.day

    answer = client.post(
        f"{LIST}/closure/add/",
        {"first_day": day, "last_day": day, "reason": "消防演练"},
        follow=True,
    )

    assert "48 closed" in answer.content.decode()
    assert Appointment.objects.get().status == "cancelled"
    client.post(f"{LIST}/closure/{Closure.objects.first().pk}/delete/", {"post": "yes"})
    assert not Slot.objects.filter(day=day).exclude(closed_at=None).exists()


def test_somebody_is_taken_off_the_waitlist(sign_in: Any, house: SimpleNamespace) -> None:
    client = sign_in()

    client.post(f"{LIST}/waitlistentry/{house.waiting.pk}/leave/")

    house.waiting.refresh_from_db()
    assert house.waiting.status == "ended"
