"""Questionnaires: one question at a time, understood as people write, and worrying ones heard."""

from datetime import UTC, datetime

import pytest

from careplans import forms
from careplans.asking import ask_owed
from careplans.models import Due, Question, Questionnaire, QuestionnaireResponse, State, Task
from conftest import NOON
from conversations.models import Conversation
from staff.models import StaffMember
from tickets.models import Alarm, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def filling(talk: Conversation, templates: None):  # type: ignore[no-untyped-def]
    def begin(code: str) -> QuestionnaireResponse:
        return forms.start_response(
            Questionnaire.objects.get(code=code),
            patient=talk.contact_point.patient,
            conversation=talk,
            now=NOON,
        )

    return begin


def test_a_wound_that_heals_is_four_answers_and_no_nurse(filling) -> None:  # type: ignore[no-untyped-def]
    response = filling("wound")
    asked = []
    for text in ("没有红肿", "2", "3分", "36.8度"):
        question = forms.next_question(response)
        asked.append(question.number)
        forms.answer(response, text, now=NOON)

    assert asked == [1, 2, 3, 4] and forms.next_question(response) is None
    assert response.score == 4 and response.completed_at == NOON
    assert forms.band_of(response)["urgency"] == 1
    kept = QuestionnaireResponse.objects.get(pk=response.pk)
    assert kept.answers["4"]["value"] == 36.8
    assert Ticket.objects.get().urgency == 1  # by the score: to be watched


def test_a_worrying_answer_opens_a_ticket_before_the_rest_is_asked(filling, nurse) -> None:  # type: ignore[no-untyped-def]
    response = filling("wound")

    following = forms.answer(response, "又红又肿", now=NOON)

    assert following is not None and following.number == 2
    assert Ticket.objects.get().urgency == 2
    assert Task.objects.get().kind == "worrying"
    # What is less worrying lowers nothing.
    forms.answer(response, "没有", now=NOON)
    assert Ticket.objects.get().urgency == 2 and response.urgency == 2


def test_danger_rings(filling) -> None:  # type: ignore[no-untyped-def]
    response = filling("blood-pressure")
    for text in ("120", "80", "有"):
        forms.answer(response, text, now=NOON)

    assert Ticket.objects.get().urgency == 3
    assert Alarm.objects.get().rules == ["questionnaire.blood-pressure"]


@pytest.mark.parametrize(
    ("value", "urgency"), [("89", 2), ("90", 0), ("179", 0), ("180", 2), ("高压有185", 2)]
)
def test_the_borders_of_a_pressure(filling, value: str, urgency: int) -> None:  # type: ignore[no-untyped-def]
    question = forms.next_question(filling("blood-pressure"))
    assert forms.read_reply(question, value).urgency == urgency


@pytest.mark.parametrize("text", ["三十", "1200", "什么意思", "120 80", ""])
def test_what_is_no_answer_is_asked_again(filling, text: str) -> None:  # type: ignore[no-untyped-def]
    response = filling("blood-pressure")

    with pytest.raises(forms.NotUnderstood):
        forms.answer(response, text, now=NOON)

    assert forms.next_question(response).number == 1
    assert [forms.note_miss(response), forms.note_miss(response)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "score"),
    [("有点红", 1), ("B", 1), ("2", 1), ("又红又肿,好难受", 3), ("Not red", 0), ("没有红肿。", 0)],
)
def test_a_choice_is_heard_by_word_number_and_letter(filling, text: str, score: int) -> None:  # type: ignore[no-untyped-def]
    question = forms.next_question(filling("wound"))
    assert forms.read_reply(question, text).score == score


def test_a_question_is_asked_in_their_language(filling) -> None:  # type: ignore[no-untyped-def]
    question = forms.next_question(filling("wound"))
    text, options = forms.ask(question, language="en")
    assert text.startswith("How does") and options[0] == "Not red"


def test_the_last_answer_settles_what_was_asked(talk: Conversation, follow_up) -> None:  # type: ignore[no-untyped-def]
    follow_up("diabetes-15")
    now = datetime(2026, 11, 19, 0, 30, tzinfo=UTC)
    ask_owed(now=now)
    due = Due.objects.get(state=State.ASKED)
    form = due.step.questionnaire
    response = forms.start_response(
        form, patient=talk.contact_point.patient, conversation=talk, due=due, now=now
    )
    assert response == forms.start_response(
        form, patient=talk.contact_point.patient, conversation=talk, due=due, now=now
    )

    forms.answer(response, "6.2", now=now)
    assert Due.objects.get(pk=due.pk).state == State.ASKED
    forms.answer(response, "没有", now=now)

    assert Due.objects.get(pk=due.pk).state == State.ACKNOWLEDGED
    with pytest.raises(forms.AlreadyAnswered):
        forms.answer(response, "没有", now=now)


def test_the_shipped_forms_are_drafts_and_say_where_they_come_from(
    templates: None, nurse: StaffMember
) -> None:
    for form in Questionnaire.objects.all():
        assert form.source and not form.is_signed_off
        assert form.questions.count() >= 2
    for question in Question.objects.all():
        assert question.text_en
        assert all(each["text_en"] for each in question.options)
