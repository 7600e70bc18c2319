"""Questionnaires answered one question at a time; what is worrying to hear brings a nurse."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from careplans.models import (
    Due,
    Question,
    QuestionKind,
    Questionnaire,
    QuestionnaireResponse,
    Task,
    TaskKind,
)
from careplans.services import AlreadySettled, acknowledge
from careplans.tasks import open_task
from careplans.wording import options_of
from conversations.models import Conversation
from patients.models import Patient
from tickets.models import Reason
from tickets.services import hand_over, lock, raise_alarm
from triage.labels import Urgency

SCALE = (0.0, 10.0)  # where a question says nothing else
MOST_WORDS = 500  # characters kept of an answer in free text
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ZH = {
    "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "十": 10,
}  # fmt: skip


class NotUnderstood(Exception):
    """No answer to this question; it may be asked again, or be about something else."""


class AlreadyAnswered(Exception):
    """There is no question left."""


@dataclass(frozen=True)
class Heard:
    """One answer: what is kept, what it scores, and how worrying it is."""

    value: float | str
    score: float = 0.0
    urgency: int = 0  # triage.labels.Urgency


def start_response(
    questionnaire: Questionnaire,
    *,
    patient: Patient,
    conversation: Conversation | None,
    now: datetime,
    due: Due | None = None,
) -> QuestionnaireResponse:
    """Begin with a questionnaire; one that was begun for this due row goes on."""
    fields: dict[str, Any] = {
        "questionnaire": questionnaire,
        "patient": patient,
        "data_key_id": patient.data_key_id,
        "conversation": conversation,
        "answers": {},
        "started_at": now,
    }
    if due is None:
        return QuestionnaireResponse.objects.create(**fields)
    return QuestionnaireResponse.objects.get_or_create(due=due, defaults=fields)[0]


def next_question(response: QuestionnaireResponse) -> Question | None:
    """The first that has no answer yet; None when all have one."""
    answered = {int(number) for number in response.answers}
    questions = response.questionnaire.questions.order_by("number")
    return next((each for each in questions if each.number not in answered), None)


def ask(question: Question, *, language: str) -> tuple[str, list[str]]:
    """The words of a question, and what can be tapped for an answer."""
    options = options_of(question.kind, question.options, language=language)
    return question.in_language("text", language), options


def read_reply(question: Question, text: str) -> Heard:
    """What a text answers to a question. Pure; raises NotUnderstood."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    match question.kind:
        case QuestionKind.CHOICE:
            return _choice(question, plain)
        case QuestionKind.TEXT:
            if not plain:
                raise NotUnderstood
            return Heard(text.strip()[:MOST_WORDS])
    least, most = question.least, question.most
    if question.kind == QuestionKind.SCALE:
        least = SCALE[0] if least is None else least
        most = SCALE[1] if most is None else most
    value = _number(plain)
    if (least is not None and value < least) or (most is not None and value > most):
        raise NotUnderstood  # mistyped, or about something else
    low = question.alarm_below is not None and value < question.alarm_below
    high = question.alarm_above is not None and value > question.alarm_above
    score = value if question.kind == QuestionKind.SCALE else 0.0
    return Heard(value, score=score, urgency=question.urgency if low or high else 0)


def _choice(question: Question, plain: str) -> Heard:
    """An option by its words, in either language, by its number or letter."""
    options = question.options
    words = [
        {str(each.get(key, "")).casefold() for key in ("text", "text_en")} - {""}
        for each in options
    ]
    bare = plain.strip(" .。!！、)(")
    for at, each in enumerate(words):
        if bare in each or bare in (str(at + 1), "abcdefgh"[at : at + 1]):
            return _option(options[at])
    # A longer answer counts where it names one option only: "有点红" is within none of "没有红肿".
    within = [at for at, each in enumerate(words) if any(word in bare for word in each)]
    longest = [
        at
        for at in within
        if not any(
            word != other and word in other
            for word in words[at]
            for rest in within
            if rest != at
            for other in words[rest]
        )
    ]
    if len(longest) != 1:
        raise NotUnderstood
    return _option(options[longest[0]])


