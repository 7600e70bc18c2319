"""Booking in a dialogue: what it holds, gives back, and never does twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from appointments.booking import confirm, expire_holds, hold
from appointments.models import Appointment, Slot, Status, WaitlistEntry
from assistant.models import Dialogue
from patients.models import Patient, Proxy
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
WANTS, WHO = "帮我挂呼吸内科明天上午", "王芳 13800001111"


def booked() -> list[Appointment]:
    return list(Appointment.objects.filter(status=Status.BOOKED))


def held() -> int:
    return Appointment.objects.filter(status=Status.PENDING).count()


def test_four_messages_book_a_visit(slots, visitor) -> None:
    first, _second = slots()
    patient = visitor()

    patient.says(WANTS)
    patient.taps(1)
    sheet = patient.says(WHO)
    answer = patient.says("确认")

    assert "王*" in sheet
    assert "王芳" not in sheet
    assert "预约成功" in answer
    assert [each.slot for each in booked()] == [first]
    assert booked()[0].patient.phone == "13800001111"


def test_a_message_that_comes_twice_books_once(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)

    patient.says("确认", client_id="same")
    patient.says("确认", client_id="same")
    patient.says("确认")

    assert len(booked()) == 1


@pytest.mark.parametrize(
    "word", ["要空腹吗", "预约之后能取消吗", "我想想", "is it far?", "我妈能一起去吗", "名字写错了"]
)
def test_a_question_at_the_sheet_books_nothing(slots, visitor, word) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)

    patient.says(word)

    assert booked() == []
    assert held() == 1


@pytest.mark.parametrize("word", ["等一下 名字错了 是王舫", "不是王芳，是王舫", "应该是王舫"])
def test_a_name_put_right_at_the_sheet_is_the_one_that_is_booked(slots, visitor, word) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)

    assert "请核对" in patient.says(word)
    patient.says("对的")

    assert [each.patient.name for each in booked()] == ["王舫"]


@pytest.mark.parametrize("word", ["算了", "转人工", "突然胸口剧痛,喘不上气", "不约了"])
def test_nothing_stays_held_when_it_ends_undone(slots, visitor, word) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)
    assert held() == 1

    patient.says(word)

    assert held() == 0
    assert set(Slot.objects.values_list("taken", flat=True)) == {0}


def test_a_name_goes_on_record_only_when_it_is_agreed_to(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)

    patient.says("不是我,是给我妈挂的,她叫李秀英")
    patient.says("对")

    assert Patient.objects.get(pk=patient.point.patient_id).name in (None, "")
    assert booked()[0].patient.name == "李秀英"
    assert Proxy.objects.get().relationship == Proxy.Relationship.CHILD


def test_the_seat_follows_the_person_for_whom_it_is(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)
    patient.says("不是我,是给我妈挂的,她叫李秀英")

    assert held() == 1
    assert Appointment.objects.get(status=Status.PENDING).patient.name == "李秀英"


def test_a_hold_that_lapsed_is_taken_again_by_a_yes(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)
    patient.says(WHO)
    patient.now += timedelta(minutes=10)
    expire_holds(now=patient.now)

    assert "预约成功" in patient.says("确认")


def test_who_was_too_late_is_offered_what_comes_closest(slots, visitor) -> None:
    first, second = slots()
    patient = visitor()
    patient.says(WANTS)
    Slot.objects.filter(pk=first.pk).update(taken=F("capacity"))

    answer = patient.taps(1)

    assert "刚刚被别人约走" in answer
    assert patient.labels()[1] == "有号时通知我"
    patient.taps(1)
    patient.says(WHO)
    patient.says("好")
    assert [each.slot for each in booked()] == [second]


def test_where_all_is_taken_one_waits(slots, visitor) -> None:
    slots()
    Slot.objects.update(taken=F("capacity"))
    patient = visitor()

    assert "约满" in patient.says(WANTS)
    patient.taps(1)
    answer = patient.says(WHO)

    assert "候补" in answer
    entry = WaitlistEntry.objects.get()
    assert entry.part == "morning"
    assert entry.first_day == entry.last_day


def test_too_many_holds_are_given_back_when_asked(slots, visitor, settings) -> None:
    settings.BOOKING = {**settings.BOOKING, "max_holds": 1}
    first, second = slots()
    patient = visitor()
    other = Patient.objects.create(data_key=patient.point.patient.data_key)
    who = {"patient": other, "booked_by": patient.point.patient, "now": patient.now}
    hold(second, **who)
    patient.says(WANTS)

    assert "留着几个号" in patient.taps(1)
    patient.taps(1)
    patient.says(WHO)
    patient.says("好")

    assert [each.slot for each in booked()] == [first]
    assert held() == 0


def test_the_same_day_twice_asks_for_another(slots, visitor) -> None:
    first, second = slots()
    patient = visitor()
    me = patient.point.patient
    confirm(hold(first, patient=me, booked_by=me, now=patient.now), now=patient.now)

    patient.says(WANTS)
    answer = patient.taps(1 if patient.labels()[0].find("09:30") >= 0 else 2)

    assert "已经约过" in answer
    assert len(booked()) == 1
    assert second.pk


def test_sixty_quick_messages_hold_nothing_and_end_with_a_nurse(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)

    for number in range(60):
        patient.says(("明天上午", "明天下午", "1")[number % 3])

    assert held() <= 1
    assert Dialogue.objects.open().count() <= 1
    assert len(booked()) == 0
    assert Ticket.objects.count() == 1


def test_a_department_without_times_brings_a_nurse(hospital, visitor) -> None:
    patient = visitor()

    assert "护士" in patient.says("帮我挂呼吸内科")
    assert Ticket.objects.get().reason == "out_of_scope"


def test_typed_letters_take_what_a_screen_would_tap(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)

    patient.says("B")
    patient.says(WHO)
    patient.says("A")

    assert len(booked()) == 1


def test_a_hundred_patients_talk_for_ten_seats(slots: Callable[..., list[Slot]], visitor) -> None:
    """Each is one message further when all others have had their turn."""
    wanted, _other = slots(capacity=10)
    Slot.objects.exclude(pk=wanted.pk).update(taken=F("capacity"))
    crowd = [visitor(f"patient-{number}") for number in range(100)]

    for number, patient in enumerate(crowd):
        patient.says(f"帮我挂呼吸内科明天上午,我叫王芳,电话138{number:08d}")
    answers = [patient.taps(1) for patient in crowd]
    for patient, answer in zip(crowd, answers, strict=True):
        if "请核对" in answer:
            patient.says("确认")

    wanted.refresh_from_db()
    assert len(booked()) == 10
    assert sorted(each.seat for each in booked()) == list(range(1, 11))
    assert (wanted.taken, held()) == (10, 0)
    seen = {each.patient_id for each in booked()}
    losers = [patient for patient in crowd if patient.point.patient_id not in seen]
    assert len(losers) == 90
    assert all(patient.labels()[0] == "有号时通知我" for patient in losers)


def test_a_number_from_abroad_is_no_mobile_of_ours_and_takes_no_name_with_it(
    slots, visitor
) -> None:
    slots()
    patient = visitor()
    patient.says(WANTS)
    patient.taps(1)

    assert "mobile phone" in patient.says("John Smith +1 415 555 2671")
    patient.says("13800138001")
    patient.says("yes")

    assert [(each.patient.name, each.patient.phone) for each in booked()] == [
        ("John Smith", "13800138001")
    ]


def test_who_writes_english_stays_in_it_with_a_chinese_name(slots, visitor) -> None:
    slots()
    patient = visitor()
    patient.says("I want to book respiratory medicine tomorrow morning")
    patient.says("1")

    assert "Please check" in patient.says("陈晓雨 13800138001")
