"""The nurses' list: the first who takes a task has it."""

from datetime import timedelta

import pytest

from careplans import tasks
from careplans.models import Task, TaskKind
from conftest import NOON
from hospital.models import Department
from patients.models import ContactPoint
from staff.models import StaffMember
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def call(anna: ContactPoint, **more) -> Task:  # type: ignore[no-untyped-def]
    return tasks.open_task(anna.patient, kind=TaskKind.CALL, now=NOON, **more)


def test_the_first_nurse_has_it_and_finishes_it(
    anna: ContactPoint, nurse: StaffMember, other_nurse: StaffMember
) -> None:
    task = call(anna, words="请电话问一下换药情况")

    tasks.take_task(task.pk, nurse=nurse, now=NOON)
    with pytest.raises(tasks.AlreadyTaken):
        tasks.take_task(task.pk, nurse=other_nurse, now=NOON)
    with pytest.raises(tasks.NotYourTask):
        tasks.finish_task(task.pk, nurse=other_nurse, note="", now=NOON)
    tasks.finish_task(task.pk, nurse=nurse, note="已电话联系", now=NOON)

    done = tasks.tasks_for(nurse).done().get()
    assert (done.words, done.note) == ("请电话问一下换药情况", "已电话联系")


def test_it_can_be_put_off_and_given_back(anna: ContactPoint, nurse: StaffMember) -> None:
    task = call(anna)
    tasks.take_task(task.pk, nurse=nurse, now=NOON)

    later = tasks.postpone_task(task.pk, nurse=nurse, until=NOON + timedelta(days=2), now=NOON)
    back = tasks.put_back_task(task.pk, nurse=nurse)

    assert later.due_at == NOON + timedelta(days=2) and back.taken_by is None


def test_the_list_is_by_importance_then_by_time(anna: ContactPoint, nurse: StaffMember) -> None:
    routine = call(anna)
    urgent = call(anna, priority=3)
    older = call(anna, due_at=NOON - timedelta(hours=1))

    mine = tasks.tasks_for(nurse)
    assert list(mine.open().in_order()) == [urgent, older, routine]
    assert list(mine.overdue(now=NOON)) == [older]
    assert mine.due(now=NOON).count() == 2


def test_one_thing_is_one_open_task_that_only_grows_more_important(anna: ContactPoint) -> None:
    first = call(anna, about="plan 1 unanswered")
    again = call(anna, about="plan 1 unanswered", priority=2)
    call(anna, about="plan 1 unanswered", priority=0)

    assert again.pk == first.pk
    assert Task.objects.get().priority == 2


def test_a_department_sees_its_own(
    anna: ContactPoint, nurse: StaffMember, other_nurse: StaffMember
) -> None:
    respiratory = Department.objects.get(code="respiratory")
    other_nurse.departments.add(Department.objects.get(code="pediatrics"))
    nurse.departments.add(respiratory)
    task = call(anna, department=respiratory)

    assert task in tasks.tasks_for(nurse)
    assert task not in tasks.tasks_for(other_nurse)
    with pytest.raises(tasks.TaskOutOfScope):
        tasks.take_task(task.pk, nurse=other_nurse, now=NOON)


def test_looking_at_a_task_leaves_a_trace(anna: ContactPoint, nurse: StaffMember) -> None:
    task = call(anna)

    tasks.read_task(task.pk, nurse=nurse, now=NOON)

    entry = AccessEntry.objects.get(subject_id=anna.patient_id)
    assert (entry.actor_id, entry.reason) == (nurse.pk, "task")
