"""Booking: a seat is held, agreed to, given back, cancelled or changed for another.

Every act may be repeated: the second time it finds what the first one did. An act that is refused
leaves everything as it was.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from appointments.models import (
    Appointment,
    CancelledWhy,
    Slot,
    Status,
    WaitlistEntry,
    WaitStatus,
)
from appointments.policy import Rules
from appointments.seats import (
    TooLate,
    end,
    ensure_bookable,
    ensure_free,
    give_back,
    lock_appointment,
    lock_people,
    lock_slots,
    save_changed,
    settle_offer,
    take_seat,
)
from events.logs import kind_and_place
from patients.models import ContactPoint, Patient

logger = logging.getLogger(__name__)

AT_ONCE = 500  # rows of one sweep; the next one takes the rest


class HoldLapsed(Exception):
    """The seat is not kept for them any more: it took too long, or was given back."""


class TooManyHolds(Exception):
    """They hold other seats already; agree to those, or give them back."""


class NoLongerLive(Exception):
    """This appointment has ended, or has not begun: nothing can be done with it."""


class RequestReused(Exception):
    """Another seat, or another patient, came under an id that stands for something else."""


def hold(
    slot: Slot,
    *,
    patient: Patient,
    booked_by: Patient,
    now: datetime,
    contact_point: ContactPoint | None = None,
    request_id: str | None = None,
    reason: str | None = None,
) -> Appointment:
    """Keep a seat for a patient until `held_until`; a repeat gets the same one.

    Raises SlotTaken, SlotClosed, TooLate, AlreadyBooked, TimesOverlap, TooManyHolds, RecordClosed,
    RequestReused.
    """
    # A hold whose time is over is in nobody's way, swept or not.
    _expire(Q(slot=slot) | Q(patient=patient), now=now)
    rules = Rules.from_settings()
    with transaction.atomic():
        patient, booked_by = lock_people(patient, booked_by)
        (slot,) = lock_slots(slot.pk)
        if known := _known(slot, patient=patient, booked_by=booked_by, request_id=request_id):
            return known
        held = Appointment.objects.filter(booked_by=booked_by, status=Status.PENDING)
        chosen = held.filter(waitlist_entry=None, held_until__gt=now)
        if chosen.count() >= rules.max_holds:
            raise TooManyHolds
        ensure_free(patient, slot)
        fresh = Appointment(
            booked_by=booked_by,
            contact_point=contact_point,
            request_id=request_id,
            reason=reason or None,
            status=Status.PENDING,
            held_until=now + rules.hold,
            followed_at=now,  # nothing to react to before they agree
        )
        return take_seat(slot, fresh, patient=patient, now=now)


def _known(
    slot: Slot, *, patient: Patient, booked_by: Patient, request_id: str | None
) -> Appointment | None:
    """What an earlier telling of the same wish got. Raises RequestReused, HoldLapsed."""
    if request_id is not None:
        known = Appointment.objects.filter(request_id=request_id).first()
        if known is not None:
            if (known.slot_id, known.patient_id) != (slot.pk, patient.pk):
                raise RequestReused
            if known.status in (Status.EXPIRED, Status.CANCELLED):
                raise HoldLapsed
            return known
    mine = Appointment.objects.filter(slot=slot, patient=patient, booked_by=booked_by)
    return mine.filter(status=Status.PENDING).first()


@transaction.atomic
def confirm(appointment: Appointment, *, now: datetime, reason: str | None = None) -> Appointment:
    """Turn a hold into a booking. Raises HoldLapsed, TooLate."""
    appointment = lock_appointment(appointment.pk)
    if appointment.status == Status.BOOKED:
        return appointment
    until = appointment.held_until
    if appointment.status != Status.PENDING or until is None or until <= now:
        raise HoldLapsed
    if appointment.slot.starts_at <= now:
        raise TooLate
    appointment.status, appointment.held_until = Status.BOOKED, None
    appointment.booked_at = now
    if reason:
        appointment.reason = reason
    save_changed(appointment, now=now)
    settle_offer(appointment, WaitStatus.ACCEPTED, now=now)
    _stop_waiting(appointment, now=now)
    return appointment


def _stop_waiting(appointment: Appointment, *, now: datetime) -> None:
    """Who has found a seat that would have done waits for no other."""
    waiting = WaitlistEntry.objects.waiting().fitting(appointment.slot)
    waiting.filter(patient=appointment.patient_id).update(status=WaitStatus.ENDED, ended_at=now)


@transaction.atomic
def release(appointment: Appointment, *, now: datetime) -> None:
    """Give back a seat that was held and not agreed to; one that has ended stays as it is."""
    appointment = lock_appointment(appointment.pk)
    if appointment.status == Status.PENDING:
        _cancel(appointment, why=CancelledWhy.PATIENT, now=now)


@transaction.atomic
def cancel(
    appointment: Appointment,
    *,
    now: datetime,
    why: CancelledWhy = CancelledWhy.PATIENT,
    note: str | None = None,
) -> Appointment:
    """Cancel an appointment; `note` is what the hospital tells the patient.

    Raises TooLate, for patients only, and NoLongerLive.
    """
    appointment = lock_appointment(appointment.pk)
    if appointment.status == Status.CANCELLED:
        return appointment
    by_patient = why == CancelledWhy.PATIENT
    if by_patient:
        _ensure_in_time(appointment, now=now)
    may = (Status.PENDING, Status.BOOKED, *(() if by_patient else (Status.ARRIVED,)))
    if appointment.status not in may:
        raise NoLongerLive
    _cancel(appointment, why=why, now=now, note=note)
    return appointment


def _cancel(
    appointment: Appointment, *, why: CancelledWhy, now: datetime, note: str | None = None
) -> None:
    end(appointment, Status.CANCELLED, why=why, note=note, now=now)
    settle_offer(appointment, WaitStatus.DECLINED, now=now)
    give_back(appointment.slot, now=now)


@transaction.atomic
def change(
    appointment: Appointment, *, to: Slot, now: datetime, request_id: str | None = None
) -> Appointment:
    """Move a booking to another slot: the new one is won, or the old one stays.

    Returns the new appointment. Raises what `hold` does, and NoLongerLive.
    """
    (patient,) = lock_people(appointment.patient)
    new, old = lock_slots(to.pk, appointment.slot_id)
    before = Appointment.objects.select_related("patient").get(pk=appointment.pk)
    before.slot = old
    moved = Appointment.objects.filter(moved_from=before, slot=new).first()
    if moved is not None:
        return moved
    if request_id and Appointment.objects.filter(request_id=request_id).exists():
        raise RequestReused
    if before.status != Status.BOOKED:
        raise NoLongerLive
    if new.pk == old.pk:
        return before
    _ensure_in_time(before, now=now)
    ensure_bookable(new, now=now)
    ensure_free(patient, new, besides=[before.pk])
    # Ended before the new row comes: one doctor on one day twice is refused by a constraint.
    end(before, Status.CANCELLED, why=CancelledWhy.MOVED, now=now)
    after = Appointment(
        booked_by_id=before.booked_by_id,
        contact_point_id=before.contact_point_id,
        request_id=request_id,
        reason=before.reason,
        status=Status.BOOKED,
        booked_at=now,
        moved_from=before,
    )
    take_seat(new, after, patient=patient, now=now)
    save_changed(after, now=now)
    give_back(old, now=now)
    return after


def _ensure_in_time(appointment: Appointment, *, now: datetime) -> None:
    if appointment.slot.starts_at - Rules.from_settings().cancel_lead <= now:
        raise TooLate


def expire_holds(*, now: datetime) -> int:
    """Free the seats of all holds and offers whose time is over; returns how many."""
    return _expire(Q(), now=now)


def _expire(which: Q, *, now: datetime) -> int:
    due = Appointment.objects.lapsed(now).filter(which).order_by("slot_id", "pk")
    return each(due[:AT_ONCE], lambda appointment: _lapse(appointment, now=now))


@transaction.atomic
def _lapse(appointment: Appointment, *, now: datetime) -> bool:
    appointment = lock_appointment(appointment.pk)
    until = appointment.held_until
    if until is None or until > now:  # they agreed meanwhile
        return False
    end(appointment, Status.EXPIRED, now=now)
    settle_offer(appointment, WaitStatus.LAPSED, now=now)
    give_back(appointment.slot, now=now)
    return True


def cancel_of_closed_records(*, now: datetime) -> int:
    """Free the seats of patients who have died or were erased; returns how many."""
    closed = Q(patient__erased_at__isnull=False) | Q(patient__deceased_at__isnull=False)
    expected = Appointment.objects.filter(
        closed, status__in=(Status.PENDING, Status.BOOKED), slot__starts_at__gt=now
    )

    def let_go(appointment: Appointment) -> bool:
        cancel(appointment, why=CancelledWhy.RECORD, now=now)
        return True

    waiting = WaitlistEntry.objects.waiting().filter(closed)
    waiting.update(status=WaitStatus.ENDED, ended_at=now)
    return each(expected[:AT_ONCE], let_go)


def note_followed(appointment_id: int, *, status: str, now: datetime) -> None:
    """The rooms above have reacted to this status; a change that came meanwhile stays owed."""
    seen = Appointment.objects.unfollowed().filter(pk=appointment_id, status=status)
    seen.update(followed_at=now)


def each(rows: Iterable[Appointment], act: Callable[[Appointment], bool]) -> int:
    """How many rows an act changed. A row that breaks stops no other patient's."""
    count = 0
    for row in rows:
        try:
            count += act(row)
        except Exception as error:
            logger.error("sweep failed for one appointment", extra=kind_and_place(error))
    return count
