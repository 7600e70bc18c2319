"""Red flags: signs of danger in a message, found by rule, at the door, before any model.

Pure and fast: no database, no I/O after import, linear in the length of the message. In doubt a
flag is raised: a nurse who looks once too often costs a minute.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from operator import add

from triage.ages import ages_in_months
from triage.context import BEFORE, Context
from triage.reading import Reading, Span, read
from triage.rulebook import Combination, Condition, Rule, load_rule_book

RULE_BOOK = load_rule_book()

LONGEST_REACH = max(phrase.reach for sign in RULE_BOOK.signs.values() for phrase in sign.phrases)
STRETCH = 64  # characters; searched together, measured fastest on long messages
LONGEST_STRETCH = 4 * LONGEST_REACH  # characters; a voice message may have no comma at all
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
    places = _places(reading)
    if not places:
        return []
    ages = ages_in_months(reading.text) or ([] if age is None else [age * 12.0])
    patient = _Patient(tuple(ages), gender, pregnant is True)
    # What a message says is found fast, what it means slowly: ask only for what could raise a flag.
    rules = _fired(
        RULE_BOOK.that_name(places), {sign: said[0] for sign, said in places.items()}, patient
    )
    if not rules:
        return []
    asked = {_PREGNANT}.union(*(rule.names for rule, _ in rules))
    meant = _meant({sign: places[sign] for sign in places.keys() & asked}, Context(reading))
    flags = [
        _flag(rule, reading.original_span(*evidence))
        for rule, evidence in _fired((rule for rule, _ in rules), meant, patient)
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


def _fired(
    rules: Iterable[Rule], signs: Mapping[str, Span], patient: _Patient
) -> list[tuple[Rule, Span]]:
    """Return the rules that these signs fire in this patient, with their evidence."""
    patient = replace(patient, pregnant=patient.pregnant or _PREGNANT in signs)
    evidence = ((rule, _evidence(rule, signs, patient)) for rule in rules)
    return [(rule, span) for rule, span in evidence if span]


def _evidence(rule: Rule, signs: Mapping[str, Span], patient: _Patient) -> Span | None:
    for combination in rule.combinations:
        span = _said_together(combination, signs)
        if span and _counts_for(combination.when, patient):
            return span
    return None


def _said_together(combination: Combination, signs: Mapping[str, Span]) -> Span | None:
    """Return where the first group is said, if every group is."""
    if any(map(signs.keys().isdisjoint, combination.groups)):
        return None
    return next(signs[sign] for sign in combination.groups[0] if sign in signs)


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


def _meant(places: Mapping[str, list[Span]], context: Context) -> dict[str, Span]:
    """Return the signs that the message means, each with the first place that does."""
    meant: dict[str, Span] = {}
    for sign_id, said in places.items():
        may_silence = RULE_BOOK.signs[sign_id].may_silence
        counting = (p for p in said if context.silence(p, may_silence=may_silence) is None)
        if place := next(counting, None):
            meant[sign_id] = place
    return meant


def _places(reading: Reading) -> dict[str, list[Span]]:
    """Return every sign that has words in the message, whatever stands around them."""
    found: dict[str, list[Span]] = {}
    seen: set[str] = set()
    for start, end in _stretches(reading):
        # The same words after the same words say nothing new.
        in_context = reading.text[max(0, start - BEFORE - 1) : end + 1 + BEFORE]
        if in_context not in seen:
            seen.add(in_context)
            _match(reading.text, (start, end), found)
    return found


def _match(text: str, stretch: Span, found: dict[str, list[Span]]) -> None:
    """Add the places of one stretch of the message that a phrase matches."""
    anchors = _anchors(text[slice(*stretch)])
    begun = {entry for anchor in anchors for entry in RULE_BOOK.by_anchor[anchor]}
    complete = [e for e in begun if not any(map(anchors.isdisjoint, RULE_BOOK.other_anchors[e]))]
    for sign_id, nth in sorted(complete):
        phrase = RULE_BOOK.signs[sign_id].phrases[nth]
        places = [match.span() for match in phrase.regex.finditer(text, *stretch)]
        if places:
            found.setdefault(sign_id, []).extend(places)


def _anchors(stretch: str) -> set[str]:
    """Return the pieces of this stretch without which no phrase can match."""
    pairs = map(add, stretch, stretch[1:])
    words = _LATIN_WORD.findall(stretch)
    return set(RULE_BOOK.all_anchors.intersection(chain(stretch, pairs, words)))


def _stretches(reading: Reading) -> Iterator[Span]:
    """Cut the message into stretches of a few whole clauses; no phrase crosses a clause."""
    start = 0
    for _, end in reading.clauses():
        if end - start >= STRETCH:
            yield from _overlapping(start, end)
            start = end + 1
    if start < len(reading.text):
        yield start, len(reading.text)


def _overlapping(start: int, end: int) -> Iterator[Span]:
    """Cut a clause without end so that the cuts overlap by the longest phrase."""
    yield start, min(end, start + LONGEST_STRETCH)
    for cut in range(start + LONGEST_STRETCH, end, LONGEST_STRETCH):
        yield cut - LONGEST_REACH, min(end, cut + LONGEST_STRETCH)
