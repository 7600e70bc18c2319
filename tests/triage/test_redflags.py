"""Red flags: every labelled message, every rule, and what must hold for any text.

`cases.jsonl` is the bank, one labelled message a line: `rules` must be raised, and nothing when
they are empty; `danger` wants a flag, whichever. A `known_miss` is labelled as it should be, and
not met yet: it counts only in the shares below, and its mark goes when it is met.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.labels import DEPARTMENTS
from triage.redflags import RULE_BOOK, find_red_flags
from triage.rulebook import DRAFT, Rule

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()
]
MET = [case for case in CASES if not case.get("known_miss")]
TRAPS = [
    "negation",
    "history",
    "knowledge",
    "figure",
    "fear",
    "harmless",
    "third_person",
    "leaflet",
    "fiction",
    "treated",
    "question",
]
FLOORS = {  # share of a family's messages that are judged as labelled: Chinese, English
    "explicit": (0.98, 0.98),
    "implicit": (0.82, 0.8),
    "negation": (0.92, 0.92),
    "history": (0.94, 0.8),
    "third_person": (0.88, 0.85),
    "leaflet": (0.9, 0.9),
    "fiction": (0.86, 0.9),
    "figure": (0.96, 0.95),
    "treated": (0.9, 0.85),
    "question": (0.85, 0.92),
    "harmless": (0.98, 0.95),
}
DANGERS = [
    case["text"] for case in MET if case.get("rules") and case.keys() <= {"text", "rules", "family"}
]
CONTEXT = tomllib.loads((files("triage") / "rules" / "context.toml").read_text("utf-8"))
HAN = re.compile("[\u3400-\u9fff]")
HARMLESS = (
    "你好,请问一下",
    "我想挂号",
    "没有发烧",
    "去年体检正常",
    "笑死我了",
    "什么是心梗",
    "Hello doctor",
)


def found(text: str, **patient: Any) -> set[str]:
    return {flag.rule for flag in find_red_flags(text, **patient)}


def is_judged_as_labelled(case: dict[str, Any]) -> bool:
    patient = {key: case[key] for key in ("age", "gender", "pregnant") if key in case}
    rules = found(case["text"], **patient)
    if case.get("danger"):
        return bool(rules)
    return set(case["rules"]) <= rules if case["rules"] else not rules


@pytest.mark.parametrize("case", MET, ids=lambda case: f"{case['family']}: {case['text']}")
def test_a_labelled_message_is_judged_as_labelled(case: dict[str, Any]) -> None:
    assert is_judged_as_labelled(case)


def test_what_is_no_longer_missed_loses_its_mark() -> None:
    missed = [case for case in CASES if case.get("known_miss")]

    assert [case["text"] for case in missed if is_judged_as_labelled(case)] == []


@pytest.mark.parametrize("family", FLOORS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_known_misses_stay_few(family: str, language: str) -> None:
    chinese = language == "zh"
    marks = [
        "known_miss" in case
        for case in CASES
        if case["family"] == family and bool(HAN.search(case["text"])) == chinese
    ]

    assert 1 - sum(marks) / len(marks) >= FLOORS[family][0 if chinese else 1]


def test_the_bank_is_large_and_without_doubles() -> None:
    assert len({case["text"] for case in CASES}) == len(CASES) >= 1300


@pytest.mark.parametrize("rule", RULE_BOOK.rules, ids=lambda rule: rule.id)
def test_a_rule_says_who_it_is_and_that_it_is_a_draft(rule: Rule) -> None:
    assert rule.source and rule.name_zh and rule.name_en
    assert rule.department in DEPARTMENTS
    assert rule.level in (1, 2)
    assert rule.status == DRAFT


@pytest.mark.parametrize("rule", RULE_BOOK.rules, ids=lambda rule: rule.id)
def test_a_rule_has_messages_that_raise_it_and_a_neighbour_that_does_not(rule: Rule) -> None:
    assert sum(rule.id in case.get("rules", ()) for case in MET) >= 3
    assert any(case.get("near") == rule.id for case in CASES)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_dozen_of_quiet_messages(trap: str) -> None:
    assert Counter(case["family"] for case in CASES)[trap] >= 12


def test_only_self_harm_is_marked_as_such() -> None:
    assert [rule.id for rule in RULE_BOOK.rules if rule.self_harm] == ["self_harm"]


@pytest.mark.parametrize(
    "text",
    [
        "去年想自杀",
        "如果没人来我就跳楼",
        "我怕我会自杀",
        "what if I kill myself",
        "I used to want to die",
    ],
)
def test_self_harm_is_heard_in_the_past_and_in_an_if(text: str) -> None:
    assert "self_harm" in found(text)


def test_the_most_urgent_flag_comes_first() -> None:
    flags = find_red_flags("被狗咬了,现在没有呼吸了")

    assert [flag.rule for flag in flags][:1] == ["cardiac_arrest"]


def test_evidence_is_what_the_patient_wrote() -> None:
    text = "你好。 胸 口 痛 !"

    (flag,) = find_red_flags(text)

    start, end = flag.evidence
    assert text[start:end] == "胸 口 痛"


def test_traditional_and_full_width_are_read_alike() -> None:
    assert found("媽媽暈倒了") == found("妈妈晕倒了")
    assert found("CAN'T BREATHE") == found("can't breathe")


_PIECES = "胸口痛 没有 不 喘不上气 , 。 、 但 去年 怕 孩子 3个月 发烧 no chest pain …"
PIECES = st.sampled_from([" ", "no ", *_PIECES.split()])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(PIECES, max_size=20).map("".join)))
def test_any_text_is_read_and_evidence_lies_within_it(text: str) -> None:
    for flag in find_red_flags(text):
        start, end = flag.evidence
        assert 0 <= start < end <= len(text)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(DANGERS), st.sampled_from(HARMLESS), st.sampled_from("。!\n"))
def test_a_harmless_sentence_before_never_hides_a_flag(danger: str, before: str, end: str) -> None:
    assert found(danger) <= found(f"{before}{end}{danger}")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DANGERS), st.sampled_from(HARMLESS))
def test_a_flag_is_found_at_the_end_of_a_long_message(danger: str, filler: str) -> None:
    assert found(danger) <= found(f"{filler}。" * 60 + danger)


def _varying_repeats(parsed: Any, *, inside: bool = False) -> Iterator[bool]:
    """Yield for each repetition of varying length whether it stands inside another."""
    for op, argument in parsed:
        if str(op) in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = argument
            varies = high > 1 and low != high
            if varies:
                yield inside
            yield from _varying_repeats(inner, inside=inside or varies)
        elif str(op) == "SUBPATTERN":
            yield from _varying_repeats(argument[3], inside=inside)
        elif str(op) == "BRANCH":
            for one in argument[1]:
                yield from _varying_repeats(one, inside=inside)


def test_no_phrase_nests_repetitions_and_each_has_a_bounded_reach() -> None:
    for sign in RULE_BOOK.signs.values():
        for phrase in sign.phrases:
            parsed = re._parser.parse(phrase.regex.pattern)  # type: ignore[attr-defined]
            assert not any(_varying_repeats(parsed)), phrase.source
            assert parsed.getwidth()[1] <= 160, phrase.source


@pytest.mark.parametrize("name", CONTEXT)
def test_no_context_marker_matches_nothing(name: str) -> None:
    assert [marker for marker in CONTEXT[name] if re.search(marker, "", re.ASCII)] == []


def test_every_phrase_has_an_anchor_that_its_matches_hold() -> None:
    for sign in RULE_BOOK.signs.values():
        for phrase in sign.phrases:
            assert all(1 <= len(a) <= 3 for group in phrase.anchors for a in group), phrase.source
