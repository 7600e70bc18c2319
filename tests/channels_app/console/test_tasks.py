"""The task board in the console: the first who takes a task has it, and each look is logged."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from careplans.models import Task, TaskKind
from careplans.tasks import open_task, take_task
from conversations.services import start_conversation
from hospital.models import Department, Hospital
from patients.models import Channel, Patient
from patients.services import create_patient, meet
from staff.models import Role, StaffMember
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

Hire = Callable[..., StaffMember]


@pytest.fixture
def anna(hospital: Hospital) -> Patient:
    return create_patient(name="安娜", phone="13800000001")


@pytest.fixture
def task(anna: Patient) -> Task:
    return open_task(anna, kind=TaskKind.CALL, now=timezone.now(), words="请问伤口怎么样")


def signed_in(member: StaffMember) -> Client:
    client = Client(headers={"Accept-Language": "zh-CN"})
    client.force_login(member)
    return client


def did(client: Client, task: Task, act: str, **form: str) -> str:
    answer = client.post(f"/console/task/{task.pk}/{act}/", form)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(client: Client, folder: str) -> str:
    return client.get("/console/lists/", {"folder": folder}).content.decode()


def test_the_list_shows_no_whole_name_and_leaves_no_trace(nurse: StaffMember, task: Task) -> None:
    listed = rows(signed_in(nurse), "tasks")

    assert f"task-{task.pk}" in listed
    assert "安*" in listed
    assert "安娜" not in listed
    assert not AccessEntry.objects.exists()


def test_each_look_at_a_task_is_logged(nurse: StaffMember, task: Task) -> None:
    page = signed_in(nurse).get(f"/console/task/{task.pk}/").content.decode()

    assert "安娜" in page
    assert "请问伤口怎么样" in page
    entry = AccessEntry.objects.get()
    assert (entry.actor_id, entry.subject_id, entry.reason) == (nurse.pk, task.patient_id, "task")


def test_the_second_nurse_is_told_that_a_colleague_was_faster(
    nurse: StaffMember, other_nurse: StaffMember, task: Task
) -> None:
    assert "任务归您了" in did(signed_in(nurse), task, "take")

    page = did(signed_in(other_nurse), task, "take")

    assert "同事先了一步" in page
    assert nurse.display_name in page
    assert "task-note" not in page


def test_a_task_is_done_with_a_note_for_colleagues(nurse: StaffMember, task: Task) -> None:
    client = signed_in(nurse)
    did(client, task, "take")

    page = did(client, task, "finish", note=" 已电话联系 ")

    task.refresh_from_db()
    assert task.done_at is not None
    assert task.note == "已电话联系"
    assert "已电话联系" in page
    assert f"task-{task.pk}" in rows(client, "tasks-done")
    assert f"task-{task.pk}" not in rows(client, "tasks")


def test_only_who_has_it_finishes_it(
    nurse: StaffMember, other_nurse: StaffMember, task: Task
) -> None:
    take_task(task.pk, nurse=nurse, now=timezone.now())

    assert "不在您名下" in did(signed_in(other_nurse), task, "finish", note="x")

    task.refresh_from_db()
    assert task.done_at is None


@pytest.mark.parametrize(("until", "days"), [("hour", 0), ("tomorrow", 1), ("week", 7)])
def test_a_task_can_be_put_off(nurse: StaffMember, task: Task, until: str, days: int) -> None:
    client, now = signed_in(nurse), timezone.now()
    did(client, task, "take")

    did(client, task, "postpone", until=until)

    task.refresh_from_db()
    assert timedelta(days=days - 1) < task.due_at - now < timedelta(days=days + 1)
    assert task.taken_by == nurse


def test_a_task_goes_back_to_the_list(nurse: StaffMember, task: Task) -> None:
    client = signed_in(nurse)
    did(client, task, "take")

    did(client, task, "back")

    task.refresh_from_db()
    assert task.taken_by is None


def test_the_folders_count_what_is_open_and_what_is_late(nurse: StaffMember, anna: Patient) -> None:
    now = timezone.now()
    late = open_task(anna, kind=TaskKind.CALL, now=now, due_at=now - timedelta(hours=1))
    open_task(anna, kind=TaskKind.CALL, now=now, due_at=now + timedelta(days=3))
    client = signed_in(nurse)

    overdue = rows(client, "tasks-overdue")

    assert f"task-{late.pk}" in overdue
    assert overdue.count("data-task=") == 1
    assert rows(client, "tasks").count("data-task=") == 2
    assert "逾期 1" in rows(client, "queue")


def test_another_department_s_task_is_not_there(staff: Hire, anna: Patient) -> None:
    ward, other = Department.objects.filter(name__in=["呼吸内科", "儿科"])
    member = staff(Role.NURSE)
    member.departments.set([ward])
    task = open_task(anna, kind=TaskKind.CALL, now=timezone.now(), department=other)
    client = signed_in(member)

    assert client.get(f"/console/task/{task.pk}/").status_code == 404
    assert client.post(f"/console/task/{task.pk}/take/").status_code == 404
    assert f"task-{task.pk}" not in rows(client, "tasks")


def test_the_conversation_is_a_tap_away_where_she_may_open_it(
    nurse: StaffMember, patient_writes: Any, web: Channel
) -> None:
    now = timezone.now()
    seen = patient_writes("找护士", visitor="a", tap="nurse").message.conversation
    quiet = start_conversation(meet(web, address="b"), now=now)  # no nurse was asked for
    tasks = [
        open_task(each.contact_point.patient, kind=TaskKind.CALL, now=now) for each in (seen, quiet)
    ]
    client = signed_in(nurse)

    pages = [client.get(f"/console/task/{each.pk}/").content.decode() for each in tasks]

    assert f'data-open-conversation="{seen.pk}"' in pages[0]
    assert "data-open-conversation" not in pages[1]
