"""The waitlist: when a seat gets free, the first whom it would do is offered it, then the next.

A seat that somebody waits for never comes back into the open: it is kept back in the transaction
that frees it, and a sweep asks one after another, each in a transaction of its own.
"""

import logging
from datetime import date, datetime

from django.db import transaction

from appointments.booking import HoldLapsed, confirm, release
from appointments.models import (
    Appointment,
    PartOfDay,
    Slot,
    Status,
    VisitType,
    WaitlistEntry,
    WaitStatus,
)
from appointments.policy import Rules, offer_until
from appointments.seats import (
    AlreadyBooked,
    RecordClosed,
    ensure_free,
    free_promised,
    lock_people,
    lock_slots,
    take_seat,
)
from events import SlotOffered, publish
from events.logs import kind_and_place
from hospital.models import Department, Doctor, Hospital
from patients.models import ContactPoint, Patient

logger = logging.getLogger(__name__)


TRIED = 50  # free slots tried for one person: on the days of most they may be busy


class DaysAreOver(Exception):
    """They would wait for days that have passed."""


class NothingToOffer(Exception):
    """The seat is gone, or the visit too near to be offered."""


@transaction.atomic
def join_waitlist(
    department: Department,
    *,
    patient: Patient,
    booked_by: Patient,
    first_day: date,
    last_day: date,
    now: datetime,
    doctor: Doctor | None = None,
    visit_type: VisitType | str = "",
    part: PartOfDay | str = "",
    contact_point: ContactPoint | None = None,
) -> WaitlistEntry:
    """Let a patient wait for a seat; who waits for the same already keeps their place in line.

    Raises DaysAreOver, RecordClosed.
    """
    patient, booked_by = lock_people(patient, booked_by)
    if last_day < now.astimezone(Hospital.objects.this_one().zone).date():
        raise DaysAreOver
    wish = {
        "patient": patient, "department": department, "doctor": doctor, "part": part,
        "visit_type": visit_type, "first_day": first_day, "last_day": last_day,
    }  # fmt: skip
    same = WaitlistEntry.objects.filter(
        **wish, status__in=(WaitStatus.WAITING, WaitStatus.OFFERED)
    ).first()
    if same is not None:
        return same
    return WaitlistEntry.objects.create(
        **wish, booked_by=booked_by, contact_point=contact_point, joined_at=now
    )


@transaction.atomic
def leave_waitlist(entry: WaitlistEntry, *, now: datetime) -> None:
    """Wait no longer; a seat that is on offer is given back."""
    if (offer := _offer_to(entry)) is not None:
        release(offer, now=now)
    waiting = WaitlistEntry.objects.waiting().filter(pk=entry.pk)
    waiting.update(status=WaitStatus.ENDED, ended_at=now)


def accept_offer(entry: WaitlistEntry, *, now: datetime, reason: str | None = None) -> Appointment:
    """Book the seat that was offered. Raises HoldLapsed, TooLate."""
    offer = entry.offers.filter(status__in=(Status.PENDING, Status.BOOKED)).last()
    if offer is None:
        raise HoldLapsed
    return confirm(offer, now=now, reason=reason)


@transaction.atomic
def decline_offer(entry: WaitlistEntry, *, now: datetime, keep_waiting: bool = False) -> None:
    """Give the offered seat to the next; who keeps waiting is not asked about this slot again."""
    offer = _offer_to(entry)
    if offer is None:
        return
    release(offer, now=now)
    if keep_waiting:
        declined = WaitlistEntry.objects.filter(pk=entry.pk, status=WaitStatus.DECLINED)
        declined.update(status=WaitStatus.WAITING, ended_at=None)


def _offer_to(entry: WaitlistEntry) -> Appointment | None:
    return entry.offers.filter(status=Status.PENDING).first()


def offer_seats(*, now: datetime) -> int:
    """Offer every seat that is kept back to the first whom it would do; returns how many were."""
    count = 0
    for slot in Slot.objects.promised():
        try:
            count += _ask_in_line(slot, now=now)
        except Exception as error:  # the next slot's patients wait as well
            logger.error("offering a seat failed", extra=kind_and_place(error))
    return count


def ask_about_free(*, now: datetime) -> int:
    """Offer seats that are free although somebody waits for them; returns how many were.

    That is so where slots were made or opened again, and where somebody joined in the moment in
    which a seat got free.
    """
    today = now.astimezone(Hospital.objects.this_one().zone).date()
    waiting = WaitlistEntry.objects.waiting()
    waiting.filter(last_day__lt=today).update(status=WaitStatus.ENDED, ended_at=now)
    return sum(_offer_first_free(entry, now=now) for entry in waiting.select_related("patient"))


def _offer_first_free(entry: WaitlistEntry, *, now: datetime) -> bool:
    free = Slot.objects.bookable(now).that_would_do_for(entry)
    for slot in free.exclude(appointments__waitlist_entry=entry)[:TRIED]:
        try:
            return _offer(entry, slot_id=slot.pk, kept_back=False, now=now)
        except (NothingToOffer, AlreadyBooked):
            continue
        except RecordClosed:
            return False
    return False


def note_told(entry_id: int, *, now: datetime) -> bool:
    """The patient has been told of the offer; False where that was done already."""
    return bool(WaitlistEntry.objects.untold().filter(pk=entry_id).update(told_at=now))


def _ask_in_line(slot: Slot, *, now: datetime) -> int:
    offered = 0
    for entry in list(WaitlistEntry.objects.in_line(slot).select_related("patient")):
        try:
            offered += _offer(entry, slot_id=slot.pk, kept_back=True, now=now)
        except (AlreadyBooked, RecordClosed):
            continue  # they have no time for it, and keep their place in line
        except NothingToOffer:
            break
    _free_the_rest(slot.pk)
    return offered


@transaction.atomic
def _offer(entry: WaitlistEntry, *, slot_id: int, kept_back: bool, now: datetime) -> bool:
    """Hold a seat for somebody in line; False: they wait no more.

    Raises NothingToOffer, AlreadyBooked, RecordClosed.
    """
    (patient,) = lock_people(entry.patient)
    (slot,) = lock_slots(slot_id)
    rules, zone = Rules.from_settings(), Hospital.objects.this_one().zone
    until = offer_until(slot.starts_at, now=now, zone=zone, rules=rules)
    seats = slot.kept_back if kept_back else slot.free
    if slot.closed_at or until is None or not seats:
        raise NothingToOffer
    ensure_free(patient, slot)
    still_waiting = WaitlistEntry.objects.waiting().filter(pk=entry.pk)
    if not still_waiting.update(status=WaitStatus.OFFERED, offered_at=now, told_at=None):
        return False
    if kept_back:
        free_promised(slot, seats=1)
    offer = Appointment(
        booked_by_id=entry.booked_by_id,
        contact_point_id=entry.contact_point_id,
        waitlist_entry=entry,
        status=Status.PENDING,
        held_until=until,
        followed_at=now,
    )
    take_seat(slot, offer, patient=patient, now=now)
    publish(SlotOffered(entry.pk))
    return True


@transaction.atomic
def _free_the_rest(slot_id: int) -> None:
    """What nobody in line can use is for whoever comes first."""
    (slot,) = lock_slots(slot_id)
    free_promised(slot, seats=slot.kept_back)
