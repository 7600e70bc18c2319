"""What a shipped model may learn from, and how it is measured. No training library needed."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from triage.labels import NOT_UNDERSTOOD, Urgency
from workers.understanding.training import corpora
from workers.understanding.training.augmentation import Slips
from workers.understanding.training.corpora import CALIBRATION_VOICES, TEST_VOICES, is_free
from workers.understanding.training.measures import Answer, macro_f1


@pytest.fixture
def free(tmp_path: Path) -> frozenset[str]:
    verdicts = {"CLINC150": "A", "MidMed": "A-", "toyhom": "B", "CMID": "C", "atc": "N"}
    about = {name: {"verdict": verdict} for name, verdict in verdicts.items()}
    (tmp_path / "sources.json").write_text(json.dumps(about), encoding="utf-8")
    return corpora.free_sources(tmp_path)


def test_only_free_sources_are_learnt_from(free: frozenset[str]) -> None:
    assert free == {"CLINC150", "MidMed"}


@pytest.mark.parametrize("source", ["CLINC", "intent_train:CLINC150", "weak:MidMed", "MidMed"])
def test_a_free_source_is_known_under_all_its_names(source: str, free: frozenset[str]) -> None:
    assert is_free(source, free)


@pytest.mark.parametrize("source", ["toyhom", "weak:CMID", "atc", "something new"])
def test_what_is_not_known_to_be_free_stays_out(source: str, free: frozenset[str]) -> None:
    assert not is_free(source, free)


def test_no_voice_is_both_learnt_from_and_measured() -> None:
    voices = {e.voice for e in corpora.own_messages()}
    assert voices > CALIBRATION_VOICES | TEST_VOICES
    assert not CALIBRATION_VOICES & TEST_VOICES


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
    assert not Answer.of(NOT_UNDERSTOOD).emergency
    assert Answer.of(replace(NOT_UNDERSTOOD, urgency=Urgency.EMERGENCY)).emergency
