"""A candidate hears each message after the patient was answered, and nobody hears the candidate."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from channels_app.frames import for_patient, for_staff
from conftest import NOON, Model
from conversations.models import Author, Message
from insight import shadow
from insight.labels import Labels
from insight.management.commands import shadow_report
from insight.reviews import correct
from insight.shadow import note_shadow
from patients.services import erase_patient
from tickets.models import Ticket
from triage.labels import DepartmentScore, Distress, Intent, Urgency
from workers import listeners, understanding

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SECRET = "一句很私密的话"
MODEL = "test 1 abc"


@pytest.fixture
def candidate() -> Model:
    stand_in = Model()
    stand_in.means("medication", model="next 2 def", urgency=Urgency.ROUTINE)
    return stand_in


@pytest.fixture
def rung(monkeypatch, model: Model, patient_writes) -> Any:
    """A patient writes, and the worker's listener does what it does."""
    monkeypatch.setattr(listeners, "understand", model)

    def ring(text: str, **fields: Any) -> Message:
        message: Message = patient_writes(text, attended=False, **fields).message
        listeners.on_message_received(conversation_id=message.conversation_id)
        return Message.objects.get(pk=message.pk)

    return ring


@pytest.fixture
def heard_beside(monkeypatch, candidate: Model) -> Model:
    monkeypatch.setattr(listeners, "candidate", lambda: candidate)
    return candidate


def outcome_of(message: Message) -> list[tuple[Any, ...]]:
    """What patient, nurse and workers have of one message."""
    rows = Message.objects.filter(conversation=message.conversation_id).order_by("seq")
    said = [(row.seq, row.author, row.text, row.sent_at is None, row.epoch) for row in rows]
    tickets = Ticket.objects.filter(conversation=message.conversation_id)
    return [*said, *tickets.values_list("reason", "urgency", "department")]


def test_what_the_candidate_says_is_kept_beside_what_was_said(rung, heard_beside) -> None:
    message = rung(SECRET)

    assert heard_beside.asked == [SECRET]
    assert message.details["understanding"]["model"] == MODEL
    kept = message.details["shadow"]
    assert (kept["model"], kept["intent"], kept["urgency"]) == ("next 2 def", "medication", 1)


def test_the_patient_is_answered_before_the_candidate_is_asked(
    rung, monkeypatch, model: Model
) -> None:
    answers_then: list[int] = []

    def asked(text: str) -> Any:
        answers_then.append(Message.objects.filter(author=Author.ASSISTANT).count())
        return model.meaning

    monkeypatch.setattr(listeners, "candidate", lambda: asked)
    rung("你好")

    assert answers_then == [1]


def test_it_lies_in_the_row_sealed(rung, heard_beside) -> None:
    message = rung(SECRET)

    with connection.cursor() as cursor:
        cursor.execute("SELECT details FROM conversations_message WHERE id = %s", [message.pk])
        held = bytes(cursor.fetchone()[0])
    assert b"next 2 def" not in held
    assert b"medication" not in held


def test_it_is_shown_to_nobody(rung, heard_beside) -> None:
    message = rung(SECRET)

    shown = json.dumps([*for_staff([message]), *for_patient([message])], ensure_ascii=False)
    assert "understanding" in shown  # a nurse sees what was understood
    assert "next 2 def" not in shown


def test_a_candidate_that_breaks_changes_nothing(rung, monkeypatch, candidate, caplog) -> None:
    alone = rung(SECRET, visitor="visitor-1")
    candidate.broken = RuntimeError(SECRET)
    monkeypatch.setattr(listeners, "candidate", lambda: candidate)

    with caplog.at_level(logging.INFO):
        beside = rung(SECRET, visitor="visitor-2")

    assert outcome_of(beside) == outcome_of(alone)
    assert beside.handled_at is not None
    assert "shadow" not in beside.details
    (record,) = [each for each in caplog.records if each.name == shadow.__name__]
    assert record.getMessage() == "shadow failed"
    assert vars(record)["error"] == "RuntimeError"
    assert SECRET not in caplog.text + str(vars(record))


