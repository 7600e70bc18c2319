"""The rule book of red flags: read once from `rules/*.toml`, at import.

A *sign* is one thing that a message can say ("chest pain", "cold sweat"), with its phrases. A
*rule* fires on phrases of its own, or when signs come together under its conditions.
Every rule is a draft until a clinician has signed it off, and says so.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import chain
from typing import Any

from triage.context import Silence
from triage.labels import DEPARTMENTS
from triage.phrases import Phrase, Words, compile_phrase

DRAFT = "draft, needs clinical sign-off"
RULE_FILES = (
    "heart_lungs",
    "brain",
    "bleeding",
    "poison_injury",
    "children",
    "pregnancy",
    "inner",
    "mind",
)


class BadRule(ValueError):
    """A rule cannot be used as it is written."""


@dataclass(frozen=True)
class Sign:
    """Something a message can say, and what may silence it."""

    id: str
    phrases: tuple[Phrase, ...]
    may_silence: frozenset[Silence]


@dataclass(frozen=True)
class Condition:
    """For whom a combination counts. Ages in months; what is not known does not exclude."""

    min_months: float | None = None
    max_months: float | None = None
    gender: str | None = None
    pregnant: bool = False


@dataclass(frozen=True)
class Combination:
    """Groups of signs: one of each group must be said. The first group is the evidence."""

    groups: tuple[tuple[str, ...], ...]
    when: Condition


@dataclass(frozen=True)
class Rule:
    id: str
    name_zh: str
    name_en: str
    level: int  # 1: call 120 now, 2: emergency department now
    department: str  # one of DEPARTMENTS
    source: str
    status: str
    self_harm: bool
    combinations: tuple[Combination, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """Every sign that this rule looks for."""
        return frozenset(chain(*(group for one in self.combinations for group in one.groups)))


@dataclass(frozen=True)
class RuleBook:
    rules: tuple[Rule, ...]
    signs: Mapping[str, Sign]
    by_anchor: Mapping[str, tuple[tuple[str, int], ...]]  # a sign, and which of its phrases
    other_anchors: Mapping[tuple[str, int], tuple[frozenset[str], ...]]  # of that phrase
    all_anchors: frozenset[str]
    by_sign: Mapping[str, frozenset[int]]  # which of the rules name it

    def that_name(self, signs: Iterable[str]) -> list[Rule]:
        """The rules that name one of these signs, in their order."""
        named = set().union(*(self.by_sign.get(sign, ()) for sign in signs))
        return [self.rules[nth] for nth in sorted(named)]

    def warm_up(self) -> None:
        """Compile every phrase now, so that no message has to wait for it."""
        for sign in self.signs.values():
            for phrase in sign.phrases:
                _ = phrase.regex


def load_rule_book() -> RuleBook:
    """Read and check the whole rule book. Raises BadRule or BadPhrase."""
    words: Words = _read("words")
    signs = {name: _sign(name, raw, words) for name, raw in _read("signs").items()}
    rules: list[Rule] = []
    for file in RULE_FILES:
        for raw in _read(file)["rule"]:
            if raw["id"] in signs:
                raise BadRule(f"{raw['id']} is written twice")
            if "zh" in raw:
                signs[raw["id"]] = _sign(raw["id"], raw, words)
            rules.append(_rule(raw))
    for rule in rules:
        _check(rule, signs)
    phrases = [phrase for sign in signs.values() for phrase in sign.phrases]
    anchors = {anchor for phrase in phrases for group in phrase.anchors for anchor in group}
    begins = _index(signs)
    return RuleBook(
        rules=tuple(rules),
        signs=signs,
        by_anchor={anchor: begins.get(anchor, ()) for anchor in anchors},
        other_anchors={
            (sign.id, nth): phrase.anchors[1:]
            for sign in signs.values()
            for nth, phrase in enumerate(sign.phrases)
        },
        all_anchors=frozenset(anchors),
        by_sign=_by_sign(rules),
    )


def _by_sign(rules: Sequence[Rule]) -> dict[str, frozenset[int]]:
    index: dict[str, set[int]] = defaultdict(set)
    for nth, rule in enumerate(rules):
        for sign in rule.names:
            index[sign].add(nth)
    return {sign: frozenset(found) for sign, found in index.items()}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("triage") / "rules" / f"{name}.toml").read_text("utf-8"))


def _sign(name: str, raw: Mapping[str, Any], words: Words) -> Sign:
    phrases = [compile_phrase(source, language="zh", words=words) for source in raw.get("zh", ())]
    phrases += [compile_phrase(source, language="en", words=words) for source in raw.get("en", ())]
    silences = raw.get("silenced_by", list(Silence))
    return Sign(name, tuple(phrases), frozenset(Silence(why) for why in silences))


def _rule(raw: Mapping[str, Any]) -> Rule:
    combinations = [Combination(((raw["id"],),), Condition())] if "zh" in raw else []
    combinations += [
        Combination(tuple(tuple(group) for group in one["signs"]), Condition(**one.get("when", {})))
        for one in raw.get("together", ())
    ]
    return Rule(
        id=raw["id"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        level=raw["level"],
        department=raw["department"],
        source=raw["source"],
        status=raw["status"],
        self_harm=raw.get("self_harm", False),
        combinations=tuple(combinations),
    )


def _check(rule: Rule, signs: Mapping[str, Sign]) -> None:
    if unknown := rule.names - signs.keys():
        raise BadRule(f"{rule.id} names signs that nobody wrote: {sorted(unknown)}")
    if not rule.names or rule.level not in (1, 2) or rule.department not in DEPARTMENTS:
        raise BadRule(rule.id)


def _index(signs: Mapping[str, Sign]) -> dict[str, tuple[tuple[str, int], ...]]:
    index: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for sign in signs.values():
        for nth, phrase in enumerate(sign.phrases):
            for anchor in phrase.anchors[0]:
                index[anchor].append((sign.id, nth))
    return {anchor: tuple(entries) for anchor, entries in index.items()}
