"""Judging a review in the admin: by grant, with a reason, always logged, each verdict signed."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from insight.models import ModelDay, ReferenceWeek, Review
from insight.reviews import labels_of
from patients.services import erase_patient
from staff.models import Role
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

REASON = "核对模型标注，质控抽查本周"
LIST = "/admin/insight/review/"
LABELS = {
    "verdict": "correct", "reason": REASON, "intent": "symptom_triage", "also": ["medication"],
    "urgency": "1", "distress": "anxious", "department": "呼吸内科", "accept": ["心血管内科"],
}  # fmt: skip


def page_of(house: SimpleNamespace) -> str:
    return f"{LIST}{house.review.pk}/judge/"


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.NURSE, {"is_staff": True}),
        (Role.NURSE, {"is_staff": True, "reads": True}),
        (Role.HEAD_NURSE, {}),
        (Role.ADMIN, {}),
        (Role.ADMIN, {"is_superuser": True}),
    ],
    ids=["a nurse", "a nurse who may read", "a head nurse", "an admin", "a superuser"],
)
def test_who_was_not_given_both_rights_cannot_open_a_review(
    sign_in, house, role: Role, fields: dict[str, bool]
) -> None:
    client = sign_in(role, **fields)

    for answer in (client.get(page_of(house)), client.post(page_of(house), {"reason": REASON})):
        assert answer.status_code == 403
    assert client.post(page_of(house), LABELS).status_code == 403
    assert not AccessEntry.objects.exists()
    assert Review.objects.get().settled_at is None


def test_without_a_reason_nothing_is_shown(sign_in, house) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    for answer in (client.get(page_of(house)), client.post(page_of(house), {"reason": "短"})):
        assert answer.status_code == 200
        assert "胸口很痛" not in answer.content.decode()
    assert not AccessEntry.objects.exists()


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
def test_the_reason_that_is_proposed_will_do(sign_in, house, lang: str) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    page = client.get(page_of(house), headers={"accept-language": lang}).content.decode()
    proposed = re.search(r'name="reason" value="([^"]+)"', page)

    assert proposed is not None
    assert "胸口很痛" in client.post(page_of(house), {"reason": proposed[1]}).content.decode()


def test_a_look_leaves_a_trace_before_the_first_word(sign_in, house) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    page = client.post(page_of(house), {"reason": REASON}).content.decode()

    assert "胸口很痛" in page
    assert "red flag" in page
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.subject, entry.subject_id, entry.reason) == (
        "read", "conversation", house.conversation.pk, f"admin: {REASON}",
    )  # fmt: skip
    assert entry.actor_id == client.member.pk


def test_what_the_model_said_is_shown_with_its_confidences(sign_in, house, model) -> None:
    details = {
        "understanding": {
            "model": "test 1", "intent": "medication", "intent_confidence": 0.41, "urgency": 1,
            "distress": "calm", "distress_confidence": 0.9, "wants_human": False,
            "abstained": True, "departments": [{"name": "呼吸内科", "confidence": 0.62}],
        }
    }  # fmt: skip
    house.message.details = details
    house.message.save()

    page = sign_in(Role.HEAD_NURSE, reads=True).post(page_of(house), {"reason": REASON})

    for shown in ("medication 41%", "calm 90%", "Respiratory Medicine 62 %", "The model is right"):
        assert shown in page.content.decode()


def test_a_correction_is_kept_with_who_and_when(sign_in, house) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    answer = client.post(page_of(house), LABELS)

    assert answer.status_code == 302
    review = Review.objects.get()
    labels = labels_of(review)
    assert labels is not None
    assert (labels.intent, labels.also, labels.department, labels.accept) == (
        "symptom_triage", ("medication",), "呼吸内科", ("心血管内科",),
    )  # fmt: skip
    assert (review.verdict, review.settled_by, labels.wants_human) == (
        "corrected", client.member, False,
    )  # fmt: skip
    assert review.settled_at is not None


def test_labels_that_contradict_each_other_come_back_with_a_sentence(sign_in, house) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    page = client.post(page_of(house), LABELS | {"intent": "emergency"}).content.decode()

    assert "contradict each other" in page
    assert Review.objects.get().settled_at is None
    assert AccessEntry.objects.count() == 1  # the message was shown again


def test_after_a_verdict_the_next_review_waits(sign_in, house) -> None:
    other = Review.objects.create(
        message=house.message, data_key=house.message.data_key, kind="asked", found_at=house.now
    )
    client = sign_in(Role.HEAD_NURSE, reads=True)

    assert client.post(page_of(house), LABELS)["Location"] == f"{LIST}{other.pk}/judge/"
    last = client.post(f"{LIST}{other.pk}/judge/", {"verdict": "skip", "reason": REASON})
    assert last["Location"] == LIST


@pytest.mark.parametrize("verdict", ["skip", "accept"])
def test_the_other_verdicts(sign_in, house, verdict: str) -> None:
    client = sign_in(Role.HEAD_NURSE, reads=True)

    client.post(page_of(house), {"verdict": verdict, "reason": REASON})

    # No model said anything of a red flag, so nobody can agree with it.
    assert Review.objects.get().verdict == {"skip": "skipped", "accept": ""}[verdict]


def test_the_list_is_filtered_and_names_nobody(sign_in, house) -> None:
    client = sign_in(Role.HEAD_NURSE)

    for chosen in ("", "?state=open", "?state=settled", "?state=erased", "?kind__exact=missed"):
        page = client.get(LIST + chosen)
        assert page.status_code == 200
        assert "胸口" not in page.content.decode()
    assert "an alarm that was none" in client.get(LIST + "?state=open").content.decode()


def test_an_erased_patients_row_shows_that_it_was_erased(sign_in, house) -> None:
    erase_patient(house.patient, now=house.now)
    client = sign_in(Role.HEAD_NURSE, reads=True)

    assert "⌫" in client.get(LIST).content.decode()
    page = client.post(page_of(house), {"reason": REASON}).content.decode()
    assert "⌫" in page
    assert "Correct to these labels" not in page
    client.post(page_of(house), LABELS)
    assert Review.objects.get().verdict == ""


def test_an_admin_chooses_the_reference_week_of_a_model(sign_in, house) -> None:
    client = sign_in()
    day = ModelDay.objects.get()
    ReferenceWeek.objects.all().delete()
    add = "/admin/insight/referenceweek/add/"

    def choose(first_day: Any) -> int:
        answer: int = client.post(add, {"model": day.model, "first_day": first_day}).status_code
        return answer

    assert choose(day.day + timedelta(days=30)) == 200  # nothing was counted then
    assert choose(day.day) == 302
    week = ReferenceWeek.objects.get()
    assert (week.model, week.first_day, week.chosen_by) == (day.model, day.day, client.member)
