"""The nurses' task list: made by what went unanswered, or by hand; the first to take one has it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from careplans.models import CarePlan, Due, Task, TaskKind, TaskQuerySet
from hospital.models import Department
from hospital.services import next_nurses_hour
from live.show import CONSOLES, show_on_commit
from patients.models import Patient
from staff.models import Role, StaffMember
from vault import access

# How soon, by priority; counted from when nurses are there.
WITHIN = {
    0: timedelta(days=3),
    1: timedelta(days=1),
    2: timedelta(hours=4),
    3: timedelta(minutes=30),
}


class AlreadyTaken(Exception):
    """A colleague was faster, or it is done."""


class NotYourTask(Exception):
    """Somebody else has taken it, or nobody yet: take it first."""


class TaskOutOfScope(Exception):
    """It belongs to a department that this person does not look after."""


@transaction.atomic
def open_task(
    patient: Patient,
    *,
    kind: TaskKind,
    now: datetime,
    priority: int = 1,
    about: str = "",
    words: str | None = None,
    department: Department | None = None,
    plan: CarePlan | None = None,
    due: Due | None = None,
    created_by: StaffMember | None = None,
    due_at: datetime | None = None,
) -> Task:
    """Put something on the nurses' list; while one about the same is open, that one is it.

    An open one becomes more important, never less.
    """
    fields: dict[str, Any] = {
        "patient": patient,
        "data_key_id": patient.data_key_id,
        "kind": kind,
        "about": about,
        "priority": priority,
        "words": words,
        "department": department or (plan.department if plan else None),
        "plan": plan,
        "due": due,
        "created_by": created_by,
        "created_at": now,
        "due_at": due_at or (next_nurses_hour(now) or now) + WITHIN[min(priority, 3)],
    }
    if not about:
        task = Task.objects.create(**fields)
    else:
        task, is_new = Task.objects.open().get_or_create(about=about, defaults=fields)
        if not is_new:
            less = Task.objects.filter(pk=task.pk, priority__lt=priority)
            less.update(priority=priority, due_at=min(task.due_at, fields["due_at"]))
    _show(task)
    return task


def tasks_for(member: StaffMember) -> TaskQuerySet:
    """The tasks of the departments that a nurse looks after; none means all."""
    tasks: TaskQuerySet = Task.objects.filter(_scope_of(member))
    return tasks


def _scope_of(member: StaffMember) -> Q:
    if not member.is_caring:
        return Q(pk__in=[])
    mine = [department.pk for department in member.departments.all()]
    if member.role == Role.HEAD_NURSE or not mine:
        return Q()
    return Q(department=None) | Q(department__in=mine) | Q(taken_by=member)


@transaction.atomic
def read_task(task_id: int, *, nurse: StaffMember, now: datetime) -> Task:
    """Open a task for a nurse's eyes, and leave the trace. Raises TaskOutOfScope."""
    task = _find(task_id, nurse=nurse)
    access.record(
        access.Action.READ,
        actor_id=nurse.pk,
        subject="patient",
        subject_id=task.patient_id,
        reason="task",
        now=now,
    )
    return task


@transaction.atomic
def take_task(task_id: int, *, nurse: StaffMember, now: datetime) -> Task:
    """Give a task to one nurse. Raises AlreadyTaken, TaskOutOfScope."""
    task = _find(task_id, nurse=nurse)
    free = Task.objects.open().filter(pk=task.pk, taken_by=None)
    if not free.update(taken_by=nurse, taken_at=now):
        raise AlreadyTaken
    _show(task)
    return _find(task_id, nurse=nurse)


@transaction.atomic
def finish_task(task_id: int, *, nurse: StaffMember, note: str, now: datetime) -> Task:
    """Note what was done. Raises NotYourTask, TaskOutOfScope."""
    task = _mine(task_id, nurse=nurse)
    if not Task.objects.open().filter(pk=task.pk).update(done_at=now):
        raise NotYourTask
    task.note, task.done_at = note or None, now
    task.save(update_fields=["note"])
    _show(task)
    return task


@transaction.atomic
def postpone_task(task_id: int, *, nurse: StaffMember, until: datetime, now: datetime) -> Task:
    """Do it later; it stays hers. Raises NotYourTask, TaskOutOfScope."""
    task = _mine(task_id, nurse=nurse)
    if until <= now or not Task.objects.open().filter(pk=task.pk).update(due_at=until):
        raise NotYourTask
    _show(task)
    return _find(task_id, nurse=nurse)


@transaction.atomic
def put_back_task(task_id: int, *, nurse: StaffMember) -> Task:
    """Give a task back to the list. Raises NotYourTask, TaskOutOfScope."""
    task = _mine(task_id, nurse=nurse)
    Task.objects.open().filter(pk=task.pk).update(taken_by=None, taken_at=None)
    _show(task)
    return _find(task_id, nurse=nurse)


def cancel_tasks(tasks: TaskQuerySet, *, now: datetime) -> int:
    """These are needed no more: the patient answered, or the plan has ended."""
    count: int = tasks.open().update(cancelled_at=now)
    if count:
        show_on_commit(CONSOLES, {"type": "tasks.changed"})
    return count


def tasks_of_dues(due_ids: Collection[int]) -> TaskQuerySet:
    tasks: TaskQuerySet = Task.objects.filter(due__in=due_ids)
    return tasks


def _find(task_id: int, *, nurse: StaffMember) -> Task:
    task = Task.objects.select_related("patient", "plan", "department").get(pk=task_id)
    if not Task.objects.filter(_scope_of(nurse), pk=task_id).exists():
        raise TaskOutOfScope
    return task


def _mine(task_id: int, *, nurse: StaffMember) -> Task:
    task = _find(task_id, nurse=nurse)
    if task.taken_by_id != nurse.pk:
        raise NotYourTask
    return task


def _show(task: Task) -> None:
    show_on_commit(CONSOLES, {"type": "tasks.changed", "task": task.pk})
