"""The day of the visit, and what everybody sees of their appointments."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet

from appointments.booking import AT_ONCE, NoLongerLive, each
from appointments.models import LIVE, Appointment, Status
from appointments.policy import Rules
from appointments.seats import ensure_free, lock_appointment, save_changed
from hospital.models import Department, Doctor, Hospital, Place
from patients.models import ContactPoint, Patient

SEEN_AFTER = timedelta(hours=12)  # who arrived has been seen by then, whether anybody noted it


class NotToday(Exception):
    """This visit is on another day."""


class NotYet(Exception):
    """This visit has not begun: whoever is expected may still come."""


@transaction.atomic
def check_in(appointment: Appointment, *, now: datetime) -> Appointment:
    """Note that a patient has come; also one who was late and counted as missed.

    Twice is once. Raises NotToday, NoLongerLive, AlreadyBooked.
    """
    appointment = lock_appointment(appointment.pk)
    if appointment.status in (Status.ARRIVED, Status.FULFILLED):
        return appointment
    if appointment.status not in (Status.BOOKED, Status.NOSHOW):
        raise NoLongerLive
    if appointment.day != now.astimezone(Hospital.objects.this_one().zone).date():
        raise NotToday
    if appointment.status == Status.NOSHOW:
        ensure_free(appointment.patient, appointment.slot)
    appointment.status, appointment.arrived_at = Status.ARRIVED, now
    appointment.ended_at = None
    save_changed(appointment, now=now)
    return appointment


@transaction.atomic
def fulfil(appointment: Appointment, *, now: datetime) -> Appointment:
    """Note that a patient has been seen. Twice is once. Raises NoLongerLive."""
    return _finish(appointment, Status.FULFILLED, after=(Status.ARRIVED,), now=now)


@transaction.atomic
def miss(appointment: Appointment, *, now: datetime) -> Appointment:
    """Note that a patient did not come. Twice is once. Raises NotYet, NoLongerLive."""
    if appointment.slot.starts_at > now:
        raise NotYet
    return _finish(appointment, Status.NOSHOW, after=(Status.BOOKED,), now=now)


def close_past_visits(*, now: datetime) -> int:
    """Note who did not come, and that who came was seen; returns how many were noted.

    Nobody is said to have missed a visit where nobody is checked in.
    """
    rules = Rules.from_settings()
    today = now.astimezone(Hospital.objects.this_one().zone).date()
    over = Appointment.objects.filter(day__lte=today)
    arrived = over.filter(status=Status.ARRIVED, slot__ends_at__lte=now - SEEN_AFTER)
    count = each(arrived[:AT_ONCE], lambda appointment: _note(appointment, now=now))
    if rules.checks_in:
        missed = over.filter(status=Status.BOOKED, slot__ends_at__lte=now - rules.missed_after)
        count += each(missed[:AT_ONCE], lambda appointment: _note(appointment, now=now))
    return count


@transaction.atomic
def _note(appointment: Appointment, *, now: datetime) -> bool:
    before, after = (
        (Status.ARRIVED, Status.FULFILLED)
        if appointment.status == Status.ARRIVED
        else (Status.BOOKED, Status.NOSHOW)
    )
    try:
        _finish(appointment, after, after=(before,), now=now)
    except NoLongerLive:  # somebody was faster
        return False
    return True


def _finish(
    appointment: Appointment, status: Status, *, after: tuple[Status, ...], now: datetime
) -> Appointment:
    appointment = lock_appointment(appointment.pk)
    if appointment.status == status:
        return appointment
    if appointment.status not in after:
        raise NoLongerLive
    appointment.status, appointment.ended_at = status, now
    save_changed(appointment, now=now)
    return appointment


# --- looking -------------------------------------------------------------------------------------


def appointments_of(
    whose: ContactPoint | Patient, *, now: datetime, past: bool = False
) -> list[Appointment]:
    """What a patient has before them, the soonest first; of a contact point also what was booked
    there for others. With `past` what lies behind them, the newest first.
    """
    if isinstance(whose, Patient):
        theirs = Q(patient=whose)
    else:
        theirs = (
            Q(contact_point=whose) | Q(patient=whose.patient_id) | Q(booked_by=whose.patient_id)
        )
    found = Appointment.objects.filter(theirs).with_all()
    if past:
        over = found.exclude(status__in=(Status.PENDING, Status.EXPIRED)).filter(
            slot__ends_at__lte=now
        )
        return list(over.order_by("-slot__starts_at", "-id"))
    return list(
        found.filter(status__in=LIVE, slot__ends_at__gt=now).order_by("slot__starts_at", "id")
    )


def day_list(
    day: date, *, department: Department | None = None, doctor: Doctor | None = None
) -> QuerySet[Appointment]:
    """Who is expected on a day, in the order in which they are seen, with those who came or not.

    Whoever shows a name or a reason of it writes that look into the access log.
    """
    seated = Appointment.objects.seated().exclude(status=Status.PENDING).filter(day=day)
    if department is not None:
        seated = seated.filter(slot__department=department)
    if doctor is not None:
        seated = seated.filter(slot__doctor=doctor)
    return seated.with_all().order_by("slot__starts_at", "slot__doctor", "seat")


@dataclass(frozen=True)
class Preparation:
    """What a patient needs to know to come prepared; the words around it are others'."""

    number: str
    comes_at: datetime  # in the hospital's zone, so early before the visit as it asks
    starts_at: datetime
    department: Department
    doctor: Doctor | None
    place: Place | None  # None: where the department is
    fee: Decimal  # yuan
    visit_type: str
    fasting: bool
    bring: str  # besides identity card and insurance card

    def where(self, lang: str) -> str:
        if self.place is None:
            return self.department.in_language("location", lang)
        parts = (self.place.in_language(part, lang) for part in ("name", "location"))
        return " ".join(part for part in parts if part)


def preparation(appointment: Appointment, *, lang: str) -> Preparation:
    """The preparation sheet of an appointment."""
    slot, schedule = appointment.slot, appointment.slot.schedule
    starts_at = slot.starts_at.astimezone(Hospital.objects.this_one().zone)
    return Preparation(
        number=appointment.number,
        comes_at=starts_at - timedelta(minutes=schedule.come_early_min),
        starts_at=starts_at,
        department=slot.department,
        doctor=slot.doctor,
        place=slot.place,
        fee=slot.fee,
        visit_type=slot.visit_type,
        fasting=schedule.fasting,
        bring=schedule.in_language("bring", lang),
    )
