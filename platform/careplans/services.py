"""What one can do with a plan: answer, put off, skip, pause, stop; and the account of it all."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from careplans import policy
from careplans.answers import Answer, Meaning
from careplans.models import (
    CarePlan,
    Due,
    DueKind,
    DueQuerySet,
    Reason,
    SettledBy,
    State,
    Status,
    StoppedWhy,
    Task,
    TaskKind,
)
from careplans.tasks import cancel_tasks, open_task, tasks_of_dues
from conversations.models import Conversation
from conversations.services import take_back
from patients.models import Consent, Patient, Purpose

ANSWERED_WITHIN = timedelta(hours=24)  # a word that comes later is about something else
# An answer that comes after we have given up still counts: it is the patient's word.
_ANSWERABLE = (
    Q(state__in=[State.ASKED, State.SNOOZED])
    | Q(state=State.DUE, asks__gt=0)  # to be asked at the other address next
    | Q(state=State.MISSED, reason=Reason.UNANSWERED)
)
_LEFT_OUT = Q(state=State.SKIPPED)
_LIVING = (Status.ACTIVE, Status.PAUSED)


class AlreadySettled(Exception):
    """This row has its answer, or needs none any more."""


def awaiting_answer(conversation: Conversation, *, now: datetime) -> Due | None:
    """What was asked here last and may be answered; None: nothing, or too long ago."""
    found = answerable(conversation, now=now).select_related("plan__patient", "step", "medication")
    return found.order_by("-message__created_at", "pk").first()


def answerable(conversation: Conversation, *, now: datetime) -> DueQuerySet:
    """All that was asked here and may be answered."""
    # Who was asked at two addresses may answer at either; a daughter answers for her mother.
    theirs = Q(message__conversation=conversation) | Q(
        plan__patient=conversation.contact_point.patient_id
    )
    return Due.objects.filter(_ANSWERABLE, theirs, message__created_at__gt=now - ANSWERED_WITHIN)


def take_answer(due: Due, answer: Answer, *, now: datetime) -> None:
    """Do what an answer says. Of what is no plain answer nothing is done. Raises AlreadySettled."""
    match answer.meaning:
        case Meaning.TAKEN:
            acknowledge(due, now=now)
        case Meaning.LATER:
            snooze(due, minutes=answer.minutes, now=now)
        case Meaning.NOT:
            skip(due, reason=Reason(answer.reason), now=now)
        case Meaning.STOP:
            stop_plan(due.plan, why=StoppedWhy.ASKED, now=now)
        case Meaning.REFILL:
            ask_for_refill(due, taken=answer.taken, now=now)
        case Meaning.NOTED if due.kind != DueKind.DOSE:
            acknowledge(due, now=now)
        case Meaning.WORRIED if _is_told(due, answer):
            acknowledge(due, now=now)
        case _:
            pass


def _is_told(due: Due, answer: Answer) -> bool:
    """Whether what worries answers it all the same: how somebody is; or a dose that was taken."""
    if due.kind == DueKind.DOSE:
        return answer.taken
    return due.step is not None and due.step.questionnaire_id is None


@transaction.atomic
def acknowledge(due: Due, *, now: datetime, named: Iterable[int] = ()) -> None:
    """It was taken, or done; with it what was asked in the same message. Raises AlreadySettled.

    `named`: only these rows of that message. Who said that it was left out may say better.
    """
    _settle(together(due, named), state=State.ACKNOWLEDGED, reason="", now=now, also=_LEFT_OUT)


@transaction.atomic
def skip(due: Due, *, reason: Reason, now: datetime, named: Iterable[int] = ()) -> None:
    """Not this time; who has none left gets a nurse. Raises AlreadySettled."""
    _settle(together(due, named), state=State.SKIPPED, reason=reason, now=now)
    if reason == Reason.NO_MEDICINE:
        _task_of_refill(due, now=now)


@transaction.atomic
def give_reason(due: Due, *, reason: Reason, now: datetime, named: Iterable[int] = ()) -> None:
    """Why it was left out, once the patient says so; who has none left gets a nurse."""
    together(due, named).filter(state=State.SKIPPED).update(reason=reason)
    if reason == Reason.NO_MEDICINE:
        _task_of_refill(due, now=now)


@transaction.atomic
def snooze(due: Due, *, now: datetime, minutes: int | None = None) -> datetime | None:
    """Ask again in so many minutes; returns when. Raises AlreadySettled.

    None: asked often enough, or that would be in quiet hours. Then the row waits for its answer.
    """
    plan = due.plan
    at = now + timedelta(minutes=minutes or policy.SNOOZE_M)
    rows = together(due).unsettled()
    if not rows.exists():
        raise AlreadySettled
    if plan.quiet.after(at, plan.zone) > at or due.asks >= policy.MOST_ASKS:
        return None
    until = max(due.until, at + timedelta(minutes=policy.ANSWER_DOSE_M))
    rows.update(state=State.SNOOZED, asked_at=None, answer_by=None, ask_at=at, until=until)
    return at


@transaction.atomic
def ask_for_refill(due: Due, *, taken: bool, now: datetime) -> Task:
    """A nurse sees to more medicine; whether this dose was taken is another question."""
    if taken or due.kind == DueKind.REFILL:
        acknowledge(due, now=now)
    return _task_of_refill(due, now=now)


def _task_of_refill(due: Due, *, now: datetime) -> Task:
    return open_task(
        due.plan.patient,
        kind=TaskKind.REFILL,
        about=f"plan {due.plan_id} refill",
        plan=due.plan,
        now=now,
    )


@transaction.atomic
def pause_plan(plan: CarePlan, *, now: datetime) -> bool:
    """Ask nothing until it is resumed. False: it was not active."""
    active = CarePlan.objects.filter(pk=plan.pk, status=Status.ACTIVE)
    return bool(active.update(status=Status.PAUSED))


def pause_all(patient: Patient, *, now: datetime) -> int:
    """Ask this patient nothing until somebody resumes each plan; returns how many were active."""
    plans = CarePlan.objects.filter(patient=patient, status=Status.ACTIVE)
    return sum(pause_plan(plan, now=now) for plan in plans)


@transaction.atomic
def resume_plan(plan: CarePlan, *, now: datetime) -> bool:
    """Ask again from now on; what fell into the pause stays unasked. False: it was not paused."""
    if not CarePlan.objects.filter(pk=plan.pk, status=Status.PAUSED).update(status=Status.ACTIVE):
        return False
    fell_in = Due.objects.filter(plan=plan).owed(now=now)
    fell_in.update(state=State.CANCELLED, reason=Reason.PAUSED, settled_at=now)
    behind = CarePlan.objects.filter(pk=plan.pk, planned_until__lt=now)
    behind.update(planned_until=now)
    return True


@transaction.atomic
def stop_plan(plan: CarePlan, *, why: StoppedWhy, now: datetime) -> bool:
    """Ask nothing more, and take back what has not left yet. False: it had ended already."""
    living = CarePlan.objects.filter(pk=plan.pk, status__in=_LIVING)
    if not living.update(status=Status.STOPPED, stopped_why=why, ended_at=now, planned_until=None):
        return False
    _end_dues(plan, now=now)
    cancel_tasks(Task.objects.filter(plan=plan).exclude(kind=TaskKind.NO_SHOW), now=now)
    return True


def _end_dues(plan: CarePlan, *, now: datetime) -> None:
    open_rows = Due.objects.filter(plan=plan).unsettled()
    said = open_rows.filter(state=State.ASKED, message__sent_at=None, message__given_up_at=None)
    for message_id in set(said.values_list("message_id", flat=True)):
        take_back(message_id, now=now)
    open_rows.update(state=State.CANCELLED, reason=Reason.STOPPED, settled_at=now)


def stop_all(patient: Patient, *, why: StoppedWhy, now: datetime) -> int:
    """End every plan of a patient: a death, a transfer, no more reminders; returns how many."""
    plans = CarePlan.objects.filter(patient=patient, status__in=_LIVING)
    return sum(stop_plan(plan, why=why, now=now) for plan in plans)


def stop_where_needed(*, now: datetime) -> int:
    """End the plans of those who died, were erased, or want no reminders; returns how many."""
    agreed = Consent.objects.in_force().filter(purpose=Purpose.REMINDERS).values("patient")
    living = CarePlan.objects.filter(status__in=_LIVING)
    return (
        _stop_each(living.exclude(patient__erased_at=None), StoppedWhy.ERASED, now=now)
        + _stop_each(living.exclude(patient__deceased_at=None), StoppedWhy.DECEASED, now=now)
        + _stop_each(living.exclude(patient__in=agreed), StoppedWhy.OPTED_OUT, now=now)
    )


def _stop_each(plans: Iterable[CarePlan], why: StoppedWhy, *, now: datetime) -> int:
    return sum(stop_plan(plan, why=why, now=now) for plan in plans)


def complete_plans(*, now: datetime) -> int:
    """Close the plans that have nothing left to ask; returns how many."""
    done = CarePlan.objects.filter(
        status=Status.ACTIVE, planned_until=None, created_at__lt=now
    ).exclude(dues__settled_at=None)
    # Of a plan without rows nothing was planned yet, or it waits for its medicines.
    ids = list(done.filter(dues__isnull=False).distinct().values_list("pk", flat=True)[:500])
    finished = CarePlan.objects.filter(pk__in=ids, status=Status.ACTIVE)
    count: int = finished.update(status=Status.COMPLETED, ended_at=now)
    return count


@transaction.atomic
def note_happened(patient: Patient, what: SettledBy, *, now: datetime) -> int:
    """A visit took place, a report is ready: steps that waited for it need no asking any more."""
    waiting = Due.objects.unsettled().filter(plan__patient=patient, step__settled_by=what)
    ids = list(waiting.values_list("pk", flat=True))
    cancel_tasks(tasks_of_dues(ids), now=now)
    still = Due.objects.unsettled().filter(pk__in=ids)
    count: int = still.update(state=State.CANCELLED, reason=Reason.HAPPENED, settled_at=now)
    return count


def account(
    *,
    plans: "QuerySet[CarePlan] | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, int]:
    """How many due rows are in each state, of these plans or all, due within a stretch of time."""
    rows: DueQuerySet = Due.objects.all()
    if plans is not None:
        rows = rows.filter(plan__in=plans)
    if since is not None:
        rows = rows.filter(due_at__gte=since)
    if until is not None:
        rows = rows.filter(due_at__lt=until)
    counted = rows.order_by().values_list("state").annotate(Count("pk"))
    return {str(state): 0 for state in State} | dict(counted)


def together(due: Due, named: Iterable[int] = ()) -> DueQuerySet:
    """The row with those that were asked in the same message; of them those named, if any are."""
    if due.message_id is None:
        return Due.objects.filter(pk=due.pk)
    rows = Due.objects.filter(plan=due.plan_id, message=due.message_id)
    return rows.filter(pk__in=named) if named else rows


def _settle(
    rows: DueQuerySet, *, state: State, reason: str, now: datetime, also: Q | None = None
) -> None:
    ids = list(rows.values_list("pk", flat=True))
    open_rows = Due.objects.filter(_ANSWERABLE | also if also else _ANSWERABLE, pk__in=ids)
    if not open_rows.update(state=state, reason=reason, settled_at=now):
        raise AlreadySettled
    # What was worrying in the answers is for a nurse all the same.
    cancel_tasks(tasks_of_dues(ids).exclude(kind=TaskKind.WORRYING), now=now)
