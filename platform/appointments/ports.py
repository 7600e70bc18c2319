"""The door for slots and appointments of outside systems; see `patients.ports`.

Where they own slots, a schedule of theirs is a row here that makes no slots by itself, and their
slots stand under it. A seat is taken here only by the locks and rules by which patients take one.
That somebody came, was seen or did not come is a fact of the desk, filed whoever owns appointments.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from appointments.booking import NoLongerLive, cancel, change
from appointments.models import (
    LIVE,
    Appointment,
    CancelledWhy,
    ClosedBy,
    Schedule,
    Slot,
    Status,
    VisitType,
)
from appointments.policy import part_of_day
from appointments.seats import (
    AlreadyBooked,
    RecordClosed,
    SlotClosed,
    SlotTaken,
    TooLate,
    ensure_free,
    lock_people,
    lock_slots,
    save_changed,
    take_seat,
)
from appointments.slots import close_slot, open_slot
from appointments.visits import NotToday, NotYet, check_in, fulfil, miss
from hospital.models import Department, Doctor, Hospital
from patients.models import Conflict, ExternalIdentifier, Owner, Patient
from patients.ports import (
    OURS,
    THEIRS,
    Contradiction,
    Filed,
    Origin,
    Outcome,
    UnknownReference,
    differing,
    filed_patient,
    identifier_of,
    note_conflict,
    note_filed,
    weigh,
)
from vault.datakeys import create_data_key

SCHEDULE, SLOT, APPOINTMENT = "Schedule", "Slot", "Appointment"
_ENDED = (Status.CANCELLED, Status.NOSHOW, Status.FULFILLED)
_PROGRESS = (Status.ARRIVED, Status.FULFILLED, Status.NOSHOW)


@dataclass(frozen=True)
class ScheduleRecord:
    """Whose slots these are: a doctor's, or a department's general clinic."""

    department: str  # by its code or either name
    doctor: str | None = None
    is_active: bool = True


@dataclass(frozen=True)
class SlotRecord:
    schedule_id: str  # theirs
    starts_at: datetime
    ends_at: datetime
    is_free: bool = True
    is_closed: bool = False  # nobody is seen then
    capacity: int = 1
    fee: Decimal = Decimal(0)  # yuan
    visit_type: str = VisitType.GENERAL.value


@dataclass(frozen=True)
class AppointmentRecord:
    status: str  # see `Status`
    starts_at: datetime
    ends_at: datetime
    slot_id: str | None = None  # theirs
    number: str | None = None  # ours
    department: str | None = None
    doctor: str | None = None
    why: str | None = None  # it was cancelled


# --- Schedules and slots -------------------------------------------------------------------------


@transaction.atomic
def file_schedule(record: ScheduleRecord, *, origin: Origin, now: datetime) -> Filed:
    """Take in whose slots follow. Raises UnknownReference where nobody here is called so."""
    known = identifier_of(origin, SCHEDULE)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    department, doctor = _clinic(record)
    row = Schedule.objects.filter(pk=known.row_id).first() if known else None
    # Of no weekday in particular, and inactive: no slot is made from it.
    row = row or Schedule(weekday=0, starts="00:00", ends="00:00", is_active=False)
    row.department, row.doctor = department, doctor
    row.save()
    note_filed(
        known, origin, SCHEDULE, row_id=row.pk, record=record, ours=record, patient=None, now=now,
        data_key_id=known.data_key_id if known else create_data_key().pk,
    )  # fmt: skip
    return Filed(Outcome.FILED, row.pk)


def _clinic(record: ScheduleRecord) -> tuple[Department, Doctor | None]:
    called = record.department
    found = Department.objects.filter(
        Q(code=called) | Q(name=called) | Q(name_en__iexact=called)
    ).first()
    if found is None:
        raise UnknownReference("Organization", called)
    if not record.doctor:
        return found, None
    doctors = Doctor.objects.filter(department=found)
    doctor = doctors.filter(Q(name=record.doctor) | Q(name_en__iexact=record.doctor)).first()
    if doctor is None:
        raise UnknownReference("Practitioner")
    return found, doctor


@transaction.atomic
def file_slot(record: SlotRecord, *, origin: Origin, now: datetime, owner: Owner = OURS) -> Filed:
    """Take in a slot, where slots are theirs. Raises UnknownReference, Contradiction."""
    known = identifier_of(origin, SLOT)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    if owner == OURS or (known is None and record.starts_at <= now):
        return Filed(Outcome.IGNORED)
    under = identifier_of(Origin(origin.source, record.schedule_id), SCHEDULE, lock=False)
    if under is None:
        raise UnknownReference(SCHEDULE, record.schedule_id)
    row = _slot_row(record, under, known)
    _open_or_close(row, record, now=now)
    note_filed(
        known, origin, SLOT, row_id=row.pk, record=record, ours=record, patient=None, now=now,
        data_key_id=under.data_key_id,
    )  # fmt: skip
    return Filed(Outcome.FILED, row.pk)


def _slot_row(
    record: SlotRecord, under: ExternalIdentifier, known: ExternalIdentifier | None
) -> Slot:
    """The slot of this record as they describe it; one with a seat taken keeps its time."""
    schedule = Schedule.objects.get(pk=under.row_id)
    if known is not None:
        (row,) = lock_slots(known.row_id)
    else:
        row = Slot(schedule=schedule)
    begins = record.starts_at.astimezone(Hospital.objects.this_one().zone)
    moves = known is not None and row.starts_at != record.starts_at
    if moves and row.taken:
        raise Contradiction(row.pk)
    twins = Slot.objects.filter(schedule=schedule, starts_at=record.starts_at)
    if twins.exclude(pk=row.pk).exists():
        raise Contradiction(row.pk)
    row.schedule, row.department, row.doctor = schedule, schedule.department, schedule.doctor
    row.day, row.part = begins.date(), part_of_day(begins.time())
    row.starts_at, row.ends_at = record.starts_at, record.ends_at
    row.capacity = max(record.capacity, row.taken, 1)
    row.fee, row.visit_type = record.fee, record.visit_type
    row.save()
    return row


def _open_or_close(slot: Slot, record: SlotRecord, *, now: datetime) -> None:
    """Busy with others a slot is closed here; busy with our own patients it is just full."""
    if record.is_closed:
        close_slot(slot, why=_CLOSED[0], why_en=_CLOSED[1], by=ClosedBy.SCHEDULE, now=now)
    elif record.is_free and slot.closed_by == ClosedBy.SCHEDULE:
        open_slot(slot)
    elif not record.is_free and not slot.taken and slot.closed_at is None:
        close_slot(slot, why=_CLOSED[0], why_en=_CLOSED[1], by=ClosedBy.SCHEDULE, now=now)


# Told to the patients, as the reason of a closure is.
_CLOSED = ("该时段停诊", "Nobody is seen at that time")


# --- Appointments --------------------------------------------------------------------------------


@transaction.atomic
def file_appointment(
    record: AppointmentRecord,
    *,
    patient_id: str,
    origin: Origin,
    now: datetime,
    owner: Owner = OURS,
) -> Filed:
    """Take in an appointment of whom they call so. Raises UnknownReference, Contradiction."""
    known = identifier_of(origin, APPOINTMENT)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    row = _appointment(record, known)
    # One of ours comes back with the patient that we told them of, whom they do not know by number.
    of_ours = row is not None and not patient_id
    patient = row.patient if row and of_ours else filed_patient(origin.source, patient_id)
    if patient.erased_at is not None:
        return Filed(Outcome.IGNORED)
    if row is None:
        if record.status in _ENDED or record.starts_at <= now:
            return Filed(Outcome.IGNORED)
        row = _seat(record, patient, origin, now=now)
        outcome = Outcome.FILED
    elif row.patient_id != patient.pk:
        raise Contradiction(row.patient_id)
    else:
        is_settled = known is not None and known.wanted_at is not None
        row, outcome = _follow(row, record, origin, owner=THEIRS if is_settled else owner, now=now)
    known = note_filed(
        known, origin, APPOINTMENT, row_id=row.pk, record=record, ours=appointment_record(row),
        patient=patient, now=now,
    )  # fmt: skip
    if outcome is Outcome.CONFLICT:
        names = differing(record, appointment_record(row))
        kind = Conflict.Kind.DIFFERS
        note_conflict(kind, origin, APPOINTMENT, names=names, identifier=known, now=now)
    return Filed(outcome, row.pk)


def appointment_record(
    appointment: Appointment, *, slot_id: str | None = None
) -> AppointmentRecord:
    slot = appointment.slot
    return AppointmentRecord(
        status=str(appointment.status),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        slot_id=slot_id,
        number=appointment.number,
        department=slot.department.name,
        doctor=slot.doctor.name if slot.doctor else None,
        why=str(appointment.cancelled_why) or None,
    )


def _appointment(record: AppointmentRecord, known: ExternalIdentifier | None) -> Appointment | None:
    """The appointment that this is about: filed before, or one of ours that carries our number."""
    rows = Appointment.objects.with_all()
    if known is not None:
        return rows.filter(pk=known.row_id).first()
    return rows.filter(number=record.number).first() if record.number else None


def _seat(
    record: AppointmentRecord, patient: Patient, origin: Origin, *, now: datetime
) -> Appointment:
    """Note a seat that was given there. Raises UnknownReference, Contradiction."""
    under = identifier_of(Origin(origin.source, record.slot_id or ""), SLOT, lock=False)
    if under is None:
        raise UnknownReference(SLOT, record.slot_id or "")
    try:
        (patient,) = lock_people(patient)
        (slot,) = lock_slots(under.row_id)
        ensure_free(patient, slot)
        if slot.closed_by == ClosedBy.SCHEDULE and not slot.taken:
            open_slot(slot)  # busy with this very patient
            (slot,) = lock_slots(slot.pk)
        appointment = Appointment(booked_by=patient, status=Status.BOOKED, booked_at=now)
        take_seat(slot, appointment, patient=patient, now=now)
    except (SlotTaken, SlotClosed, TooLate, AlreadyBooked, RecordClosed):
        raise Contradiction(patient.pk) from None
    save_changed(appointment, now=now)
    if record.status == Status.ARRIVED:
        return check_in(appointment, now=now)
    return appointment


def _follow(
    row: Appointment, record: AppointmentRecord, origin: Origin, *, owner: Owner, now: datetime
) -> tuple[Appointment, Outcome]:
    """Let an appointment go the way that they say it went."""
    try:
        if record.starts_at != row.slot.starts_at:
            return _move(row, record, origin, owner=owner, now=now)
        if record.status == row.status:
            return row, Outcome.FILED
        if record.status in _PROGRESS and row.status in (*LIVE, Status.NOSHOW):
            return _progress(row, record.status, now=now), Outcome.FILED
        if record.status == Status.CANCELLED and row.status in LIVE and owner == THEIRS:
            return cancel(row, why=CancelledWhy.HOSPITAL, now=now), Outcome.FILED
    except (
        NoLongerLive,
        NotToday,
        NotYet,
        AlreadyBooked,
        SlotTaken,
        SlotClosed,
        TooLate,
        RecordClosed,
    ):
        pass  # it can't go that way here: a person has to look
    return row, Outcome.CONFLICT


def _move(
    row: Appointment, record: AppointmentRecord, origin: Origin, *, owner: Owner, now: datetime
) -> tuple[Appointment, Outcome]:
    under = identifier_of(Origin(origin.source, record.slot_id or ""), SLOT, lock=False)
    if owner == OURS or under is None or record.status != Status.BOOKED:
        return row, Outcome.CONFLICT
    to = Slot.objects.with_all().get(pk=under.row_id)
    moved = change(row, to=to, now=now)
    return Appointment.objects.with_all().get(pk=moved.pk), Outcome.FILED


def _progress(row: Appointment, status: str, *, now: datetime) -> Appointment:
    if status == Status.NOSHOW:
        return miss(row, now=now)
    if row.status in (Status.BOOKED, Status.NOSHOW):
        # The desk's word of another day comes late, and is still true.
        row = check_in(row, now=min(now, row.slot.starts_at))
    return fulfil(row, now=now) if status == Status.FULFILLED else row
