"""Slots: made from schedules, found by patients, closed when nobody is there to see them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from appointments.models import (
    Appointment,
    CancelledWhy,
    ClosedBy,
    Closure,
    Schedule,
    Slot,
    SlotQuerySet,
    Status,
    WaitStatus,
)
from appointments.planning import Planned, planned_slots
from appointments.policy import Choice, Rules, how_far
from appointments.seats import end, lock_slots, settle_offer
from hospital.hours import SpecialDay
from hospital.models import Department, Doctor, Holiday, Hospital
from patients.models import ExternalIdentifier

AROUND = timedelta(days=14)  # how far from what was wanted an alternative may be
COPIED = (
    "department_id", "doctor_id", "place_id", "capacity", "fee", "visit_type",
)  # fmt: skip
REOPENED = {"closed_at": None, "closed_by": "", "closed_why": "", "closed_why_en": ""}


# --- finding -------------------------------------------------------------------------------------


def find_slots(
    *,
    now: datetime,
    department: Department | None = None,
    doctor: Doctor | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
    part: str = "",
    visit_type: str = "",
    limit: int = 20,
) -> list[Slot]:
    """Slots with a free seat, the soonest first."""
    slots: SlotQuerySet = Slot.objects.bookable(now)
    asked = {
        "department": department, "doctor": doctor, "day__gte": first_day, "day__lte": last_day,
        "part": part, "visit_type": visit_type,
    }  # fmt: skip
    slots = slots.filter(**{name: value for name, value in asked.items() if value})
    return list(slots.with_all().order_by("starts_at", "id")[:limit])


def next_best(slot: Slot, *, now: datetime, limit: int = 3) -> list[Slot]:
    """What to offer whoever did not get this slot, the nearest to it first (see `policy`)."""
    around = (slot.day - AROUND, slot.day + AROUND)
    others = Slot.objects.bookable(now).filter(department=slot.department_id, day__range=around)
    rows = others.exclude(pk=slot.pk).values_list(
        "pk", "doctor_id", "day", "part", "starts_at", "visit_type"
    )
    wanted = Choice(
        slot.doctor_id, slot.day.toordinal(), slot.part, slot.starts_at, slot.visit_type
    )
    by_distance = sorted(
        (how_far(wanted, Choice(doctor_id, day.toordinal(), part, starts_at, visit_type)), pk)
        for pk, doctor_id, day, part, starts_at, visit_type in rows
    )
    nearest = [pk for _, pk in by_distance[:limit]]
    found = Slot.objects.with_all().in_bulk(nearest)
    return [found[pk] for pk in nearest if pk in found]


# --- closing and opening -------------------------------------------------------------------------


@transaction.atomic
def close_slot(
    slot: Slot,
    *,
    why: str,
    now: datetime,
    why_en: str = "",
    by: ClosedBy = ClosedBy.STAFF,
) -> int:
    """See nobody in this slot; returns how many appointments the hospital cancelled.

    Each patient concerned is owed word of it, with `next_best`. Who waited for a seat of it that
    was on offer waits on. Who has arrived already is seen. Twice is once.
    """
    (slot,) = lock_slots(slot.pk)
    if slot.closed_at is not None:
        return 0
    expected = Appointment.objects.select_related("patient").filter(
        slot=slot, status__in=(Status.PENDING, Status.BOOKED)
    )
    told = 0
    for appointment in expected.order_by("seat"):
        settle_offer(appointment, WaitStatus.WAITING, now=now)
        told += appointment.status == Status.BOOKED
        note = why_en if why_en and appointment.patient.language.startswith("en") else why
        end(appointment, Status.CANCELLED, why=CancelledWhy.HOSPITAL, note=note, now=now)
    Slot.objects.filter(pk=slot.pk).update(
        closed_at=now,
        closed_by=by,
        closed_why=why,
        closed_why_en=why_en,
        taken=Appointment.objects.seated().filter(slot=slot).count(),
        kept_back=0,
    )
    return told


def open_slot(slot: Slot) -> None:
    """See patients in this slot again. Whose appointment was cancelled has to book anew."""
    Slot.objects.filter(pk=slot.pk).update(**REOPENED)


# --- making --------------------------------------------------------------------------------------


@dataclass
class Made:
    """What a sweep over the schedules did, in slots."""

    made: int = 0
    changed: int = 0
    closed: int = 0
    removed: int = 0


@dataclass
class _Difference:
    """Between the slots that are there and those that should be."""

    fresh: list[Slot] = field(default_factory=list)
    changed: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    closing: list[tuple[Slot, ClosedBy, str, str]] = field(default_factory=list)
    surplus: list[int] = field(default_factory=list)


def make_slots(*, now: datetime) -> Made:
    """Make the slots of the coming days as the schedules say, and close what is closed.

    A second time it finds nothing to do. Slots with a seat taken keep what was promised when a
    schedule changes; closures and holidays cancel their appointments.
    """
    difference = _compare(now)
    Slot.objects.bulk_create(difference.fresh, batch_size=500, ignore_conflicts=True)
    for slot_id, fields in difference.changed:
        Slot.objects.filter(pk=slot_id, taken=0).update(**fields)
    for slot, by, why, why_en in difference.closing:
        close_slot(slot, by=by, why=why, why_en=why_en, now=now)
    if difference.surplus:
        _remove(difference.surplus, now=now)
    return Made(
        made=len(difference.fresh),
        changed=len(difference.changed),
        closed=len(difference.closing),
        removed=len(difference.surplus),
    )


def _compare(now: datetime) -> _Difference:
    zone = Hospital.objects.this_one().zone
    today = now.astimezone(zone).date()
    # From yesterday, whose night clinic may reach over midnight.
    days = [today + timedelta(days=n) for n in range(-1, Rules.from_settings().days_ahead)]
    special_days = Holiday.objects.filter(date__range=(days[0], days[-1])).as_special_days()
    closures = list(Closure.objects.from_day(today))
    standing: defaultdict[int, dict[datetime, Slot]] = defaultdict(dict)
    for slot in Slot.objects.to_come(now).exclude(schedule__in=_of_outside_systems()):
        standing[slot.schedule_id][slot.starts_at] = slot
    difference = _Difference()
    for schedule in Schedule.objects.active().select_related("doctor", "department"):
        planned = {
            each.starts_at: each
            for each in planned_slots(schedule, days, special_days=special_days, zone=zone)
            if each.starts_at > now
        }
        usual: Collection[datetime] = ()
        theirs = standing.pop(schedule.pk, {})
        if theirs.keys() - planned.keys():
            usual = {p.starts_at for p in planned_slots(schedule, days, special_days={}, zone=zone)}
        about = [closure for closure in closures if closure.is_about(schedule)]
        _compare_schedule(
            difference,
            schedule,
            planned=planned,
            theirs=theirs,
            usual=usual,
            closures=about,
            special_days=special_days,
        )
    for slots in standing.values():  # of schedules that ended
        difference.surplus += [slot.pk for slot in slots.values() if slot.closed_at is None]
    return difference


def _of_outside_systems() -> QuerySet[Any, Any]:
    """Schedules whose slots come from elsewhere, see `ports`: nobody here adds or removes one."""
    return ExternalIdentifier.objects.filter(resource="Schedule").values("row_id")


def _compare_schedule(
    difference: _Difference,
    schedule: Schedule,
    *,
    planned: Mapping[datetime, Planned],
    theirs: Mapping[datetime, Slot],
    usual: Collection[datetime],
    closures: list[Closure],
    special_days: Mapping[date, SpecialDay],
) -> None:
    for starts_at, slot in theirs.items():
        if starts_at in planned or slot.closed_at is not None:
            continue
        if starts_at in usual and slot.day in special_days:
            difference.closing.append((slot, ClosedBy.HOLIDAY, *_HOLIDAY))
        elif not slot.taken:
            difference.surplus.append(slot.pk)
    kept = [slot for slot in theirs.values() if slot.taken and slot.closed_at is None]
    for starts_at, plan in planned.items():
        closure = next((each for each in closures if each.covers(plan.day, plan.part)), None)
        known = theirs.get(starts_at)
        # A promise of before the schedule changed: nobody is seen twice at a time.
        is_taken_up = any(
            slot.starts_at < plan.ends_at and plan.starts_at < slot.ends_at
            for slot in kept
            if slot != known
        )
        if known is None:
            if closure is None and not is_taken_up:
                difference.fresh.append(_slot(schedule, plan))
        elif closure is not None:
            if known.closed_at is None:
                reason = (closure.reason, closure.reason_en)
                difference.closing.append((known, ClosedBy.CLOSURE, *reason))
        elif is_taken_up:
            if known.closed_at is None and not known.taken:
                difference.surplus.append(known.pk)
        elif fields := _to_change(known, _slot(schedule, plan)):
            difference.changed.append((known.pk, fields))


def _slot(schedule: Schedule, plan: Planned) -> Slot:
    return Slot(
        schedule=schedule,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        day=plan.day,
        part=plan.part,
        **{name: getattr(schedule, name) for name in COPIED},
    )


# Told to the patients, as the reason of a closure is.
_HOLIDAY = ("当天因节假日停诊", "The hospital is closed that day for a holiday")


def _to_change(slot: Slot, wanted: Slot) -> dict[str, Any]:
    """What has to change in a slot that nobody has a seat in; a closed one opens again."""
    if slot.taken or slot.closed_by == ClosedBy.STAFF:
        return {}
    reopened = REOPENED if slot.closed_at is not None else {}
    values = {name: getattr(wanted, name) for name in (*COPIED, "ends_at")}
    changed = {name: value for name, value in values.items() if getattr(slot, name) != value}
    return {**changed, **reopened}


@transaction.atomic
def _remove(slot_ids: list[int], *, now: datetime) -> None:
    """Take away slots that no schedule gives any more; those with a seat taken stay."""
    locked = Slot.objects.select_for_update().filter(pk__in=slot_ids, taken=0).order_by("pk")
    free = {slot.pk for slot in locked}
    remembered = set(Appointment.objects.filter(slot__in=free).values_list("slot_id", flat=True))
    Slot.objects.filter(pk__in=free - remembered).delete()
    Slot.objects.filter(pk__in=remembered).update(closed_at=now, closed_by=ClosedBy.SCHEDULE)
