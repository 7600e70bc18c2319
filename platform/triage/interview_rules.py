"""The rules of the interview, built from TOML: findings, complaints, rules, examinations.

The texts are handed in, so that a changed set can be tried before anybody uses it. Every rule is a
draft until clinicians have signed it off, and says so with its source.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any

from triage.context import Context, Silence
from triage.findings import FACTS, Findings, Known
from triage.labels import DEPARTMENTS
from triage.phrases import BadPhrase, Language, Phrase, Words, compile_phrase
from triage.reading import read

FOLDER = "interview"
EDITABLE = (
    "findings", "head", "chest", "belly", "urine_women", "bones_skin", "senses", "general",
    "hurt", "examinations",
)  # fmt: skip
REMEMBERED = 512  # combinations of signs
MOST_QUOTED = 18  # characters of the patient's own words in a reason
UNSURE_FLOOR = {1: 3, 2: 3, 3: 4, 4: 4, 5: 5}  # "not sure" of what would be level 1: seen today
_BOUNDS = {
    f"{end}_{fact}": (fact, end)
    for fact in ("months", "hours", "severity", "temperature", "systolic", "diastolic", "glucose")
    for end in ("min", "max")
}
_SAME = ("sex", "pregnant", "course", "who")


class BadRules(ValueError):
    """A rule set cannot be used as it is written."""


class State(IntEnum):
    """How far a need or a rule is from holding."""

    FAILED = 0
    OPEN = 1  # nobody asked yet
    UNSURE = 2  # asked; the patient does not know
    MET = 3


_STATE_OF: Mapping[Known | None, State] = {
    Known.PRESENT: State.MET,
    Known.ABSENT: State.FAILED,
    Known.UNSURE: State.UNSURE,
    None: State.OPEN,
}


@dataclass(frozen=True)
class Need:
    """One thing that a rule needs: one of some signs, a sign's absence, or a fact in bounds."""

    any_of: tuple[str, ...] = ()
    without: str = ""
    fact: str = ""
    low: float | None = None
    high: float | None = None
    value: str | bool | None = None

    def state(self, findings: Findings) -> State:
        if self.any_of:
            return max([_STATE_OF[findings.signs.get(sign)] for sign in self.any_of])
        if self.without:
            known = findings.signs.get(self.without)
            if known is None:
                return State.OPEN
            return State.MET if known is Known.ABSENT else State.FAILED
        if self.fact == "pregnant" and not findings.may_be_pregnant():
            return State.FAILED if self.value else State.MET
        if self.fact in findings.facts:
            return State.MET if self._fits(findings) else State.FAILED
        return State.UNSURE if self.fact in findings.unsure else State.OPEN

    def _fits(self, findings: Findings) -> bool:
        if self.value is not None:
            return findings.facts[self.fact] == self.value
        number = findings.number(self.fact)
        if number is None:
            return False
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )


@dataclass(frozen=True)
class Finding:
    id: str
    option_zh: str
    option_en: str
    ask: str  # signs, site, happened or conditions; empty: only read, never asked
    sex: str  # whom alone it can concern; empty: everybody
    phrases: tuple[Phrase, ...]
    silences: frozenset[Silence]


@dataclass(frozen=True)
class Rule:
    id: str
    name_zh: str
    name_en: str
    needs: tuple[Need, ...]  # the first one is the complaint that it is about
    level: int | None  # 1 to 5; None: it only says where to go
    eases: bool  # its level may lie below the complaint's own
    departments: tuple[str, ...]
    why_zh: str  # said to the patient: never a diagnosis
    why_en: str
    source: str
    status: str

    def state(self, findings: Findings) -> State:
        worst = State.MET
        for need in self.needs:
            worst = min(worst, need.state(findings))
            if worst is State.FAILED:
                break
        return worst


@dataclass(frozen=True)
class Complaint:
    id: str
    name_zh: str
    name_en: str
    rank: int  # 1 says most; a vaguer complaint beside it steps back
    level: int  # before anything else is known
    departments: tuple[str, ...]
    child: bool  # under 14 years first to paediatrics
    sex: str
    examinations: tuple[str, ...]
    watch_zh: str
    watch_en: str
    care_zh: str
    care_en: str


@dataclass(frozen=True)
class Examination:
    id: str
    name_zh: str
    name_en: str
    prepare_zh: str
    prepare_en: str
    tell_if_pregnant: bool


