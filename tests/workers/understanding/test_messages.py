"""The messages written for this project: well-formed, labelled on every head, split by author."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from workers.understanding.training.corpora import DEVELOPMENT, MESSAGES, REAL, TEST, lines

REQUIRED = {"text", "intent", "urgency", "distress", "wants_human", "department", "lang", "voice"}
OPTIONAL = {"also", "accept", "negated", "historic", "danger"}
KINDS = {
    "history",
    "negation",
    "third_person",
    "leaflet",
    "fiction",
    "figure",
    "treated",
    "question",
}
DANGERS = {"explicit", "implicit", *(f"lookalike/{kind}" for kind in KINDS)}
NEAR = 0.6  # of three-character pieces in common: the same message in other words


@pytest.fixture(scope="module")
def by_author() -> dict[str, list[dict[str, Any]]]:
    return {path.stem: list(lines(path)) for path in MESSAGES.glob("*.jsonl")}


@pytest.fixture(scope="module")
def messages(by_author: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [m for theirs in by_author.values() for m in theirs]


def test_every_message_carries_every_label(messages: list[dict[str, Any]]) -> None:
    for m in messages:
        assert REQUIRED <= set(m) <= REQUIRED | OPTIONAL
        assert m["intent"] in set(Intent)
        assert m["urgency"] in set(Urgency)
        assert m["distress"] in set(Distress)
        assert m["department"] is None or m["department"] in DEPARTMENTS
        assert set(m.get("also", ())) <= set(Intent) - {m["intent"]}
        assert set(m.get("accept", ())) <= set(DEPARTMENTS)
        assert m.get("danger", "explicit") in DANGERS


def test_labels_of_real_messages_hold_no_words_of_theirs() -> None:
    labels = list(lines(REAL))
    assert len(labels) >= 3_000
    for m in labels:
        assert set(m) == (REQUIRED | {"also", "accept", "sha", "source"}) - {"text"}
        assert re.fullmatch("[0-9a-f]{16}", m["sha"])


def test_labels_do_not_contradict_each_other(messages: list[dict[str, Any]]) -> None:
    for m in messages:
        danger = m.get("danger") in ("explicit", "implicit")
        urgent = m["urgency"] == Urgency.EMERGENCY
        assert danger == urgent == (m["intent"] == Intent.EMERGENCY), m["text"]
        if m["distress"] == Distress.CRISIS:
            assert urgent, m["text"]
        if m["intent"] == Intent.HUMAN_AGENT:
            assert m["wants_human"], m["text"]


def test_there_is_enough_of_everything(messages: list[dict[str, Any]]) -> None:
    assert len(messages) >= 8_000
    assert Counter(m["intent"] for m in messages).keys() == set(Intent)
    departments = Counter(m["department"] for m in messages)
    assert all(departments[name] >= 100 for name in DEPARTMENTS)
    dangers = Counter(m.get("danger", "").split("/")[0] for m in messages)
    assert dangers["implicit"] >= 750 and dangers["lookalike"] >= 750
    assert 0.15 <= sum(m["lang"] == "en" for m in messages) / len(messages) <= 0.25


def test_no_message_is_told_twice(messages: list[dict[str, Any]]) -> None:
    twice = [text for text, times in Counter(m["text"] for m in messages).items() if times > 1]
    assert not [text for text in twice if len(text) > 12]  # a short one many a person writes


def test_nothing_that_is_measured_was_nearly_learnt_from(
    by_author: dict[str, list[dict[str, Any]]],
) -> None:
    held = [_pieces(m["text"]) for author in DEVELOPMENT | TEST for m in by_author[author]]
    holders = defaultdict(list)
    for nth, pieces in enumerate(held):
        for piece in pieces:
            holders[piece].append(nth)
    for text in _learnt(by_author):
        pieces = _pieces(text)
        shared = Counter(nth for piece in pieces for nth in holders[piece])
        for nth, count in shared.most_common(3):
            assert count / (len(pieces) + len(held[nth]) - count) < NEAR, text


def _learnt(by_author: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for author, theirs in by_author.items():
        if author not in DEVELOPMENT | TEST:
            yield from (m["text"] for m in theirs)


def _pieces(text: str) -> set[str]:
    plain = re.sub(r"\W+", "", text.lower())
    return {plain[at : at + 3] for at in range(max(1, len(plain) - 2))}
