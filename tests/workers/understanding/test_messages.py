"""The messages written for this project: well-formed, labelled on every head, split by voice."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from workers.understanding import SHIPPED

MESSAGES = SHIPPED.parent / "data" / "messages.jsonl"
FIELDS = {"text", "intent", "urgency", "distress", "wants_human", "department", "lang", "voice"}


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(MESSAGES).read_text(encoding="utf-8").splitlines()]


def test_every_message_carries_every_label(messages: list[dict[str, Any]]) -> None:
    for m in messages:
        assert set(m) == FIELDS
        assert m["intent"] in set(Intent)
        assert m["urgency"] in set(Urgency)
        assert m["distress"] in set(Distress)
        assert m["department"] is None or m["department"] in DEPARTMENTS


def test_no_message_is_told_twice(messages: list[dict[str, Any]]) -> None:
    assert max(Counter(m["text"] for m in messages).values()) == 1


def test_labels_do_not_contradict_each_other(messages: list[dict[str, Any]]) -> None:
    for m in messages:
        if m["intent"] == "emergency" or m["distress"] == "crisis":
            assert m["urgency"] == Urgency.EMERGENCY, m["text"]
        if m["intent"] == "human_agent":
            assert m["wants_human"], m["text"]


def test_every_intent_and_every_department_is_heard(messages: list[dict[str, Any]]) -> None:
    assert {m["intent"] for m in messages} == set(Intent)
    assert {m["department"] for m in messages} - {None} == set(DEPARTMENTS)
