"""What a shipped model may learn from, and how it is measured. No training library needed."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from triage.labels import NOT_UNDERSTOOD, Urgency
from workers.understanding.training import corpora
from workers.understanding.training.augmentation import Slips
from workers.understanding.training.corpora import INTENTS, Example
from workers.understanding.training.measures import (
    Answer,
    calibration_error,
    coverage_at_target,
    macro_f1,
)


@pytest.fixture
def free(tmp_path: Path) -> frozenset[str]:
    verdicts = {"CLINC150": "A", "MidMed": "A-", "toyhom": "B", "CMID": "C", "atc": "N"}
    about = {name: {"verdict": verdict} for name, verdict in verdicts.items()}
    (tmp_path / "sources.json").write_text(json.dumps(about), encoding="utf-8")
    return corpora.free_sources(tmp_path)


def test_only_free_sources_are_learnt_from(free: frozenset[str]) -> None:
    assert free == {"CLINC150", "MidMed"}


def test_a_source_is_known_by_its_last_name(free: frozenset[str]) -> None:
    assert corpora.source_of({"source": "weak:MidMed"}) in free
    assert corpora.source_of({"source": "weak:CMID"}) not in free


def test_no_author_is_both_learnt_from_and_measured() -> None:
    own = corpora.own_messages()
    authors = {e.author for e in own}
    assert authors > corpora.DEVELOPMENT | corpora.TEST
    assert not corpora.DEVELOPMENT & corpora.TEST
    assert {e.author for e in corpora.to_learn_from(own)} == (
        authors - corpora.DEVELOPMENT - corpora.TEST
    )


def test_what_is_wished_too_shares_in_the_truth() -> None:
    m = {
        "text": "转人工,我要退号", "intent": "change_appointment", "also": ["fees_insurance"],
        "urgency": 0, "distress": "calm", "wants_human": True, "department": "儿科",
        "accept": ["骨科"], "lang": "zh", "voice": "v",
    }  # fmt: skip

    example = corpora.example(m, author="a")

    assert example.first("intent") == corpora.INTENTS.index("change_appointment")
    assert example.intent == {1: 0.75, corpora.INTENTS.index("fees_insurance"): 0.25}
    assert sum((example.department or {}).values()) == 1


def test_a_real_message_is_found_by_the_hash_of_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {
        "sha": corpora.sha_of("头 疼"), "source": "s", "intent": "symptom_triage", "urgency": 1,
        "distress": "calm", "wants_human": False, "department": None, "lang": "zh", "voice": "s",
    }  # fmt: skip
    (tmp_path / "labels.jsonl").write_text(json.dumps(labels) + "\n", encoding="utf-8")
    (tmp_path / "corpus_open.jsonl").write_text('{"text": "别的"}\n', encoding="utf-8")
    (tmp_path / "dialogues.jsonl").write_text(
        '{"turns": [["D", "您好"], ["P", "头  疼"]]}\n', encoding="utf-8"
    )
    monkeypatch.setattr(corpora, "REAL", tmp_path / "labels.jsonl")

    assert [(e.text, e.author) for e in corpora.real_messages(tmp_path)] == [("头 疼", "s")]


def test_a_slip_of_the_hand_leaves_a_message(tmp_path: Path) -> None:
    table = tmp_path / "confusions.tsv"
    table.write_text("疼\t痛 腾\n囊\t\n", encoding="utf-8")
    slips = Slips(table, random.Random(1))
    written = {slips.write_again("我头疼,囊肿疼,疼了三天") for _ in range(200)}
    assert len(written) > 5
    assert all(written)


def test_macro_f1_counts_every_label_the_same() -> None:
    assert macro_f1([("a", "a"), ("a", "a"), ("b", "a")]) == pytest.approx((0.8 + 0.0) / 2)
    assert macro_f1([]) is None


def test_an_answer_of_the_model_counts_as_emergency_by_urgency_too() -> None:
    assert not Answer.of(NOT_UNDERSTOOD, "你好").emergency
    assert Answer.of(replace(NOT_UNDERSTOOD, urgency=Urgency.EMERGENCY), "你好").emergency


def test_rules_are_counted_beside_the_model() -> None:
    assert Answer.of(NOT_UNDERSTOOD, "我爸没有呼吸了").by_rule
    assert not Answer.of(NOT_UNDERSTOOD, "几点开门").by_rule


def _pair(intent: str, said: str, confidence: float) -> tuple[Example, Answer]:
    example = Example("", "a", intent={INTENTS.index(intent): 1.0})
    return example, replace(Answer.of(NOT_UNDERSTOOD, ""), intent=said, confidence=confidence)


def test_coverage_keeps_the_surest_while_enough_are_right() -> None:
    right = [_pair("chitchat", "chitchat", 0.9)] * 19
    wrong = [_pair("chitchat", "other", 0.5)]
    assert coverage_at_target([*right, *wrong]) == 1.0
    assert coverage_at_target([*right, *wrong, *wrong]) == pytest.approx(20 / 21)


def test_a_confidence_that_is_kept_has_no_error() -> None:
    pairs = [_pair("chitchat", "chitchat", 0.75)] * 3 + [_pair("chitchat", "other", 0.75)]
    assert calibration_error(pairs) == pytest.approx(0)
    assert calibration_error([_pair("chitchat", "other", 1.0)]) == pytest.approx(1)
