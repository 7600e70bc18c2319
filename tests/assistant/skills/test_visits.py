"""What is booked already: shown to who booked it, moved, cancelled, and never by mistake."""

from datetime import timedelta

import pytest
from django.db.models import F

from appointments.booking import confirm, hold
from appointments.models import Appointment, Slot, Status
from patients.services import update_patient
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(slots, visitor):
    """Somebody with a visit tomorrow at nine."""
    first, _second = slots()
    patient = visitor()
    me = patient.point.patient
    update_patient(me, name="王芳", phone="13800001111")
    who = {"patient": me, "booked_by": me, "contact_point": patient.point}
    confirm(hold(first, **who, now=patient.now), now=patient.now)
    return patient


def status() -> str:
    return Appointment.objects.earliest("pk").status


@pytest.mark.parametrize("words", ["我约的是几点", "我的预约", "我挂的号是哪天"])
def test_a_visit_is_shown_to_who_booked_it(patient, words) -> None:
    answer = patient.says(words)

    assert "09:00" in answer
    assert "王芳" not in answer


def test_nobody_else_sees_it(patient, visitor) -> None:
    assert "没有查到" in visitor("stranger").says("我的预约")


@pytest.mark.parametrize("word", ["取消", "确定取消", "是的", "取消吧谢谢"])
def test_cancelling_is_asked_once_and_done(patient, word) -> None:
    assert "确定要取消" in patient.says("我的号不要了，取消预约")
    assert status() == Status.BOOKED

    assert "已取消" in patient.says(word)
    assert status() == Status.CANCELLED


@pytest.mark.parametrize("word", ["不取消", "算了不取消了", "还是留着吧", "不"])
def test_who_thinks_better_of_it_keeps_it(patient, word) -> None:
    patient.says("取消预约")

    patient.says(word)

    assert status() == Status.BOOKED


def test_the_same_cancellation_twice_is_once(patient) -> None:
    patient.says("取消预约")
    patient.says("是的", client_id="same")
    patient.says("是的", client_id="same")

    assert Appointment.objects.filter(status=Status.CANCELLED).count() == 1


def test_too_late_to_cancel_brings_a_nurse(patient, settings) -> None:
    settings.BOOKING = {**settings.BOOKING, "cancel_lead_s": 24 * 3600}
    patient.says("取消预约")

    assert "护士" in patient.says("是的")
    assert status() == Status.BOOKED
    assert Ticket.objects.exists()


def test_a_visit_that_has_begun_is_still_theirs(patient) -> None:
    patient.now += timedelta(hours=21, minutes=5)  # 9:05 tomorrow
    patient.says("取消预约")

    assert "护士" in patient.says("是的")


def test_moving_keeps_the_old_one_until_the_new_one_is_won(patient) -> None:
    patient.says("我的预约改到明天九点半")
    Slot.objects.exclude(taken=1).update(taken=F("capacity"))

    patient.taps(1)

    assert status() == Status.BOOKED


def test_a_visit_moves_by_one_tap(patient) -> None:
    patient.says("我的预约改到明天九点半")

    assert "已改好" in patient.taps(1)
    moved = Appointment.objects.get(status=Status.BOOKED)
    assert moved.moved_from is not None
    assert Appointment.objects.live().count() == 1


def test_stop_amid_another_booking_cancels_no_visit(patient) -> None:
    patient.says("帮我挂呼吸内科", means="book_appointment")

    patient.says("取消")

    assert status() == Status.BOOKED


def test_a_visit_is_looked_up_amid_another_booking(patient) -> None:
    patient.says("帮我挂呼吸内科", means="book_appointment")

    assert "09:00" in patient.says("我约了哪些")
    assert "接着说" in patient.says("不用改")
