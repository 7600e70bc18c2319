"""Any order of what patients, staff, the clock and crashes can do keeps every promise of booking.

Hypothesis plays; a small model in memory says what must be true. Each play is rolled back.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from appointments import booking, waitlist
from appointments.models import LIVE, Appointment, Slot, Status, WaitlistEntry, WaitStatus
from appointments.seats import AlreadyBooked, SlotClosed, SlotTaken, TooLate
from appointments.slots import close_slot, make_slots, open_slot
from patients.models import ContactPoint
from vault import datakeys

NOON = datetime.fromisoformat("2026-11-18T04:00:00+00:00")
THURSDAY = date(2026, 11, 19)
REFUSED = (
    AlreadyBooked, SlotTaken, SlotClosed, TooLate, booking.HoldLapsed, booking.NoLongerLive,
    booking.TooManyHolds, waitlist.DaysAreOver,
)  # fmt: skip

patients = st.integers(0, 2)
slots = st.integers(0, 2)
which = st.integers(0, 2)


class Crash(Exception):
    """The process dies before its transaction commits."""


class Clinic(RuleBasedStateMachine):
    people: list[ContactPoint]
    slots: list[Slot]

    def __init__(self) -> None:
        super().__init__()
        datakeys.forget()
        self.play = transaction.atomic()
        self.play.__enter__()
        self.now = NOON
        # Patient → appointment that we said is theirs. It must be so until we say otherwise.
        self.promised: dict[int, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.play.__exit__(None, None, None)

    # --- what can happen -------------------------------------------------------------------------

    @initialize()
    def the_only_seat_is_booked_and_somebody_waits(self) -> None:
        self.patient_books(0, 0)
        self.patient_waits(1)

    @rule(patient=patients, slot=slots)
    def patient_holds(self, patient: int, slot: int) -> None:
        held = self._try(booking.hold, self.slots[slot], **self._who(patient))
        if held is not None:
            assert held.status in LIVE
            assert held.held_until is None or held.held_until > self.now

    @rule(patient=patients, slot=slots)
    def patient_books(self, patient: int, slot: int) -> None:
        held = self._try(booking.hold, self.slots[slot], **self._who(patient))
        if held is not None and held.status == Status.PENDING:
            self.promised[booking.confirm(held, now=self.now).pk] = held.slot_id

    @rule(which=which)
    def patient_agrees(self, which: int) -> None:
        mine = self._one(which, Status.PENDING)
        if mine is None:
            return
        in_time = mine.held_until is not None and mine.held_until > self.now
        agreed = self._try(booking.confirm, mine, now=self.now)
        assert (agreed is not None) == (in_time and mine.slot.starts_at > self.now)
        if agreed is not None:
            self.promised[agreed.pk] = agreed.slot_id

    @rule(which=which)
    def patient_gives_back(self, which: int) -> None:
        if (mine := self._one(which, Status.PENDING)) is not None:
            booking.release(mine, now=self.now)

    @rule(which=which)
    def patient_cancels(self, which: int) -> None:
        mine = self._one(which, Status.BOOKED)
        if mine is not None and self._try(booking.cancel, mine, now=self.now) is not None:
            self.promised.pop(mine.pk)

    @rule(which=which, slot=slots)
    def patient_moves(self, which: int, slot: int) -> None:
        mine = self._one(which, Status.BOOKED)
        if mine is None:
            return
        moved = self._try(booking.change, mine, to=self.slots[slot], now=self.now)
        if moved is not None:
            self.promised.pop(mine.pk)
            self.promised[moved.pk] = self.slots[slot].pk

    @rule(which=which, slot=slots)
    def patient_moves_and_the_worker_dies(self, which: int, slot: int) -> None:
        mine = self._one(which, Status.BOOKED)
        if mine is None:
            return
        with pytest.raises(Crash), transaction.atomic():
            self._try(booking.change, mine, to=self.slots[slot], now=self.now)
            raise Crash

    @rule(patient=patients)
    def patient_waits(self, patient: int) -> None:
        self._try(
            waitlist.join_waitlist,
            self.slots[0].department,
            **self._who(patient),
            first_day=THURSDAY,
            last_day=THURSDAY,
        )

    @rule(patient=patients, waits_on=st.booleans())
    def patient_declines(self, patient: int, waits_on: bool) -> None:
        for entry in self._offers(patient):
            waitlist.decline_offer(entry, now=self.now, keep_waiting=waits_on)

    @rule(patient=patients)
    def patient_accepts(self, patient: int) -> None:
        for entry in self._offers(patient):
            booked = self._try(waitlist.accept_offer, entry, now=self.now)
            if booked is not None:
                self.promised[booked.pk] = booked.slot_id

    @rule(which=which)
    def patient_agrees_too_late(self, which: int) -> None:
        mine = self._one(which, Status.PENDING)
        if mine is not None and mine.held_until is not None:
            self.now = max(self.now, mine.held_until)
            with pytest.raises(booking.HoldLapsed), transaction.atomic():
                booking.confirm(mine, now=self.now)

    @rule(minutes=st.sampled_from([0, 6, 6, 31, 31, 400]))
    def the_sweep_comes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        booking.expire_holds(now=self.now)
        waitlist.offer_seats(now=self.now)
        assert not Appointment.objects.lapsed(self.now).exists()
        assert not Slot.objects.promised().exists()

    @rule()
    def the_slots_are_looked_after(self) -> None:
        make_slots(now=self.now)
        waitlist.ask_about_free(now=self.now)

    @rule(slot=slots)
    def the_hospital_closes_and_opens(self, slot: int) -> None:
        close_slot(self.slots[slot], why="停诊", now=self.now)
        self.promised = {
            appointment: where
            for appointment, where in self.promised.items()
            if where != self.slots[slot].pk
        }
        open_slot(self.slots[slot])

    # --- what must be true -----------------------------------------------------------------------

    @invariant()
    def every_seat_is_counted_and_nobody_has_another_ones(self) -> None:
        for slot in Slot.objects.all():
            seats = list(
                Appointment.objects.seated().filter(slot=slot).values_list("seat", flat=True)
            )
            assert len(set(seats)) == len(seats)
            assert all(1 <= seat <= slot.capacity for seat in seats)
            assert slot.taken == len(seats) + slot.kept_back

    @invariant()
    def what_was_promised_is_kept(self) -> None:
        booked = Appointment.objects.filter(status=Status.BOOKED).values_list("pk", "slot_id")
        assert dict(booked) == self.promised

    @invariant()
    def nobody_is_offered_what_is_not_held_for_them(self) -> None:
        for entry in WaitlistEntry.objects.filter(status=WaitStatus.OFFERED):
            assert entry.offers.filter(status=Status.PENDING).count() == 1

    # --- helpers ---------------------------------------------------------------------------------

    def _who(self, patient: int) -> dict[str, Any]:
        point = self.people[patient]
        return {"patient": point.patient, "booked_by": point.patient, "now": self.now}

    def _one(self, which: int, status: Status) -> Appointment | None:
        """Some appointment of this status, whoever's it is."""
        found = list(Appointment.objects.filter(status=status).order_by("pk"))
        return found[which % len(found)] if found else None

    def _offers(self, patient: int) -> list[WaitlistEntry]:
        offered = WaitlistEntry.objects.filter(status=WaitStatus.OFFERED)
        return list(offered.filter(patient=self.people[patient].patient))

    def _try(self, act: Any, *args: Any, **particulars: Any) -> Any:
        """Do it, or see it refused by name and leave no trace: the invariants say so."""
        try:
            with transaction.atomic():
                return act(*args, **particulars)
        except REFUSED:
            return None


@pytest.mark.django_db
def test_any_order_of_acts_keeps_every_promise(slots: Any, people: Any) -> None:
    Clinic.people = [people() for _ in range(3)]
    Clinic.slots = [*slots(capacity=1), *slots(doctor=None, capacity=2, minutes_per_slot=60)]

    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