@dataclass(frozen=True, eq=False)  # one set of texts is built once: it is what it is
class Rules:
    findings: Mapping[str, Finding]
    complaints: Mapping[str, Complaint]
    rules: tuple[Rule, ...]
    examinations: Mapping[str, Examination]
    checksum: str

    @cached_property
    def by_complaint(self) -> Mapping[str, tuple[Rule, ...]]:
        index: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for sign in rule.needs[0].any_of:
                index.setdefault(sign, []).append(rule)
        return {sign: tuple(rules) for sign, rules in index.items()}

    def about(self, findings: Findings) -> tuple[Rule, ...]:
        """The rules whose complaint is there, in the order they are written in."""
        return self._named(
            frozenset(sign for sign, known in findings.signs.items() if known is Known.PRESENT)
        )

    def read_signs(self, text: str) -> Findings:
        """Return the signs that a text names, in the order they are said, present or absent."""
        reading = read(text)
        context = Context(reading)
        signs: dict[str, Known] = {}
        quotes: dict[str, str] = {}
        places = [
            (*match.span(), finding)
            for finding, phrase in self._that_may_match(reading.text)
            for match in phrase.regex.finditer(reading.text)
        ]
        for start, end, finding in sorted(places, key=lambda place: place[:2]):
            why = context.silence((start, end), may_silence=finding.silences)
            if why is None:
                signs[finding.id] = Known.PRESENT
                first, last = reading.original_span(start, end)
                quotes.setdefault(finding.id, text[first:last].strip()[:MOST_QUOTED])
            elif why is Silence.NEGATION:
                signs.setdefault(finding.id, Known.ABSENT)
        return Findings(signs=signs, quotes=quotes)

    def warm_up(self) -> None:
        """Compile every phrase now, so that no patient has to wait for it."""
        for finding in self.findings.values():
            for phrase in finding.phrases:
                _ = phrase.regex

    def _that_may_match(self, text: str) -> Iterator[tuple[Finding, Phrase]]:
        """The phrases of which a piece that must be there is there; all others cost nothing."""
        pieces = {text[at : at + size] for size in (1, 2, 3) for at in range(len(text))}
        seen: set[str] = set()
        for piece in pieces & self._by_anchor.keys():
            for finding, phrase in self._by_anchor[piece]:
                if (key := f"{finding.id} {phrase.source}") not in seen:
                    seen.add(key)
                    yield finding, phrase

    @cached_property
    def _by_anchor(self) -> Mapping[str, list[tuple[Finding, Phrase]]]:
        index: dict[str, list[tuple[Finding, Phrase]]] = {}
        for finding in self.findings.values():
            for phrase in finding.phrases:
                for anchor in phrase.anchors[0]:
                    index.setdefault(anchor, []).append((finding, phrase))
        return index

    @cached_property
    def _named(self) -> Callable[[frozenset[str]], tuple[Rule, ...]]:
        """The rules about some complaints; asked several times in each step, so remembered."""

        @lru_cache(maxsize=REMEMBERED)
        def named(signs: frozenset[str]) -> tuple[Rule, ...]:
            ids = {rule.id for sign in signs for rule in self.by_complaint.get(sign, ())}
            return tuple(rule for rule in self.rules if rule.id in ids)

        return named


def shipped_texts() -> dict[str, str]:
    """The rule files as they came with this version of the house: file name → TOML."""
    folder = resources.files("triage") / "rules" / FOLDER
    return {name: (folder / f"{name}.toml").read_text("utf-8") for name in EDITABLE}


def checksum(texts: Mapping[str, str]) -> str:
    joined = "\0".join(f"{name}\0{texts[name]}" for name in sorted(texts))
    return hashlib.sha256(joined.encode()).hexdigest()


def build_rules(texts: Mapping[str, str]) -> Rules:
    """Build and check a whole rule set, once for the same texts. Raises BadRules: where and why."""
    return _built(tuple(sorted(texts.items())))


@lru_cache(maxsize=8)
def _built(files: tuple[tuple[str, str], ...]) -> Rules:
    texts = dict(files)
    findings: dict[str, Finding] = {}
    complaints: dict[str, Complaint] = {}
    rules: dict[str, Rule] = {}
    examinations: dict[str, Examination] = {}
    for name in EDITABLE:
        try:
            raw = tomllib.loads(texts[name])
            for finding_id, each in raw.get("finding", {}).items():
                _add(findings, finding_id, _finding(finding_id, each))
            for each in raw.get("complaint", ()):
                _add(findings, each["id"], _finding(each["id"], _as_complaint(each)))
                _add(complaints, each["id"], _complaint(each))
                if "eases" in each:
                    _add(rules, f"{each['id']}.eases", _easing(each, raw))
            for each in raw.get("rule", ()):
                _add(rules, each["id"], _rule(each, raw))
            for each in raw.get("examination", ()):
                _add(examinations, each["id"], _examination(each))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, BadPhrase | BadRules | tomllib.TOMLDecodeError):
                raise BadRules(f"{name}: {error}") from error
            raise BadRules(f"{name}: {type(error).__name__} {error}") from error
    built = Rules(findings, complaints, tuple(rules.values()), examinations, checksum(texts))
    _check(built)
    return built


@lru_cache(maxsize=8192)
def _phrase(source: str, language: Language) -> Phrase:
    """A phrase that did not change keeps what was compiled for it."""
    return compile_phrase(source, language=language, words=_words())


@cache
def _words() -> Words:
    return tomllib.loads((resources.files("triage") / "rules" / "words.toml").read_text("utf-8"))


def _add(table: dict[str, Any], name: str, made: Any) -> None:
    if name in table:
        raise BadRules(f"{name} is written twice")
    table[name] = made


