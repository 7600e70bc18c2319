"""Seats under lock: who may have one, who gets one, and what becomes of one that is given back.

Locks are taken in one order: patients by number, slots by number. Whoever changes an appointment
holds its slot's lock, so of two who want the last seat, or of a yes and the end of its time, one
comes first. The constraints of the database stand behind that.
"""

import secrets
from collections.abc import Collection
from datetime import datetime

from django.db.models import F

from appointments.models import (
    Appointment,
    CancelledWhy,
    Slot,
    Status,
    WaitlistEntry,
    WaitStatus,
)
from appointments.policy import Rules, offer_until
from events import AppointmentChanged, publish
from hospital.models import Hospital
from patients.models import Patient

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread or misheard
NUMBER_CHARS = 8
# What acts change. Whose it is, is not among it: a merge may have moved it meanwhile.
STATE = (
    "status", "cancelled_why", "reason", "note", "held_until", "booked_at", "arrived_at",
    "ended_at", "changed_at", "followed_at",
)  # fmt: skip


class SlotTaken(Exception):
    """All seats are taken; `slots.next_best` knows others, the waitlist waits for one."""


class SlotClosed(Exception):
    """Nobody is seen there: the doctor is away, or the department closed."""


class TooLate(Exception):
    """The visit has begun, or is too near for this."""


class RecordClosed(Exception):
    """Nobody can be booked for: the patient has died, or the record was erased."""


