"""A hundred patients want ten seats in the same moment: ten are booked, ninety hear of others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from appointments.booking import cancel, change, confirm, expire_holds, hold
from appointments.models import Appointment, Slot, Status, WaitlistEntry
from appointments.seats import SlotTaken
from appointments.slots import next_best
from appointments.waitlist import accept_offer, join_waitlist, offer_seats
from patients.models import Channel, ContactPoint
from patients.services import meet

pytestmark = pytest.mark.django_db(transaction=True)
PATIENTS, SEATS = 100, 10
Truth = Callable[[Slot], tuple[int, int]]
AT_A_TIME = 20  # threads: more would wait for a connection, not for each other


@pytest.fixture
def crowd(web: Channel) -> list[ContactPoint]:
    return [meet(web, address=f"patient-{number}") for number in range(PATIENTS)]


def rush(crowd: list[ContactPoint], act: Callable[[ContactPoint], object]) -> list[object]:
    """Let all act as nearly at once as threads can, each over a connection of its own."""
    ready = Barrier(AT_A_TIME)

    def one(contact_point: ContactPoint) -> object:
        try:
            ready.wait(timeout=60)
            return act(contact_point)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return list(threads.map(one, crowd))


def test_ten_are_booked_and_ninety_are_offered_something_else(
    slots: Callable[..., list[Slot]], crowd: list[ContactPoint], now: datetime, truth: Truth
) -> None:
    wanted, other = slots(capacity=SEATS)

    def book(contact_point: ContactPoint) -> str:
        patient = contact_point.patient
        try:
            held = hold(
                wanted, patient=patient, booked_by=patient, contact_point=contact_point, now=now
            )
        except SlotTaken:
            if next_best(wanted, now=now) == [other]:
                return "offered the next best"
            return "nothing left"
        if patient.pk % 2:
            confirm(held, now=now)
        return "has a seat"

    outcomes = rush(crowd, book)

    assert {each: outcomes.count(each) for each in set(outcomes)} == {
        "has a seat": SEATS, "offered the next best": PATIENTS - SEATS,
    }  # fmt: skip
    seats = Appointment.objects.live().filter(slot=wanted).values_list("seat", flat=True)
    assert sorted(seats) == list(range(1, SEATS + 1))
    assert truth(wanted) == (SEATS, SEATS)

    expire_holds(now=now + timedelta(minutes=6))

    booked = Appointment.objects.filter(status=Status.BOOKED).count()
    assert truth(wanted) == (booked, booked)


def test_the_ninety_wait_and_get_each_seat_that_becomes_free_once(
    slots: Callable[..., list[Slot]], crowd: list[ContactPoint], now: datetime, truth: Truth
) -> None:
    (wanted,) = slots(capacity=SEATS, minutes_per_slot=60)

    def book_or_wait(contact_point: ContactPoint) -> object:
        patient = contact_point.patient
        who = {"patient": patient, "booked_by": patient, "contact_point": contact_point}
        try:
            return confirm(hold(wanted, **who, now=now), now=now)
        except SlotTaken:
            days = {"first_day": wanted.day, "last_day": wanted.day}
            return join_waitlist(wanted.department, **who, **days, now=now)

    outcomes = rush(crowd, book_or_wait)
    booked = [each for each in outcomes if isinstance(each, Appointment)]
    waiting = [each for each in outcomes if isinstance(each, WaitlistEntry)]
    assert (len(booked), len(waiting)) == (SEATS, PATIENTS - SEATS)

    # All ten cancel while others look for a seat, and two workers offer what gets free.
    def give_up_or_try_again(contact_point: ContactPoint) -> object:
        mine = Appointment.objects.filter(patient=contact_point.patient, status=Status.BOOKED)
        if (appointment := mine.first()) is not None:
            return cancel(appointment, now=now)
        if contact_point.pk % 10 == 0:
            return offer_seats(now=now)
        with pytest.raises(SlotTaken):  # a seat that somebody waits for is not in the open
            hold(wanted, patient=contact_point.patient, booked_by=contact_point.patient, now=now)
        return None

    rush(crowd, give_up_or_try_again)
    offer_seats(now=now)

    first = WaitlistEntry.objects.order_by("joined_at", "id")[:SEATS]
    assert {entry.status for entry in first} == {"offered"}
    assert WaitlistEntry.objects.waiting().count() == PATIENTS - 2 * SEATS
    for entry in first:
        accept_offer(entry, now=now)
    assert Appointment.objects.filter(status=Status.BOOKED).count() == SEATS
    assert truth(wanted) == (SEATS, SEATS)


def test_two_crowds_that_change_places_lose_nobody(
    slots: Callable[..., list[Slot]], crowd: list[ContactPoint], now: datetime, truth: Truth
) -> None:
    crowd = crowd[:40]
    one, other = slots(capacity=24)
    booked = {}
    for number, contact_point in enumerate(crowd):
        slot, patient = (one, other)[number % 2], contact_point.patient
        booked[contact_point.pk] = confirm(
            hold(slot, patient=patient, booked_by=patient, now=now), now=now
        )

    def swap(contact_point: ContactPoint) -> bool:
        mine = booked[contact_point.pk]
        try:
            change(mine, to=other if mine.slot_id == one.pk else one, now=now)
        except SlotTaken:
            return False
        return True

    swapped = rush(crowd, swap)

    assert any(swapped)
    live = Appointment.objects.live()
    assert live.values("patient").distinct().count() == live.count() == len(crowd)
    assert sum(truth(one)) + sum(truth(other)) == 2 * len(crowd)
    assert live.exclude(moved_from=None).count() == swapped.count(True)
