"""The pages of this room open, show what they should, and leave a trace of each look."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from careplans import feedback, forms, tasks
from careplans.models import (
    CarePlan,
    Due,
    Feedback,
    FeedbackDigest,
    PlanTemplate,
    Questionnaire,
    TaskKind,
)
from conftest import NOON
from conversations.models import Conversation
from staff.models import Role, StaffMember
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def admin(staff: Callable[..., StaffMember]) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff(Role.ADMIN, is_staff=True))
    return client


def page(row: object) -> str:
    name = row._meta.label_lower.replace(".", "_")  # type: ignore[attr-defined]
    return reverse(f"admin:{name}_change", args=[row.pk])  # type: ignore[attr-defined]


def test_each_page_opens_and_looks_at_patients_are_logged(
    admin: Client, medicine: Callable[..., CarePlan], templates: None, talk: Conversation
) -> None:
    patient = talk.contact_point.patient
    plan = medicine()
    form = Questionnaire.objects.get(code="wound")
    response = forms.start_response(form, patient=patient, conversation=talk, now=NOON)
    forms.answer(response, "有点红", now=NOON)
    task = tasks.open_task(patient, kind=TaskKind.CALL, words="请电话问一下", now=NOON)
    feedback.owe_for_visit(7, patient=patient, conversation=talk, now=NOON)
    given = feedback.give_feedback(Feedback.objects.get(), rating=4, words="不错", now=NOON)
    shown = {plan: "缬沙坦", response: "有点红", task: "请电话问一下", given: "不错"}

    for row, words in shown.items():
        before = AccessEntry.objects.count()
        answer = admin.get(page(row))
        assert answer.status_code == 200 and words in answer.content.decode(), row
        assert AccessEntry.objects.count() == before + 1
    for row in (Due.objects.earliest("pk"), PlanTemplate.objects.earliest("pk"), form):
        assert admin.get(page(row)).status_code == 200, row


def test_plans_are_paused_resumed_and_stopped_from_their_list(
    admin: Client, medicine: Callable[..., CarePlan]
) -> None:
    plan = medicine()
    where = reverse("admin:careplans_careplan_changelist")
    for action, status in (("pause", "paused"), ("resume", "active"), ("stop", "stopped")):
        admin.post(where, {"action": action, "_selected_action": [plan.pk]})
        plan.refresh_from_db()
        assert plan.status == status


def test_a_digest_is_responded_to(admin: Client, hospital: object) -> None:
    digest = FeedbackDigest.objects.create(
        about="house", first_day="2026-11-16", last_day="2026-11-22", created_at=NOON
    )

    admin.post(page(digest), {"response": "增加了窗口。"})

    digest.refresh_from_db()
    assert digest.response == "增加了窗口。" and digest.responded_by is not None