class AlreadyBooked(Exception):
    """This patient has this slot, or sees this doctor or clinic on that day, already."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__()
        self.appointment = appointment  # the one that stands in the way


class TimesOverlap(AlreadyBooked):
    """This patient is seen elsewhere at that time."""


def lock_people(*people: Patient) -> list[Patient]:
    """These records, those that were merged as what they became. Raises RecordClosed."""
    numbers = [person.pk for person in people]
    became = dict(
        Patient.objects.filter(pk__in=numbers, merged_into__isnull=False).values_list(
            "pk", "merged_into_id"
        )
    )
    current = [became.get(number, number) for number in numbers]
    # No key: what refers to a record need not wait.
    locked = Patient.objects.select_for_update(no_key=True).filter(pk__in=current)
    found = {person.pk: person for person in locked.order_by("pk")}
    if any(each.merged_into_id or each.erased_at or each.deceased_at for each in found.values()):
        raise RecordClosed
    return [found[number] for number in current]


def lock_slots(*slot_ids: int) -> list[Slot]:
    """These slots, for this transaction alone to change, in the order asked for.

    Raises SlotClosed where one was taken away since it was found.
    """
    locked = Slot.objects.select_for_update(no_key=True).filter(pk__in=slot_ids).order_by("pk")
    found = {slot.pk: slot for slot in locked}
    if not found.keys() >= set(slot_ids):
        raise SlotClosed
    return [found[slot_id] for slot_id in slot_ids]


def lock_appointment(appointment_id: int) -> Appointment:
    """An appointment as it is now, with its slot locked."""
    slot_id = Appointment.objects.values_list("slot_id", flat=True).get(pk=appointment_id)
    (slot,) = lock_slots(slot_id)
    appointment = Appointment.objects.select_related("patient").get(pk=appointment_id)
    appointment.slot = slot
    return appointment


def ensure_bookable(slot: Slot, *, now: datetime) -> None:
    """Raises SlotClosed, TooLate, SlotTaken; the slot is locked."""
    if slot.closed_at is not None:
        raise SlotClosed
    if slot.starts_at <= now:
        raise TooLate
    if slot.taken >= slot.capacity:
        raise SlotTaken


def ensure_free(patient: Patient, slot: Slot, *, besides: Collection[int] = ()) -> None:
    """Whether a patient has time for it. Raises AlreadyBooked, TimesOverlap; they are locked."""
    others = Appointment.objects.live().filter(patient=patient).exclude(pk__in=besides)
    others = others.select_related("slot")
    same = others.filter(clinic=slot.clinic, day=slot.day).first()
    if same is not None:
        raise AlreadyBooked(same)
    overlapping = others.filter(slot__starts_at__lt=slot.ends_at, slot__ends_at__gt=slot.starts_at)
    if (elsewhere := overlapping.first()) is not None:
        raise TimesOverlap(elsewhere)


def take_seat(
    slot: Slot, appointment: Appointment, *, patient: Patient, now: datetime
) -> Appointment:
    """Give the lowest free seat of a locked slot. Raises SlotClosed, TooLate, SlotTaken."""
    ensure_bookable(slot, now=now)
    given = set(Appointment.objects.seated().filter(slot=slot).values_list("seat", flat=True))
    appointment.slot = slot
    appointment.seat = next(seat for seat in range(1, slot.capacity + 1) if seat not in given)
    appointment.patient, appointment.data_key_id = patient, patient.data_key_id
    appointment.made_for, appointment.clinic, appointment.day = patient.pk, slot.clinic, slot.day
    appointment.number = _new_number()
    appointment.held_at = appointment.changed_at = now
    appointment.save(force_insert=True)
    _count(slot, taken=1)
    return appointment


def give_back(slot: Slot, *, now: datetime) -> None:
    """One seat of a locked slot is free: for the waitlist, or else for whoever comes first."""
    if is_wanted(slot, now=now):
        _count(slot, kept_back=1)
    else:
        _count(slot, taken=-1)


def is_wanted(slot: Slot, *, now: datetime) -> bool:
    """Whether somebody waits for a seat of this slot, and could still be asked."""
    rules, zone = Rules.from_settings(), Hospital.objects.this_one().zone
    if slot.closed_at or offer_until(slot.starts_at, now=now, zone=zone, rules=rules) is None:
        return False
    return WaitlistEntry.objects.in_line(slot).exists()


def free_promised(slot: Slot, *, seats: int) -> None:
    """Seats of a locked slot that the waitlist does not need after all."""
    _count(slot, taken=-seats, kept_back=-seats)


def end(
    appointment: Appointment,
    status: Status,
    *,
    now: datetime,
    why: CancelledWhy | None = None,
    note: str | None = None,
) -> None:
    """Let a live appointment end, under its slot's lock; what becomes of its seat is not said."""
    was_agreed = appointment.status != Status.PENDING
    appointment.status, appointment.cancelled_why = status, why or ""
    appointment.ended_at, appointment.held_until = now, None
    if note and appointment.patient.erased_at is None:
        appointment.note = note
    if was_agreed:
        save_changed(appointment, now=now)
    else:
        appointment.changed_at = now
        appointment.save(update_fields=STATE)


def save_changed(appointment: Appointment, *, now: datetime) -> None:
    """Store what became of an appointment, and announce it to the rooms above."""
    appointment.changed_at, appointment.followed_at = now, None
    appointment.save(update_fields=STATE)
    publish(AppointmentChanged(appointment.pk))


def settle_offer(appointment: Appointment, status: WaitStatus, *, now: datetime) -> None:
    """What came of a seat that was offered from the waitlist, if this is one."""
    if appointment.waitlist_entry_id is not None:
        offered = WaitlistEntry.objects.filter(
            pk=appointment.waitlist_entry_id, status=WaitStatus.OFFERED
        )
        ended_at = None if status == WaitStatus.WAITING else now
        offered.update(status=status, ended_at=ended_at)


def _count(slot: Slot, *, taken: int = 0, kept_back: int = 0) -> None:
    slot.taken, slot.kept_back = slot.taken + taken, slot.kept_back + kept_back
    Slot.objects.filter(pk=slot.pk).update(
        taken=F("taken") + taken, kept_back=F("kept_back") + kept_back
    )


def _new_number() -> str:
    """A number to be read out at the desk, and not to be guessed from another one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(NUMBER_CHARS))