def _finding(name: str, raw: Mapping[str, Any]) -> Finding:
    phrases = [_phrase(source, "zh") for source in raw.get("zh", ())]
    phrases += [_phrase(source, "en") for source in raw.get("en", ())]
    silences = frozenset(Silence(why) for why in raw.get("silenced_by", list(Silence)))
    return Finding(
        id=name,
        option_zh=raw.get("option_zh", raw.get("name_zh", "")),
        option_en=raw.get("option_en", raw.get("name_en", "")),
        ask=raw.get("ask", ""),
        sex=raw.get("sex", ""),
        phrases=tuple(phrases),
        silences=silences,
    )


def _as_complaint(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """A complaint of many years is still one: a "no", a joke or a figure takes it, no past."""
    silences = [Silence.NEGATION, Silence.FIGURE, Silence.JOKE]
    return {"silenced_by": [silence.value for silence in silences], **raw}


def _complaint(raw: Mapping[str, Any]) -> Complaint:
    return Complaint(
        id=raw["id"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        rank=raw.get("rank", 1),
        level=raw["level"],
        departments=tuple(raw["departments"]),
        child=raw.get("child", False),
        sex=raw.get("sex", ""),
        examinations=tuple(raw.get("examinations", ())),
        watch_zh=raw["watch_zh"],
        watch_en=raw["watch_en"],
        care_zh=raw.get("care_zh", ""),
        care_en=raw.get("care_en", ""),
    )


def _rule(raw: Mapping[str, Any], file: Mapping[str, Any]) -> Rule:
    return Rule(
        id=raw["id"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        needs=_needs(raw),
        level=raw.get("level"),
        eases=False,
        departments=tuple(raw.get("departments", ())),
        why_zh=raw["why_zh"],
        why_en=raw["why_en"],
        source=raw["source"],
        status=raw.get("status", file["status"]),
    )


def _easing(raw: Mapping[str, Any], file: Mapping[str, Any]) -> Rule:
    """What must be ruled out before a complaint may wait."""
    return Rule(
        id=f"{raw['id']}.eases",
        name_zh=f"{raw['name_zh']},可以先观察",
        name_en=f"{raw['name_en']}, can wait",
        needs=_needs({"signs": [[raw["id"]]], **raw["eases"]}),
        level=5,
        eases=True,
        departments=(),
        why_zh="",
        why_en="",
        source=raw["source"],
        status=raw.get("status", file["status"]),
    )


def _needs(raw: Mapping[str, Any]) -> tuple[Need, ...]:
    needs = [Need(any_of=tuple(group)) for group in raw["signs"]]
    needs += [Need(without=sign) for sign in raw.get("without", ())]
    bounds: dict[str, dict[str, float]] = {}
    for name, value in raw.get("when", {}).items():
        if name in _SAME:
            needs.append(Need(fact=name, value=value))
        elif name in _BOUNDS:
            fact, end = _BOUNDS[name]
            bounds.setdefault(fact, {})["low" if end == "min" else "high"] = float(value)
        else:
            raise BadRules(f"no condition {name}; facts are {', '.join(FACTS)}")
    needs += [Need(fact=fact, low=b.get("low"), high=b.get("high")) for fact, b in bounds.items()]
    return tuple(needs)


def _examination(raw: Mapping[str, Any]) -> Examination:
    return Examination(
        id=raw["id"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        prepare_zh=raw["prepare_zh"],
        prepare_en=raw["prepare_en"],
        tell_if_pregnant=raw.get("tell_if_pregnant", False),
    )


def _check(rules: Rules) -> None:
    for rule in rules.rules:
        named = [sign for need in rule.needs for sign in (*need.any_of, need.without) if sign]
        _only_known(rule.id, named, rules.findings)
        _only_known(rule.id, rule.departments, DEPARTMENTS)
        if not rule.needs[0].any_of or not rule.source or not rule.status:
            raise BadRules(f"{rule.id} needs a complaint, a source and a status")
        if rule.level not in (None, 1, 2, 3, 4, 5) or not (rule.level or rule.departments):
            raise BadRules(f"{rule.id} says neither how urgent it is nor where to go")
    for complaint in rules.complaints.values():
        _only_known(complaint.id, complaint.departments, DEPARTMENTS)
        _only_known(complaint.id, complaint.examinations, rules.examinations)
        if complaint.level not in (1, 2, 3, 4, 5) or not complaint.departments:
            raise BadRules(f"{complaint.id} needs a level and a department")
    for finding in rules.findings.values():
        if finding.ask not in ("", "signs", "site", "happened", "conditions"):
            raise BadRules(f"{finding.id}: nobody asks {finding.ask}")
        if finding.ask and not (finding.option_zh and finding.option_en):
            raise BadRules(f"{finding.id} is asked and has no words for it")


def _only_known(where: str, names: Sequence[str], known: Any) -> None:
    if unknown := [name for name in names if name not in known]:
        raise BadRules(f"{where} names what nobody wrote: {', '.join(unknown)}")
