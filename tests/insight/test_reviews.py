"""Where people and model differ is found in what is stored, once, and without anybody's words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from conftest import NOON, PatientWrites
from hospital.demo import seed_hospital
from insight import reviews
from insight.labels import Labels
from insight.models import Bookmark, Kind, Review
from insight.reviews import (
    AlreadySettled,
    Contradiction,
    Difference,
    NothingToAccept,
    accept,
    collect_reviews,
    correct,
    labels_of,
    skip,
)
from knowledge.demo import seed_articles
from patients.services import erase_patient
from staff.models import StaffMember
from tickets.models import Alarm, Outcome, Ticket
from triage.labels import DepartmentScore, Distress, Intent, Urgency

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SOON = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)
EVENING = NOON + timedelta(hours=6)


def found() -> list[tuple[str, int]]:
    collect_reviews(now=EVENING)
    return sorted(Review.objects.values_list("kind", "message__seq"))


def test_what_the_model_was_not_sure_of_and_a_nurse_handled_is_reviewed(
    model, patient_writes, nurse_ends
) -> None:
    model.means("other", abstained=True, intent_confidence=0.3)
    message = patient_writes("我也说不清哪里不对").message
    ticket = nurse_ends()

    assert found() == [(Kind.ABSTAINED, message.seq)]
    review = Review.objects.get()
    assert (review.ticket, review.model) == (ticket, "test 1 abc")
    assert review.settled_at is None


def test_while_the_ticket_is_open_there_is_nothing_to_review(model, patient_writes) -> None:
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对")

    assert found() == []


def test_two_sweeps_find_it_once(model, patient_writes, nurse_ends) -> None:
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对")
    nurse_ends()

    first = collect_reviews(now=EVENING)
    Bookmark.objects.all().delete()
    second = collect_reviews(now=EVENING)
    third = collect_reviews(now=EVENING + timedelta(minutes=10))

    assert (first, second, third) == (1, 0, 0)


def test_a_sweep_that_was_away_for_days_catches_up_day_by_day(
    model, patient_writes, nurse_ends
) -> None:
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对")
    nurse_ends(resolved_at=NOON + timedelta(days=2, hours=3))
    now = NOON + timedelta(days=3)

    assert [collect_reviews(now=now) for _ in range(4)] == [0, 0, 1, 0]


def test_a_nurse_who_chose_another_department_is_heard(model, patient_writes, nurse_ends) -> None:
    model.means("medication", departments=(DepartmentScore("呼吸内科", 0.9),))
    message = patient_writes("孩子咳嗽药怎么吃").message
    nurse_ends(to_department="儿科")

    assert found() == [(Kind.DEPARTMENT, message.seq)]


def test_the_same_department_is_no_difference(model, patient_writes, nurse_ends) -> None:
    model.means("medication", departments=(DepartmentScore("儿科", 0.9),))
    patient_writes("孩子咳嗽药怎么吃")
    nurse_ends(to_department="儿科")

    assert found() == []


def test_an_emergency_that_the_model_did_not_see_is_reviewed(
    model, patient_writes, nurse_ends
) -> None:
    model.means("medication", urgency=Urgency.ROUTINE)
    message = patient_writes("吃了药以后不太舒服").message
    nurse_ends(Outcome.EMERGENCY)

    assert found() == [(Kind.MISSED, message.seq)]


def test_an_emergency_that_the_model_saw_is_no_difference(
    model, patient_writes, nurse_ends
) -> None:
    model.means("emergency", urgency=Urgency.EMERGENCY)
    patient_writes("吃了药以后不太舒服")
    nurse_ends(Outcome.EMERGENCY)

    assert found() == []


@pytest.mark.parametrize("by", ["rule", "model"])
def test_an_alarm_that_was_none_is_reviewed(model, patient_writes, nurse_ends, by: str) -> None:
    model.means("emergency", urgency=Urgency.EMERGENCY)
    text = "我胸口很痛，喘不上气" if by == "rule" else "吃了药以后不太舒服"
    message = patient_writes(text).message
    assert Alarm.objects.exists()
    nurse_ends(Outcome.RETURNED)

    assert found() == [(Kind.FALSE_ALARM, message.seq)]
    assert Review.objects.get().model == ("" if by == "rule" else "test 1 abc")


@pytest.mark.parametrize(
    ("outcome", "heard_after"),
    [
        (Outcome.EMERGENCY, timedelta(minutes=1)),
        (Outcome.NO_ANSWER, timedelta(minutes=1)),
        (Outcome.RETURNED, timedelta(minutes=30)),
    ],
    ids=["it was one", "nobody knows", "heard too late to tell"],
)
def test_an_alarm_that_may_have_been_one_is_not(
    model, patient_writes, nurse_ends, outcome: Outcome, heard_after: timedelta
) -> None:
    patient_writes("我胸口很痛，喘不上气")
    nurse_ends(outcome, claimed_at=NOON + heard_after)

    assert found() == []


def test_the_emergency_button_says_nothing_of_words(
    patient_writes: PatientWrites, nurse_ends
) -> None:
    patient_writes("紧急", tap="emergency")
    nurse_ends(Outcome.RETURNED)

    assert found() == []


def answered(model, patient_writes) -> int:
    seed_hospital(NOON)
    seed_articles(NOON, StaffMember.objects.create_superuser("head", display_name="护士长"))
    model.means("visit_guide")
    question = patient_writes("停车场在哪里").message
    return question.seq


@pytest.mark.parametrize("how", ["typed", "tapped"])
def test_a_wish_for_a_person_after_an_answer_puts_the_question_under_review(
    model, patient_writes, how: str
) -> None:
    asked = answered(model, patient_writes)
    model.means("human_agent", wants_human=True)
    patient_writes("转人工", now=SOON, tap="nurse" if how == "tapped" else "")

    assert found() == [(Kind.ASKED, asked)]


def test_a_wish_for_a_person_after_a_greeting_says_nothing(model, patient_writes) -> None:
    patient_writes("你好")
    model.means("human_agent", wants_human=True)
    patient_writes("转人工", now=SOON)

    assert found() == []


def test_thanks_after_an_answer_say_nothing(model, patient_writes) -> None:
    answered(model, patient_writes)
    model.means("chitchat")
    patient_writes("谢谢", now=SOON)

    assert found() == []


def test_what_no_model_said_is_not_reviewed(model, patient_writes, nurse_ends) -> None:
    model.broken = RuntimeError("out of memory")
    patient_writes("我也说不清哪里不对")
    nurse_ends()

    assert found() == []


def test_of_an_erased_patient_nothing_is_collected(model, patient_writes, nurse_ends) -> None:
    model.means("other", abstained=True)
    message = patient_writes("我也说不清哪里不对").message
    nurse_ends()
    erase_patient(message.conversation.contact_point.patient, now=LATER)

    assert found() == []


def test_a_row_that_breaks_stops_no_other(
    model, patient_writes, nurse_ends, monkeypatch, caplog
) -> None:
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对")
    broken = nurse_ends().pk
    message = patient_writes("我也说不清", visitor="visitor-2").message
    nurse_ends()
    look = reviews.of_ticket

    def breaking(ticket: Ticket) -> Iterator[Difference]:
        if ticket.pk == broken:
            raise RuntimeError("我也说不清哪里不对")
        return look(ticket)

    monkeypatch.setattr(reviews, "of_ticket", breaking)

    assert found() == [(Kind.ABSTAINED, message.seq)]
    assert "a row could not be reviewed" in caplog.text
    assert "说不清" not in caplog.text


def test_a_row_holds_nobodys_words(model, patient_writes, nurse_ends) -> None:
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对")
    nurse_ends()
    collect_reviews(now=EVENING)

    held = [str(value) for row in Review.objects.values() for value in row.values()]
    assert not [value for value in held if "说不清" in value]


# --- verdicts ----------------------------------------------------------------------------------

LABELS = Labels(
    intent=Intent.SYMPTOM_TRIAGE,
    urgency=Urgency.SAME_DAY,
    distress=Distress.ANXIOUS,
    wants_human=False,
    department="耳鼻喉科",
    also=(Intent.MEDICATION,),
    accept=("呼吸内科",),
)


def test_to_agree_keeps_what_the_model_said(unsure_review: Review, nurse) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)

    review = Review.objects.get()
    labels = labels_of(review)
    assert labels is not None
    assert (labels.intent, labels.department) == (Intent.SYMPTOM_TRIAGE, "呼吸内科")
    assert (review.verdict, review.settled_by, review.settled_at) == ("accepted", nurse, LATER)


def test_to_correct_keeps_what_the_person_says(unsure_review: Review, nurse) -> None:
    correct(unsure_review.pk, labels=LABELS, by=nurse, now=LATER)

    assert labels_of(Review.objects.get()) == LABELS


def test_to_skip_keeps_no_labels(unsure_review: Review, nurse) -> None:
    skip(unsure_review.pk, by=nurse, now=LATER)

    review = Review.objects.get()
    assert (review.verdict, review.labels) == ("skipped", None)


def test_one_may_change_ones_own_verdict_and_nobody_elses(
    unsure_review: Review, nurse, other_nurse
) -> None:
    skip(unsure_review.pk, by=nurse, now=SOON)
    accept(unsure_review.pk, by=nurse, now=LATER)

    with pytest.raises(AlreadySettled):
        skip(unsure_review.pk, by=other_nurse, now=LATER)
    assert Review.objects.get().verdict == "accepted"


def test_labels_that_contradict_each_other_are_refused(unsure_review: Review, nurse) -> None:
    calm_emergency = Labels(Intent.EMERGENCY, Urgency.ROUTINE, Distress.CALM, wants_human=False)

    with pytest.raises(Contradiction):
        correct(unsure_review.pk, labels=calm_emergency, by=nurse, now=LATER)
    assert Review.objects.get().settled_at is None


def test_nobody_can_agree_with_a_model_that_said_nothing(
    patient_writes, nurse, model, nurse_ends
) -> None:
    patient_writes("我胸口很痛，喘不上气")
    nurse_ends(Outcome.RETURNED)
    collect_reviews(now=EVENING)

    with pytest.raises(NothingToAccept):
        accept(Review.objects.get().pk, by=nurse, now=EVENING)


def test_the_labels_go_with_the_patient(unsure_review: Review, nurse) -> None:
    correct(unsure_review.pk, labels=LABELS, by=nurse, now=LATER)
    erase_patient(unsure_review.message.conversation.contact_point.patient, now=LATER)

    review = Review.objects.get()
    assert labels_of(review) is None
    assert not Review.objects.open().exists()
    assert not Review.objects.settled().exists()
