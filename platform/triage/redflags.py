"""Red flags: signs of danger in a message, found by rule, at the door, before any model.

Pure and fast: no database, no I/O after import, linear in the length of the message. In doubt a
flag is raised: a nurse who looks once too often costs a minute.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import add

from triage.ages import ages_in_months
from triage.context import Context
from triage.phrases import Phrase
from triage.reading import Reading, Span, read
from triage.rulebook import Combination, Condition, Rule, load_rule_book

RULE_BOOK = load_rule_book()

_PREGNANT = "pregnant"  # the sign that says so in words
_LATIN_WORD = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9]{1,2}")


@dataclass(frozen=True)
class RedFlag:
    """One rule that fired, with the patient's words that made it."""

    rule: str
    name_zh: str
    name_en: str
    department: str  # one of DEPARTMENTS
    level: int  # 1: call 120 now, 2: emergency department now
    evidence: Span  # start and end in the patient's own text
    self_harm: bool


@dataclass(frozen=True)
class _Patient:
    ages: tuple[float, ...]  # in months; several when the message names several, none when unknown
    gender: str | None
    pregnant: bool


def find_red_flags(
    text: str,
    *,
    age: int | None = None,
    gender: str | None = None,
    pregnant: bool | None = None,
) -> list[RedFlag]:
    """Return every red flag in a message, the most urgent first.

    Age in whole years. An age or a pregnancy named in the message goes before what the record
    says: a mother writes for her child from her own account.
    """
    reading = read(text)
    signs = _signs_said(reading)
    ages = ages_in_months(reading.text) or ([] if age is None else [age * 12.0])
    patient = _Patient(tuple(ages), gender, pregnant is True or _PREGNANT in signs)
    flags = [
        _flag(rule, reading.original_span(*evidence))
        for rule in RULE_BOOK.rules
        if (evidence := _evidence(rule, signs, patient))
    ]
    return sorted(flags, key=lambda flag: (not flag.self_harm, flag.level, flag.evidence))


def _flag(rule: Rule, evidence: Span) -> RedFlag:
    return RedFlag(
        rule=rule.id,
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        department=rule.department,
        level=rule.level,
        evidence=evidence,
        self_harm=rule.self_harm,
    )


def _evidence(rule: Rule, signs: Mapping[str, Span], patient: _Patient) -> Span | None:
    return next(
        (
            span
            for combination in rule.combinations
            if _counts_for(combination.when, patient)
            and (span := _said_together(combination, signs))
        ),
        None,
    )


def _said_together(combination: Combination, signs: Mapping[str, Span]) -> Span | None:
    """Return where the first group is said, if every group is."""
    said = [next((signs[s] for s in group if s in signs), None) for group in combination.groups]
    return said[0] if all(said) else None


def _counts_for(when: Condition, patient: _Patient) -> bool:
    if when.pregnant and not patient.pregnant:
        return False
    if when.gender and patient.gender and when.gender != patient.gender:
        return False
    low, high = when.min_months, when.max_months
    if low is None and high is None:
        return True
    return any(
        (low is None or months >= low) and (high is None or months <= high)
        for months in patient.ages
    )


def _signs_said(reading: Reading) -> dict[str, Span]:
    """Return the signs that the message means, each with the first place that says it."""
    said: dict[str, Span] = {}
    context = Context(reading)
    searched_to: dict[tuple[str, str], int] = {}
    for position, anchor in _anchors(reading.text):
        for sign, phrase in RULE_BOOK.by_anchor[anchor]:
            key = sign.id, phrase.source
            if sign.id in said or position + phrase.reach <= searched_to.get(key, 0):
                continue
            start, end = _window(reading, position, phrase)
            searched_to[key] = end
            for match in phrase.regex.finditer(reading.text, start, end):
                if context.silence(match.span(), may_silence=sign.may_silence) is None:
                    said[sign.id] = match.span()
                    break
    return said


def _anchors(text: str) -> list[tuple[int, str]]:
    """Return, in order, each place where some phrase could match."""
    index = RULE_BOOK.by_anchor
    found = [(at, pair) for at, pair in enumerate(map(add, text, text[1:])) if pair in index]
    found += [(at, char) for at, char in enumerate(text) if char in index]
    found += [(word.start(), word[0]) for word in _LATIN_WORD.finditer(text) if word[0] in index]
    return sorted(found)


def _window(reading: Reading, position: int, phrase: Phrase) -> Span:
    """Return what to search around an anchor: ahead by more, so that near anchors share it."""
    clause_start, clause_end = reading.clause_at(position)
    start = max(clause_start, position - phrase.reach)
    return start, min(clause_end, position + 3 * phrase.reach)
