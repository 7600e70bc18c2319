"""What a visit asks of us: a reminder on the day before, a follow-up after it, a call when nobody
came. One function is told of every change, and puts the plans in step with it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from appointments import models as appointments
from appointments.models import Appointment
from careplans import feedback
from careplans.models import (
    CarePlan,
    PlanKind,
    PlanTemplate,
    SettledBy,
    Status,
    StoppedWhy,
    Task,
    TaskKind,
)
from careplans.planning import NoConsent, start_plan
from careplans.services import note_happened, stop_plan
from careplans.tasks import open_task
from conversations.services import start_conversation
from hospital.models import Department, Doctor
from patients.models import ContactPoint, Patient

BEFORE, AFTER = "before-visit", "after-visit"  # templates, by code


@dataclass(frozen=True)
class Visit:
    """What of an appointment matters here."""

    id: int
    patient: Patient
    contact_point: ContactPoint | None
    starts_at: datetime
    ends_at: datetime
    is_booked: bool = False
    is_fulfilled: bool = False
    is_no_show: bool = False  # none of these three: it is off
    department: Department | None = None
    doctor: Doctor | None = None


def follow(appointment_id: int, *, now: datetime) -> None:
    """Put the plans in step with an appointment as it stands now. Twice is once."""
    visit = Appointment.objects.with_all().select_related("contact_point").get(pk=appointment_id)
    if visit.status == appointments.Status.PENDING:
        return
    follow_visit(
        Visit(
            visit.pk,
            visit.patient,
            visit.contact_point,
            visit.slot.starts_at,
            visit.slot.ends_at,
            is_booked=visit.status == appointments.Status.BOOKED,
            is_fulfilled=visit.status == appointments.Status.FULFILLED,
            is_no_show=visit.status == appointments.Status.NOSHOW,
            department=visit.slot.department,
            doctor=visit.slot.doctor,
        ),
        now=now,
    )


@transaction.atomic
def follow_visit(visit: Visit, *, now: datetime) -> None:
    """Plan what this visit needs by now, and end what it needs no more. Twice is once."""
    list(Patient.objects.select_for_update().filter(pk=visit.patient.pk).values_list("pk"))
    reminders = CarePlan.objects.filter(
        visit_id=visit.id, kind=PlanKind.VISIT, status__in=[Status.ACTIVE, Status.PAUSED]
    )
    if visit.is_booked:
        reminders = reminders.exclude(anchor_at=visit.starts_at)
    for plan in reminders:
        stop_plan(plan, why=StoppedWhy.VISIT, now=now)
    if visit.is_booked and now < visit.starts_at:
        _remind(visit, now=now)
    if visit.is_fulfilled:
        note_happened(visit.patient, SettledBy.VISIT, now=now)
        _follow_up(visit, now=now)
    if visit.is_no_show:
        _call(visit, now=now)
    else:
        _forget_call(visit, now=now)


def _remind(visit: Visit, *, now: datetime) -> None:
    known = CarePlan.objects.filter(
        visit_id=visit.id, kind=PlanKind.VISIT, anchor_at=visit.starts_at
    )
    # One that the patient stopped stays stopped; one that ended because the visit had moved away
    # and has now come back begins anew.
    if known.exclude(stopped_why=StoppedWhy.VISIT).exists():
        return
    _start(visit, code=BEFORE, kind=PlanKind.VISIT, anchor_at=visit.starts_at, now=now)


def leave_unreminded(appointment: Appointment, *, now: datetime) -> None:
    """The patient wants no reminder of this visit: kept as one that was stopped before it began."""
    CarePlan.objects.create(
        patient=appointment.patient,
        data_key_id=appointment.patient.data_key_id,
        contact_point=appointment.contact_point,
        kind=PlanKind.VISIT,
        status=Status.STOPPED,
        stopped_why=StoppedWhy.ASKED,
        visit_id=appointment.pk,
        anchor_at=appointment.slot.starts_at,
        created_at=now,
        ended_at=now,
    )


def _follow_up(visit: Visit, *, now: datetime) -> None:
    if not CarePlan.objects.filter(visit_id=visit.id, kind=PlanKind.FOLLOW_UP).exists():
        _start(visit, code=AFTER, kind=PlanKind.FOLLOW_UP, anchor_at=visit.ends_at, now=now)
    if visit.contact_point is not None:
        feedback.owe_for_visit(
            visit.id,
            patient=visit.patient,
            conversation=start_conversation(visit.contact_point, now=now),
            doctor=visit.doctor,
            department=visit.department,
            now=now,
        )


def _start(
    visit: Visit, *, code: str, kind: PlanKind, anchor_at: datetime, now: datetime
) -> CarePlan | None:
    """None where the patient wants no reminders, or the hospital has taken the template away."""
    template = PlanTemplate.objects.filter(code=code, is_active=True).first()
    if template is None:
        return None
    try:
        return start_plan(
            visit.patient,
            kind=kind,
            contact_point=visit.contact_point,
            anchor_at=anchor_at,
            template=template,
            visit_id=visit.id,
            now=now,
            department=visit.department or template.department,
        )
    except NoConsent:
        return None


def _call(visit: Visit, *, now: datetime) -> None:
    if Task.objects.filter(about=_about(visit)).exists():
        return  # made before, and perhaps done
    open_task(
        visit.patient,
        kind=TaskKind.NO_SHOW,
        about=_about(visit),
        department=visit.department,
        now=now,
    )


def _forget_call(visit: Visit, *, now: datetime) -> None:
    """They came after all, or it was put right: nobody has to call."""
    untaken = Task.objects.open().filter(about=_about(visit), taken_by=None)
    untaken.update(cancelled_at=now)


def _about(visit: Visit) -> str:
    return f"visit {visit.id} no-show"
