"""The allergy guard against recorded cases: it misses none, and its false alarms are counted."""

import json
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import NOON
from patients.models import Patient
from patients.services import create_patient
from records.drugbook import book, find_drugs
from records.guard import check, matched, stated_allergies
from records.models import AllergyIntolerance

pytestmark = pytest.mark.once

CASES = [json.loads(line) for line in (Path(__file__).parent / "allergies.jsonl").open()]
UNSEEN = [json.loads(line) for line in (Path(__file__).parent / "allergies_unseen.jsonl").open()]
UNSEEN_READ, UNSEEN_FALSE = 13, 3  # of 28 that say something, and of all 40: weak, and known
HELD = [case for case in CASES if "flags" in case]
SAID = [case for case in CASES if "says" in case]
FALSE_ALARMS = 0  # of all cases; a change that adds one has to say so here


def allergic(
    *substances: str, age: int | None = None, pregnant: bool = False, criticality: str = "low"
) -> Patient:
    born = NOON.date() - timedelta(days=round(365.25 * age)) if age else None
    patient = create_patient(
        birth_date_text=born.isoformat() if born else None,
        pregnant_until=NOON.date() + timedelta(days=90) if pregnant else None,
    )
    for substance in substances:
        AllergyIntolerance.objects.create(
            patient=patient, data_key=patient.data_key, substance=substance, criticality=criticality
        )
    return patient


def flagged(case: dict[str, Any]) -> dict[str, str]:
    who = {key: case[key] for key in ("age", "pregnant") if key in case}
    concerns = check(
        case["text"],
        allergic(*case["allergic"], **who),
        now=NOON,
        breastfeeding=case.get("breastfeeding", False),
    )
    worst: dict[str, str] = {}
    for each in concerns:
        worst.setdefault(case["text"][slice(*each.span)], each.kind.value)
    return worst


@pytest.mark.django_db
def test_no_recorded_case_is_missed_and_false_alarms_are_counted() -> None:
    wrong: list[Any] = []
    count: Counter[str] = Counter()
    for case in HELD:
        found = flagged(case)
        count["listed"] += len(case["flags"])
        count["found"] += sum(found.get(word) == kind for word, kind in case["flags"].items())
        count["false alarms"] += len(found.keys() - case["flags"].keys())
        if found != case["flags"]:
            wrong.append((case["text"], case["allergic"], case["flags"], found))
    for case in SAID:
        found = {each.words: each.whose for each in stated_allergies(case["text"])}
        count["listed"] += len(case["says"])
        count["found"] += sum(found.get(word) == whose for word, whose in case["says"].items())
        count["false alarms"] += len(found.keys() - case["says"].keys())
        if found != case["says"]:
            wrong.append((case["text"], case["says"], found))

    print(f"\nallergy guard: {len(CASES)} cases, {dict(count)}")
    assert len(CASES) >= 150
    assert count["found"] == count["listed"], wrong
    assert count["false alarms"] <= FALSE_ALARMS, wrong


def test_phrasings_that_no_rule_was_written_for_are_measured_apart() -> None:
    """The recorded cases were written with the rules; these were not, and tell how far they reach.

    Whoever writes rules from them moves them to the recorded cases, and writes new ones here.
    """
    told = read = false_readings = 0
    for case in UNSEEN:
        found = {each.words for each in stated_allergies(case["text"])}
        told += bool(case["says"])
        read += bool(case["says"]) and set(case["says"]) <= found
        false_readings += bool(found - set(case["says"]))

    print(f"\nunseen phrasings: {read} of {told} read, {false_readings} read wrongly")
    assert read >= UNSEEN_READ
    assert false_readings <= UNSEEN_FALSE


def test_the_book_is_wide_enough_and_every_rule_has_both_languages_and_a_source() -> None:
    known = book()

    assert len(known.class_of) >= 250
    assert len(known.names) >= 400
    for rule in (*known.cross, *known.warnings):
        assert rule.zh and rule.en and rule.source


def test_every_name_of_the_book_is_found() -> None:
    for text, name in book().names.items():
        found = find_drugs(text)

        assert [(each.ids, each.span) for each in found] == [(name.ids, (0, len(text)))]


def test_a_long_message_is_read_within_five_milliseconds() -> None:
    text = "我昨天开始发烧,家里有阿莫西林和头孢克肟,还有布洛芬,我对青霉素过敏,能吃头孢吗?" * 20
    find_drugs(text)

    started = time.process_time()
    for _ in range(20):
        stated_allergies(text[:400])
    took = (time.process_time() - started) / 20

    assert took < 0.005


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("substance", "drug", "risk"),
    [
        ("青霉素", "阿莫西林", "avoid"),
        ("青霉素", "头孢拉定", "avoid"),  # the same side chain
        ("青霉素", "头孢曲松", "caution"),  # another one
        ("磺胺", "塞来昔布", "avoid"),
        ("磺胺", "呋塞米", "caution"),
        ("止痛药", "布洛芬", "caution"),  # nobody knows which
        ("青霉素等消炎药", "阿莫西林", "avoid"),
        ("阿司匹林", "布洛芬", "avoid"),
        ("阿司匹林", "对乙酰氨基酚", "caution"),
        ("立普妥", "可定", "caution"),
    ],
)
def test_how_grave_it_is(substance: str, drug: str, risk: str) -> None:
    (concern, *_) = check(drug, allergic(substance), now=NOON)

    assert concern.risk == risk
    assert concern.zh and concern.en


@pytest.mark.django_db
def test_after_a_grave_reaction_a_cross_reaction_is_grave() -> None:
    (concern,) = check("头孢曲松", allergic("青霉素", criticality="high"), now=NOON)

    assert concern.is_critical


@pytest.mark.django_db
def test_an_erased_patient_has_no_allergies_to_match() -> None:
    assert check("阿莫西林", allergic("⌫"), now=NOON) == []


def test_what_is_recorded_in_words_is_matched_to_its_class() -> None:
    assert [zh for zh, _ in matched("阿莫仙(皮疹)")] == ["青霉素类", "阿莫西林"]
    assert matched("说不清的东西") == []


@pytest.mark.parametrize("text", ["ab" * 2_000, "amoxicilin" * 400])
def test_a_word_without_end_is_no_misspelt_medicine(text: str) -> None:
    """Weighed like a name with a letter amiss, it would cost the door some seconds."""
    find_drugs("amoxicilin")
    begun = time.thread_time()

    assert find_drugs(text) == []
    assert time.thread_time() - begun < 0.2


def test_a_sentence_without_end_is_read_as_soon_as_any_page() -> None:
    """Looked through from its beginning for every name in it, it would cost the door seconds."""
    find_drugs("青霉素")
    begun = time.thread_time()

    assert len(stated_allergies("青霉素过敏" * 800)) == 800
    assert time.thread_time() - begun < 0.8
