"""The waitlist: in order, one after another, with time to answer, and not at night."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from appointments.booking import HoldLapsed, cancel, confirm, expire_holds, hold
from appointments.models import Appointment, Slot, WaitlistEntry
from appointments.seats import SlotTaken
from appointments.slots import close_slot
from appointments.waitlist import (
    DaysAreOver,
    accept_offer,
    ask_about_free,
    decline_offer,
    join_waitlist,
    leave_waitlist,
    note_told,
    offer_seats,
)
from patients.services import merge_patients

pytestmark = pytest.mark.django_db
MINUTES = timedelta(minutes=1)
THURSDAY = date(2026, 11, 19)


@pytest.fixture
def full(slots: Callable[..., list[Slot]], wants: Any, now: datetime) -> Appointment:
    """The only seat of the day is booked."""
    slot = slots(capacity=1, minutes_per_slot=60)[0]
    return confirm(hold(slot, **wants()), now=now)


@pytest.fixture
def waits(full: Appointment, wants: Any, now: datetime) -> Callable[..., WaitlistEntry]:
    def join(**fields: Any) -> WaitlistEntry:
        days = {"first_day": THURSDAY, "last_day": THURSDAY}
        return join_waitlist(full.slot.department, **{**wants(), **days, **fields})

    return join


def status(*entries: WaitlistEntry) -> list[str]:
    return [WaitlistEntry.objects.get(pk=entry.pk).status for entry in entries]


def test_the_first_is_offered_the_seat_and_then_the_next(
    full: Appointment, waits: Any, now: datetime, rings: list[Any], truth: Any
) -> None:
    first, second, third = waits(), waits(), waits()
    cancel(full, now=now)
    rings.clear()

    assert (offer_seats(now=now), offer_seats(now=now)) == (1, 0)
    assert status(first, second, third) == ["offered", "waiting", "waiting"]
    assert rings == [("slot.offered", {"entry_id": first.pk})]

    expire_holds(now=now + 30 * MINUTES)
    offer_seats(now=now + 30 * MINUTES)
    assert status(first, second, third) == ["lapsed", "offered", "waiting"]

    decline_offer(second, now=now + 31 * MINUTES)
    offer_seats(now=now + 31 * MINUTES)
    assert status(first, second, third) == ["lapsed", "declined", "offered"]

    booked = accept_offer(third, now=now + 40 * MINUTES, reason="咳嗽")
    assert accept_offer(third, now=now + 41 * MINUTES) == booked
    assert status(third) == ["accepted"]
    assert (booked.status, booked.patient, booked.reason) == ("booked", third.patient, "咳嗽")
    assert truth(full.slot) == (1, 1)


def test_a_seat_that_somebody_waits_for_is_not_in_the_open(
    full: Appointment, waits: Any, wants: Any, now: datetime
) -> None:
    waits()
    cancel(full, now=now)

    with pytest.raises(SlotTaken):
        hold(full.slot, **wants())


def test_a_seat_that_nobody_can_use_is_for_everybody(
    full: Appointment, waits: Any, wants: Any, people: Any, now: datetime, truth: Any
) -> None:
    busy, others = people(), waits(part="afternoon")
    entry = waits(patient=busy.patient)
    cancel(full, now=now)
    Slot.objects.filter(pk=full.slot_id).update(kept_back=0, taken=0)
    confirm(hold(full.slot, **wants(busy)), now=now)  # booked otherwise: waits no more

    assert status(entry, others) == ["ended", "waiting"]
    cancel(Appointment.objects.live().get(), now=now)
    assert truth(full.slot) == (0, 0)


def test_who_has_no_time_keeps_their_place_and_the_next_is_asked(
    slots: Any, full: Appointment, waits: Any, wants: Any, people: Any, now: datetime
) -> None:
    point = people()
    general = slots(doctor=None, minutes_per_slot=60)[0]
    hold(general, **wants(point))  # at the same time
    busy, second = waits(patient=point.patient), waits()
    cancel(full, now=now)

    offer_seats(now=now)

    assert status(busy, second) == ["waiting", "offered"]


def test_who_declines_and_waits_on_is_not_asked_about_the_same_slot(
    full: Appointment, waits: Any, wants: Any, now: datetime, truth: Any
) -> None:
    entry = waits()
    cancel(full, now=now)
    offer_seats(now=now)

    decline_offer(entry, now=now, keep_waiting=True)
    offer_seats(now=now)
    ask_about_free(now=now)

    assert status(entry) == ["waiting"]
    assert truth(full.slot) == (0, 0)


def test_an_offer_made_at_night_stands_until_the_morning(
    slots: Any, full: Appointment, waits: Any, wants: Any, now: datetime
) -> None:
    Slot.objects.update(
        starts_at=full.slot.starts_at + timedelta(hours=5),
        ends_at=full.slot.ends_at + timedelta(hours=5),
    )  # 14:00
    entry = waits()
    two_at_night = datetime.fromisoformat("2026-11-19T02:00:00+08:00")
    cancel(full, now=two_at_night)

    offer_seats(now=two_at_night)
    expire_holds(now=two_at_night + timedelta(hours=6))

    offer = entry.offers.get()
    assert offer.held_until == datetime.fromisoformat("2026-11-19T09:00:00+08:00")
    assert status(entry) == ["offered"]


def test_a_seat_too_near_to_be_offered_is_for_whoever_comes(
    full: Appointment, waits: Any, wants: Any
) -> None:
    entry = waits()
    two_at_night = datetime.fromisoformat("2026-11-19T02:00:00+08:00")  # seen at 9, awake at 9
    cancel(full, now=two_at_night)

    assert hold(full.slot, **wants(now=two_at_night)).status == "pending"
    assert status(entry) == ["waiting"]


def test_a_seat_kept_back_is_freed_when_the_visit_comes_near(
    full: Appointment, waits: Any, now: datetime, truth: Any
) -> None:
    waits()
    cancel(full, now=now)
    assert truth(full.slot) == (1, 1)

    offer_seats(now=full.slot.starts_at - 10 * MINUTES)  # no worker was there before

    assert truth(full.slot) == (0, 0)


def test_what_was_offered_in_a_slot_that_is_closed_is_waited_for_again(
    full: Appointment, waits: Any, now: datetime
) -> None:
    entry = waits()
    cancel(full, now=now)
    offer_seats(now=now)

    close_slot(full.slot, why="医生停诊", now=now)

    assert status(entry) == ["waiting"]
    with pytest.raises(HoldLapsed):
        accept_offer(entry, now=now)


def test_new_slots_are_offered_to_who_waits_for_such(
    slots: Any, full: Appointment, waits: Any, now: datetime
) -> None:
    others, entry = waits(part="evening"), waits()
    slots(doctor=None, minutes_per_slot=60)

    assert (ask_about_free(now=now), ask_about_free(now=now)) == (1, 0)

    assert status(others, entry) == ["waiting", "offered"]


def test_waiting_ends_with_its_days(waits: Any, now: datetime) -> None:
    entry = waits()

    ask_about_free(now=now + timedelta(days=2))

    assert status(entry) == ["ended"]
    with pytest.raises(DaysAreOver):
        waits(now=now + timedelta(days=2))


def test_who_joins_twice_waits_once_and_who_leaves_gives_back(
    full: Appointment, waits: Any, people: Any, now: datetime, truth: Any
) -> None:
    point = people()
    entry = waits(patient=point.patient)
    assert waits(patient=point.patient, now=now + MINUTES) == entry
    cancel(full, now=now)
    offer_seats(now=now)

    leave_waitlist(entry, now=now)
    leave_waitlist(entry, now=now)

    assert status(entry) == ["declined"]
    assert truth(full.slot) == (0, 0)


def test_a_merge_takes_the_waiting_along(
    full: Appointment, waits: Any, people: Any, now: datetime
) -> None:
    one, other = people(), people()
    waits(patient=one.patient)
    entry = waits(patient=other.patient)
    merge_patients(other.patient, into=one.patient)
    cancel(full, now=now)

    offer_seats(now=now)
    offer = Appointment.objects.live().get()

    assert (offer.patient, WaitlistEntry.objects.get(pk=entry.pk).patient) == (
        one.patient, one.patient,
    )  # fmt: skip


def test_a_patient_is_owed_word_of_an_offer_until_told(
    full: Appointment, waits: Any, now: datetime
) -> None:
    entry = waits()
    cancel(full, now=now)
    offer_seats(now=now)
    assert WaitlistEntry.objects.untold().get() == entry

    note_told(entry.pk, now=now)

    assert not WaitlistEntry.objects.untold().exists()