def test_a_ring_that_comes_twice_asks_once(rung, heard_beside, candidate) -> None:
    message = rung("你好")

    listeners.on_message_received(conversation_id=message.conversation_id)
    note_shadow([message.pk], understand=candidate)

    assert len(heard_beside.asked) == 1


def test_what_no_model_understood_is_not_given_to_the_candidate(rung, heard_beside) -> None:
    rung("我胸口很痛，喘不上气")  # the rules at the door answered
    rung("菜单", visitor="visitor-2", tap="menu")

    assert heard_beside.asked == []


def test_an_erased_patients_words_reach_no_candidate(patient_writes, candidate) -> None:
    message = patient_writes("你好").message
    erase_patient(message.conversation.contact_point.patient, now=NOON)

    note_shadow([message.pk], understand=candidate)

    assert candidate.asked == []


def test_without_the_variable_there_is_no_candidate(rung, monkeypatch) -> None:
    monkeypatch.delenv("UNDERSTANDING_SHADOW", raising=False)

    assert understanding.candidate() is None
    assert "shadow" not in rung("你好").details


def test_the_variable_names_the_candidates_folder(monkeypatch) -> None:
    monkeypatch.setenv("UNDERSTANDING_SHADOW", str(understanding.SHIPPED))

    heard = understanding.candidate()

    assert heard is not None
    assert heard("你好,请问几点开门").model == understanding.understand("你好").model


def test_a_candidate_that_does_not_load_is_told_once(monkeypatch, tmp_path, caplog, rung) -> None:
    monkeypatch.setattr(understanding, "_given_up", set())
    monkeypatch.setenv("UNDERSTANDING_SHADOW", str(tmp_path))

    for number in range(3):
        assert rung("你好", visitor=f"visitor-{number}").handled_at is not None

    told = [r for r in caplog.records if r.getMessage() == "the candidate does not load"]
    assert len(told) == 1


# --- the report ----------------------------------------------------------------------------------


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    later = NOON + timedelta(hours=2)
    monkeypatch.setattr(shadow_report.timezone, "now", lambda: later)


def test_the_report_counts_where_both_differ(
    patient_writes, model: Model, candidate: Model, at_noon, unsure_review, nurse, capsys
) -> None:
    def understood(text: str, visitor: str) -> Message:
        message: Message = patient_writes(text, visitor=visitor).message
        note_shadow([message.pk], understand=candidate)
        return message

    note_shadow([unsure_review.message_id], understand=candidate)
    truth = Labels(
        Intent.MEDICATION, Urgency.ROUTINE, Distress.CALM, wants_human=False,
        department="耳鼻喉科", accept=("呼吸内科",),
    )  # fmt: skip
    correct(unsure_review.pk, labels=truth, by=nurse, now=NOON)
    model.means("chitchat")
    candidate.meaning = replace(candidate.meaning, intent=Intent.CHITCHAT, urgency=Urgency.NONE)
    understood("你好", "visitor-2")
    candidate.means(
        "emergency", model="next 2 def", urgency=Urgency.EMERGENCY, abstained=True,
        departments=(DepartmentScore("急诊科", 0.9),),
    )  # fmt: skip
    understood("那边不太好", "visitor-3")

    call_command("shadow_report", days=1)

    printed = " ".join(capsys.readouterr().out.split())
    for line in (
        "model test 1 abc",
        "candidate next 2 def",
        "messages in 1 days 3",
        "same intent 1 33.3 %",
        "same distress 3 100.0 %",
        "emergencies of the model alone 0",
        "emergencies of the candidate alone 1",
        "model not sure 1 33.3 %",
        "candidate not sure 1 33.3 %",
        "intent symptom_triage medication 1",
        "intent chitchat emergency 1",
        "department none 急诊科 1",
        "right, of 1 settled reviews model candidate",
        "intent 0 1",
        "department 1 0",
    ):
        assert line in printed, line
    assert "舒服" not in printed


def test_an_empty_report_says_so(at_noon, capsys) -> None:
    call_command("shadow_report")

    assert "No message was understood by a candidate" in capsys.readouterr().out
