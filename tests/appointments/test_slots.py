"""Slots follow schedules, closures and holidays, and nobody is left standing at a shut door."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from appointments.booking import confirm, hold
from appointments.models import Appointment, Closure, Schedule, Slot
from appointments.slots import Made, close_slot, find_slots, make_slots, next_best, open_slot
from hospital.models import Department, Doctor, Holiday, Hospital

pytestmark = pytest.mark.django_db
THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
NOTHING = Made(made=0, changed=0, closed=0, removed=0)
Slots = Callable[..., list[Slot]]


def hours(slots: Any) -> list[str]:
    zone = Hospital.objects.this_one().zone
    return [f"{slot.starts_at.astimezone(zone):%d %H:%M}" for slot in slots.order_by("starts_at")]


def test_a_schedule_gives_slots_for_two_weeks_once(schedule: Any, now: datetime) -> None:
    schedule(valid_until=None, ends=time(9, 50))

    assert make_slots(now=now) == Made(made=2)
    assert make_slots(now=now) == NOTHING

    assert hours(Slot.objects) == ["19 09:00", "26 09:00"]  # 20 minutes are no slot


def test_each_day_brings_the_next(schedule: Any, now: datetime) -> None:
    schedule(valid_until=None, ends=time(9, 30))
    make_slots(now=now)

    assert make_slots(now=now + timedelta(days=2)) == Made(made=1)
    assert hours(Slot.objects)[-1] == "03 09:00"


def test_a_night_clinic_reaches_over_midnight(schedule: Any, now: datetime) -> None:
    schedule(starts=time(23), ends=time(1))
    make_slots(now=now)
    after_midnight = datetime.fromisoformat("2026-11-19T16:10:00+00:00")  # 00:10 on Friday

    assert hours(Slot.objects) == ["19 23:00", "19 23:30", "20 00:00", "20 00:30"]
    assert [slot.day for slot in Slot.objects.all()] == [THURSDAY, THURSDAY, FRIDAY, FRIDAY]
    assert [slot.part for slot in Slot.objects.all()] == ["evening"] * 2 + ["morning"] * 2
    assert make_slots(now=after_midnight) == NOTHING
    assert find_slots(now=after_midnight, first_day=FRIDAY)[0].starts_at > after_midnight


def test_a_changed_schedule_changes_free_slots_alone(
    slots: Slots, wants: Any, now: datetime
) -> None:
    first, second = slots()
    hold(first, **wants())

    Schedule.objects.update(fee=100, capacity=5)
    assert make_slots(now=now) == Made(changed=1)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.fee, first.capacity, second.fee, second.capacity) == (80, 2, 100, 5)


def test_a_new_length_leaves_the_booked_and_fills_the_rest(
    slots: Slots, wants: Any, now: datetime
) -> None:
    hold(slots()[0], **wants())

    Schedule.objects.update(minutes_per_slot=20)
    make_slots(now=now)

    # 09:00 to 09:30 is promised, so 09:20 is not given to anybody.
    assert hours(Slot.objects) == ["19 09:00", "19 09:40"]
    assert make_slots(now=now) == NOTHING


def test_a_schedule_that_ends_keeps_its_promises(slots: Slots, wants: Any, now: datetime) -> None:
    booked = confirm(hold(slots()[0], **wants()), now=now)

    Schedule.objects.update(is_active=False)
    make_slots(now=now)

    assert Slot.objects.get() == booked.slot
    booked.refresh_from_db()
    assert booked.status == "booked"


@pytest.mark.parametrize("whose", ["doctor", "department", "hospital"])
def test_a_closure_cancels_with_its_reason_and_offers_the_next_best(
    slots: Slots, wants: Any, people: Any, now: datetime, rings: list[Any],
    department: Department, doctor: Doctor, whose: str,
) -> None:  # fmt: skip
    first, second = slots()
    tomorrow = slots(
        starts=time(14), ends=time(14, 30), weekday=4, valid_until=FRIDAY, doctor=doctor
    )[0]
    chinese, english = people(), people()
    type(english.patient).objects.filter(pk=english.patient.pk).update(language="en")
    one = confirm(hold(first, **wants(chinese)), now=now)
    other = confirm(hold(first, **wants(english)), now=now)
    held = hold(second, **wants())
    rings.clear()

    Closure.objects.create(
        **{"doctor": {"doctor": doctor}, "department": {"department": department}}.get(whose, {}),
        first_day=THURSDAY, last_day=THURSDAY, reason="外出会诊", reason_en="away",
    )  # fmt: skip
    assert make_slots(now=now) == Made(closed=2)
    assert make_slots(now=now) == NOTHING

    notes = {each.pk: each.note for each in Appointment.objects.all()}
    assert notes == {one.pk: "外出会诊", other.pk: "away", held.pk: "外出会诊"}
    assert set(Appointment.objects.values_list("status", "cancelled_why")) == {
        ("cancelled", "hospital")
    }
    assert [ids["appointment_id"] for _, ids in rings] == [one.pk, other.pk]
    assert find_slots(now=now, last_day=THURSDAY) == []
    assert next_best(first, now=now) == [tomorrow]


def test_half_a_day_can_be_closed_before_any_slot_is_made(schedule: Any, now: datetime) -> None:
    schedule(starts=time(11), ends=time(13))
    Closure.objects.create(first_day=THURSDAY, last_day=FRIDAY, part="morning", reason="停电")

    make_slots(now=now)

    assert hours(Slot.objects) == ["19 12:00", "19 12:30"]


def test_a_closure_that_is_taken_back_opens_the_slots(slots: Slots, now: datetime) -> None:
    slots()
    Closure.objects.create(first_day=THURSDAY, last_day=THURSDAY, reason="停电")
    make_slots(now=now)

    Closure.objects.all().delete()
    assert make_slots(now=now) == Made(changed=2)

    assert len(find_slots(now=now)) == 2


def test_a_holiday_closes_what_was_made_before_it_was_entered(
    slots: Slots, wants: Any, now: datetime
) -> None:
    booked = confirm(hold(slots()[0], **wants()), now=now)

    Holiday.objects.create(date=THURSDAY, name="节")
    assert make_slots(now=now) == Made(closed=2)

    booked.refresh_from_db()
    assert (booked.status, booked.cancelled_why) == ("cancelled", "hospital")


def test_special_hours_leave_what_fits_in(schedule: Any, now: datetime) -> None:
    schedule(ends=time(12))
    Holiday.objects.create(
        date=THURSDAY, name="节", kind="special_hours", opens_at=time(9, 45), closes_at=time(11, 15)
    )

    make_slots(now=now)

    assert hours(Slot.objects) == ["19 10:00", "19 10:30"]


def test_a_worked_saturday_is_like_the_day_it_stands_for(schedule: Any, now: datetime) -> None:
    schedule(valid_until=date(2026, 11, 21), ends=time(9, 30))
    Holiday.objects.create(date=date(2026, 11, 21), name="调休", kind="working_day", like_weekday=3)

    make_slots(now=now)

    assert hours(Slot.objects) == ["19 09:00", "21 09:00"]


def test_who_never_closes_is_there_on_a_holiday(schedule: Any, now: datetime) -> None:
    schedule(ends=time(9, 30), on_holidays=True)
    Holiday.objects.create(date=THURSDAY, name="节")

    make_slots(now=now)

    assert hours(Slot.objects) == ["19 09:00"]


def test_what_staff_close_stays_closed_until_they_open_it(slots: Slots, now: datetime) -> None:
    first, second = slots()
    close_slot(first, why="会议", now=now)

    assert make_slots(now=now) == NOTHING
    assert find_slots(now=now) == [second]

    open_slot(first)
    assert find_slots(now=now) == [first, second]


def test_slots_are_found_by_what_a_patient_asks_for(
    slots: Slots, doctor: Doctor, department: Department, now: datetime
) -> None:
    morning = slots(ends=time(9, 30))[0]
    general = slots(doctor=None, starts=time(14), ends=time(14, 30), visit_type="general")[0]

    assert find_slots(now=now, department=department) == [morning, general]
    assert find_slots(now=now, doctor=doctor) == [morning]
    assert find_slots(now=now, part="afternoon") == [general]
    assert find_slots(now=now, visit_type="specialist") == [morning]
    assert find_slots(now=now, first_day=FRIDAY) == []
    assert find_slots(now=now, limit=1) == [morning]
    assert find_slots(now=morning.starts_at) == [general]


def test_the_next_best_is_the_nearest_to_what_was_wanted(
    slots: Slots, department: Department, now: datetime
) -> None:
    colleague = Doctor.objects.create(name="苏晚晴", department=department)
    wanted, same_doctor = slots()
    half_day = slots(doctor=colleague, ends=time(9, 30))[0]
    general = slots(doctor=None, ends=time(9, 30), visit_type="general")[0]
    next_day = slots(weekday=4, valid_until=FRIDAY, ends=time(9, 30))[0]
    afternoon = slots(doctor=colleague, starts=time(14), ends=time(14, 30))[0]
    slots(department=Department.objects.get(name="儿科"), doctor=None)

    best = next_best(wanted, now=now, limit=9)

    assert best == [same_doctor, half_day, general, next_day, afternoon]


def test_a_doctor_is_of_the_department(schedule: Any, doctor: Doctor) -> None:
    wrong = Schedule(
        department=Department.objects.get(name="儿科"), doctor=doctor, weekday=0,
        starts=time(9), ends=time(10),
    )  # fmt: skip

    with pytest.raises(ValidationError, match="doctor"):
        wrong.full_clean()
