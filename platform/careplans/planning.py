"""Plans become due rows: the steps of a template at once, doses a few days ahead.

A row exists once for each step and each dose of a day (a constraint): planning again adds nothing,
whatever the clock did in between.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from careplans import policy
from careplans.models import (
    CarePlan,
    Due,
    DueKind,
    MedicationSchedule,
    PlanKind,
    PlanTemplate,
    Reason,
    State,
    Status,
    StoppedWhy,
    TemplateStep,
)
from careplans.services import stop_plan
from careplans.tasks import cancel_tasks, tasks_of_dues
from careplans.timing import doses_between, instant, step_moment
from events.logs import kind_and_place
from hospital.models import Hospital
from patients.models import ContactPoint, Patient, Purpose
from staff.models import StaffMember

logger = logging.getLogger(__name__)

AHEAD = timedelta(days=3)  # doses have rows so long before
PLANS_AT_ONCE = 200
REFILL_BEFORE = timedelta(days=3)
REFILL_AT = time(10)


class NoConsent(Exception):
    """The patient has not agreed to reminders, or is not there any more."""


@transaction.atomic
def start_plan(
    patient: Patient,
    *,
    kind: PlanKind,
    contact_point: ContactPoint | None,
    anchor_at: datetime,
    now: datetime,
    template: PlanTemplate | None = None,
    created_by: StaffMember | None = None,
    time_zone: str = "",
    **fields: Any,
) -> CarePlan:
    """Promise a patient what a template says, counted from `anchor_at`. Raises NoConsent.

    Steps whose time has gone are left out.
    """
    agreed = patient.consents.in_force().filter(purpose=Purpose.REMINDERS).exists()
    if not agreed or patient.deceased_at or patient.erased_at:
        raise NoConsent
    if template is not None:
        fields.setdefault("department", template.department)
    plan = CarePlan.objects.create(
        patient=patient,
        data_key_id=patient.data_key_id,
        contact_point=contact_point,
        kind=kind,
        template=template,
        anchor_at=anchor_at,
        created_by=created_by,
        created_at=now,
        time_zone=time_zone or Hospital.objects.this_one().time_zone,
        **fields,
    )
    if template is not None:
        rows = [step_row(plan, step) for step in template.steps.all()]
        Due.objects.bulk_create([row for row in rows if row.until > now])
    return plan


@transaction.atomic
def start_medication(
    patient: Patient,
    *,
    contact_point: ContactPoint | None,
    medicine: str,
    times: Sequence[time],
    first_day: date,
    now: datetime,
    last_day: date | None = None,
    **fields: Any,
) -> CarePlan:
    """Remind of one medicine, in the plan that reminds this patient here already, or a new one.

    Raises NoConsent.
    """
    plan = CarePlan.objects.filter(
        patient=patient,
        kind=PlanKind.MEDICATION,
        status=Status.ACTIVE,
        contact_point=contact_point,
    ).first()
    if plan is None:
        plan = start_plan(
            patient,
            kind=PlanKind.MEDICATION,
            contact_point=contact_point,
            anchor_at=now,
            now=now,
            created_by=fields.pop("created_by", None),
        )
    fields.pop("created_by", None)
    add_medication(
        plan,
        medicine=medicine,
        times=times,
        first_day=first_day,
        last_day=last_day,
        now=now,
        **fields,
    )
    return plan


@transaction.atomic
def add_medication(
    plan: CarePlan,
    *,
    medicine: str,
    times: Sequence[time],
    first_day: date,
    now: datetime,
    last_day: date | None = None,
    **fields: Any,
) -> MedicationSchedule:
    """Remind of one more medicine from now on; a prescription that is known changes nothing."""
    prescription_id = fields.get("prescription_id")
    known = plan.medications.filter(prescription_id=prescription_id).first()
    if prescription_id is not None and known is not None:
        return known
    medication = MedicationSchedule.objects.create(
        plan=plan,
        data_key_id=plan.data_key_id,
        medicine=medicine,
        times=[f"{each:%H:%M}" for each in sorted(set(times))],
        first_day=first_day,
        last_day=last_day,
        **fields,
    )
    # As far as the other medicines have rows; the sweep goes on from there with all of them.
    until = plan.planned_until or now + AHEAD
    rows = [*_doses(plan, medication, after=now, until=until), *_refill(plan, medication)]
    Due.objects.bulk_create([row for row in rows if row.until > now], ignore_conflicts=True)
    CarePlan.objects.filter(pk=plan.pk).update(planned_until=until)
    plan.planned_until = until
    return medication


def plan_ahead(*, now: datetime) -> int:
    """Make rows for the doses of the days to come; returns for how many plans."""
    short = CarePlan.objects.filter(
        status=Status.ACTIVE, planned_until__lt=now + AHEAD - timedelta(days=1)
    )
    plans = short.order_by("planned_until").prefetch_related("medications")[:PLANS_AT_ONCE]
    return _each(plans, now=now)


def _each(plans: Iterable[CarePlan], *, now: datetime) -> int:
    """Many plans in one transaction; where that breaks one by one, so that one stops no other."""
    plans = list(plans)
    try:
        with transaction.atomic():
            _plan(plans, now=now)
    except Exception as error:
        logger.error("plans could not be planned together", extra=kind_and_place(error))
    else:
        return len(plans)
    done = 0
    for plan in plans:
        try:
            with transaction.atomic():
                _plan([plan], now=now)
            done += 1
        except Exception as error:
            # Behind the others, which it must not keep from their turn.
            CarePlan.objects.filter(pk=plan.pk).update(planned_until=now + AHEAD)
            logger.error(
                "a plan could not be planned", extra={"plan": plan.pk, **kind_and_place(error)}
            )
    return done


def _plan(plans: Sequence[CarePlan], *, now: datetime) -> None:
    rows: list[Due] = []
    over: list[int] = []
    for plan in plans:
        assert plan.planned_until is not None
        medications = list(plan.medications.all())
        for medication in medications:
            rows += _doses(plan, medication, after=plan.planned_until, until=now + AHEAD)
        days = [each.last_day for each in medications]
        last = (now + AHEAD).astimezone(plan.zone).date()
        if all(day is not None and day < last for day in days):
            over.append(plan.pk)
    Due.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    ids = [plan.pk for plan in plans]
    CarePlan.objects.filter(pk__in=ids).update(planned_until=now + AHEAD)
    CarePlan.objects.filter(pk__in=over).update(planned_until=None)


def step_row(plan: CarePlan, step: TemplateStep) -> Due:
    """What a step of a template is for this plan. One before a visit is of no use after it."""
    due_at = step_moment(
        plan.anchor_at,
        days=step.offset_days,
        hours=step.offset_hours,
        at=step.at,
        zone=plan.zone,
    )
    before = plan.kind == PlanKind.VISIT
    free = plan.quiet.nearest if before else plan.quiet.after
    return Due(
        plan=plan,
        kind=DueKind.STEP,
        what=f"step {step.pk}",
        step=step,
        due_at=due_at,
        ask_at=free(due_at, plan.zone),
        until=plan.anchor_at if before else due_at + policy.STEP_OF_USE,
        expects_answer=step.expects_answer,
        answer_within_m=60 * step.answer_within_h,
    )


def _doses(
    plan: CarePlan, medication: MedicationSchedule, *, after: datetime, until: datetime
) -> list[Due]:
    zone, quiet = plan.zone, plan.quiet
    rows = []
    for name, due_at in doses_between(
        medication.clock_times,
        first_day=medication.first_day,
        last_day=medication.last_day,
        zone=zone,
        after=after,
        until=until,
    ):
        ask_at = quiet.nearest(due_at, zone)
        rows.append(
            Due(
                plan=plan,
                kind=DueKind.DOSE,
                what=f"dose {medication.pk} {name}",
                medication=medication,
                due_at=due_at,
                ask_at=ask_at,
                until=max(ask_at, due_at) + policy.DOSE_OF_USE,
                answer_within_m=policy.ANSWER_DOSE_M,
            )
        )
    return rows


def _refill(plan: CarePlan, medication: MedicationSchedule) -> list[Due]:
    if medication.refill_on is None:
        return []
    due_at = instant(medication.refill_on - REFILL_BEFORE, REFILL_AT, plan.zone)
    return [
        Due(
            plan=plan,
            kind=DueKind.REFILL,
            what=f"refill {medication.pk} {medication.refill_on}",
            medication=medication,
            due_at=due_at,
            ask_at=plan.quiet.after(due_at, plan.zone),
            until=due_at + policy.STEP_OF_USE,
            answer_within_m=24 * 60,
        )
    ]


@transaction.atomic
def live_elsewhere(plan: CarePlan, *, time_zone: str, now: datetime) -> None:
    """The patient lives by another clock from now on: what is to come is planned by that.

    A dose of a day that was asked for already is not asked for again.
    """
    list(CarePlan.objects.select_for_update().filter(pk=plan.pk).values_list("pk"))
    CarePlan.objects.filter(pk=plan.pk).update(time_zone=time_zone)
    plan.time_zone = ZoneInfo(time_zone).key
    _replan(plan, now=now)


@transaction.atomic
def change_hours(plan: CarePlan, *, quiet_from: time, quiet_until: time, now: datetime) -> None:
    """Other quiet hours from now on."""
    list(CarePlan.objects.select_for_update().filter(pk=plan.pk).values_list("pk"))
    CarePlan.objects.filter(pk=plan.pk).update(quiet_from=quiet_from, quiet_until=quiet_until)
    plan.quiet_from, plan.quiet_until = quiet_from, quiet_until
    _replan(plan, now=now)


@transaction.atomic
def change_times(medication: MedicationSchedule, *, times: Sequence[time], now: datetime) -> None:
    """Remind of this medicine at other hours from now on; a dose of today that was asked stays."""
    list(CarePlan.objects.select_for_update().filter(pk=medication.plan_id).values_list("pk"))
    medication.times = [f"{each:%H:%M}" for each in sorted(set(times))]
    MedicationSchedule.objects.filter(pk=medication.pk).update(times=medication.times)
    _replan(medication.plan, now=now)


@transaction.atomic
def end_medication(medication: MedicationSchedule, *, now: datetime) -> None:
    """Remind of this medicine no more; a plan that has no other ends with it."""
    plan = medication.plan
    list(CarePlan.objects.select_for_update().filter(pk=plan.pk).values_list("pk"))
    today = now.astimezone(plan.zone).date()
    yesterday = today - timedelta(days=1)
    MedicationSchedule.objects.filter(pk=medication.pk).update(last_day=yesterday, refill_on=None)
    others = plan.medications.exclude(pk=medication.pk)
    if not others.filter(Q(last_day=None) | Q(last_day__gte=today)).exists():
        stop_plan(plan, why=StoppedWhy.ASKED, now=now)
        return
    rows = Due.objects.unsettled().filter(medication=medication)
    ids = list(rows.values_list("pk", flat=True))
    rows.update(state=State.CANCELLED, reason=Reason.STOPPED, settled_at=now)
    cancel_tasks(tasks_of_dues(ids), now=now)


def _replan(plan: CarePlan, *, now: datetime) -> None:
    to_come = Due.objects.filter(plan=plan, asked_at=None, settled_at=None, asks=0, ask_at__gt=now)
    steps = [due.step for due in to_come.filter(kind=DueKind.STEP).select_related("step")]
    refills = {due.medication_id for due in to_come.filter(kind=DueKind.REFILL)}
    to_come.update(state=State.CANCELLED, reason=Reason.MOVED, settled_at=now)
    rows = [step_row(plan, step) for step in steps if step is not None]
    for medication in plan.medications.all():
        rows += _doses(plan, medication, after=now, until=now + AHEAD)
        if medication.pk in refills:
            rows += _refill(plan, medication)
    Due.objects.bulk_create([row for row in rows if row.until > now], ignore_conflicts=True)
    if plan.planned_until is not None:
        CarePlan.objects.filter(pk=plan.pk).update(planned_until=now + AHEAD)