def _option(option: dict[str, Any]) -> Heard:
    return Heard(
        str(option["text"]),
        score=float(option.get("score", 0)),
        urgency=int(option.get("urgency", 0)),
    )


def _number(plain: str) -> float:
    """The one number of an answer: 36.8度, about 120. Raises NotUnderstood."""
    found = _NUMBER.findall(plain)
    if len(found) == 1:
        return float(found[0])
    spoken = [value for word, value in _ZH.items() if word in plain]
    if not found and len(spoken) == 1:
        return float(spoken[0])
    raise NotUnderstood


@transaction.atomic
def answer(
    response: QuestionnaireResponse, text: str, *, now: datetime, is_handed_over: bool = False
) -> Question | None:
    """Keep the answer to the question that is next, and return the one after it; None: it is done.

    What is worrying opens a ticket at once, before the rest is asked; with `is_handed_over` whoever
    asks sees to that, by `response.urgency`. Raises NotUnderstood, AlreadyAnswered.
    """
    if response.conversation is not None:
        lock(response.conversation)  # before its rows, as whoever writes there does
    row = QuestionnaireResponse.objects.select_for_update().get(pk=response.pk)
    question = next_question(row)
    if question is None or row.completed_at is not None:
        raise AlreadyAnswered
    heard = read_reply(question, text)
    row.answers = {
        **row.answers,
        str(question.number): {"value": heard.value, "score": heard.score},
    }
    row.misses = 0
    following = next_question(row)
    urgency = heard.urgency
    if following is None:
        row.score = sum(each["score"] for each in row.answers.values())
        row.completed_at = now
        urgency = max(urgency, band_of(row).get("urgency", 0))
    if urgency > row.urgency:
        row.urgency = urgency
        _bring_nurse(row, now=now, is_handed_over=is_handed_over)
    row.save()
    if following is None and row.due is not None:
        _settle(row.due, now=now)
    for name in ("answers", "misses", "score", "urgency", "completed_at"):
        setattr(response, name, getattr(row, name))
    return following


@transaction.atomic
def take_back(response: QuestionnaireResponse, *, number: int) -> None:
    """Forget the answers from this question on: somebody went back to it."""
    row = QuestionnaireResponse.objects.select_for_update().get(pk=response.pk)
    row.answers = {each: said for each, said in row.answers.items() if int(each) < number}
    row.save(update_fields=["answers"])
    response.answers = row.answers


def note_miss(response: QuestionnaireResponse) -> int:
    """Count an answer that was none; after the second a person should ask."""
    response.misses += 1
    QuestionnaireResponse.objects.filter(pk=response.pk).update(misses=response.misses)
    return response.misses


def band_of(response: QuestionnaireResponse) -> dict[str, Any]:
    """What the score means, in the questionnaire's own words; empty where it says nothing."""
    bands = sorted(response.questionnaire.bands, key=lambda each: each["from"])
    reached = [each for each in bands if each["from"] <= (response.score or 0)]
    return reached[-1] if reached else {}


def _settle(due: Due, *, now: datetime) -> None:
    try:
        acknowledge(due, now=now)
    except AlreadySettled:
        return  # stopped meanwhile; the answers are kept all the same


def _bring_nurse(response: QuestionnaireResponse, *, now: datetime, is_handed_over: bool) -> Task:
    """A ticket where there is a conversation, and a task that says why; an emergency rings."""
    form, conversation = response.questionnaire, response.conversation
    danger = response.urgency >= Urgency.EMERGENCY
    if conversation is not None and not is_handed_over:
        ticket = hand_over(
            conversation,
            reason=Reason.RED_FLAG if danger else Reason.OUT_OF_SCOPE,
            urgency=response.urgency,
            department=form.department,
            now=now,
        )
        if danger:
            rule = f"questionnaire.{form.code}"
            raise_alarm(ticket, rules=[rule], seq=conversation.last_seq, now=now)
    return open_task(
        response.patient,
        kind=TaskKind.WORRYING,
        about=f"response {response.pk}",
        priority=response.urgency,
        department=form.department,
        plan=response.due.plan if response.due else None,
        due=response.due,
        now=now,
    )
