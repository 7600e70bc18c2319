"""智能导诊, the interview: a complaint in, a few questions, and the outcome; pure, no I/O.

A question is asked only while some answer to it could change how urgent it is or where to go
first; six at most. "Not sure" is always an answer, and never makes anything less urgent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from triage.answers import Question, asked_for, read_answer
from triage.departments import GENERAL_PRACTICE, suggest_departments
from triage.facts import read_facts
from triage.findings import Findings, Known, Value
from triage.interview_rules import Need, Rule, Rules, State
from triage.labels import DepartmentScore
from triage.outcome import (
    EMERGENCY_FROM,
    UNSPECIFIED,
    Outcome,
    Raised,
    complaints_of,
    level_of,
    outcome_of,
    where_to_go,
)
from triage.redflags import find_red_flags

MOST_QUESTIONS = 6
# In one question: beyond them the "none of these" is no longer honest, and with it, "not sure" and
# the nurse there are as many as a channel without buttons has letters for.
MOST_OPTIONS = 5
GAIN = {1: 100.0, 2: 60.0, 3: 20.0, 4: 6.0, 5: 3.0}  # what it is worth to learn of this level
GAIN_OF_DEPARTMENT = 5.0
GAIN_OF_EASE = 80.0  # shared by all that has to be ruled out
DEMOGRAPHICS = ("months", "sex", "pregnant")
YEAR = 12  # months


@dataclass(frozen=True)
class Interview:
    """Where an interview stands; it can be stored between two messages."""

    findings: Findings
    said: tuple[str, ...]  # the patient's own words, sealed wherever they are kept
    asked: tuple[str, ...] = ()  # ids of the questions, in their order
    raised: tuple[Raised, ...] = ()  # red flags, by the rules at the door
    hints: tuple[str, ...] = ()  # departments by words and model, for what no complaint fits

    def as_json(self) -> dict[str, Any]:
        return {
            "findings": self.findings.as_json(),
            "said": list(self.said),
            "asked": list(self.asked),
            "raised": [[one.rule, one.level, one.department] for one in self.raised],
            "hints": list(self.hints),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Interview":
        return cls(
            findings=Findings.from_json(raw["findings"]),
            said=tuple(raw["said"]),
            asked=tuple(raw["asked"]),
            raised=tuple(Raised(*one) for one in raw["raised"]),
            hints=tuple(raw["hints"]),
        )


def begin(
    text: str,
    *,
    rules: Rules,
    record: Mapping[str, Value] | None = None,
    scored: Sequence[DepartmentScore] = (),
) -> Interview:
    """Start from a complaint. `record`: months, sex and pregnant of whoever writes, where known.

    The record does not count where somebody writes for a child or another person. `scored` is
    what the model thinks; it counts only where the rules know no complaint in the words.
    """
    found = _read(text, rules)
    if found.facts.get("who") not in ("child", "other"):
        kept = {name: value for name, value in (record or {}).items() if name in DEMOGRAPHICS}
        found = Findings(facts=kept).joined(found)
    findings = _with_complaint(found, rules)
    hints: tuple[str, ...] = ()
    if findings.has(UNSPECIFIED):
        suggested = suggest_departments(text, scored)
        hints = tuple(one.department for one in suggested if one.department != GENERAL_PRACTICE)
    return _watch(Interview(findings=findings, said=(text,), hints=hints), text)


def next_question(interview: Interview, *, rules: Rules) -> Question | None:
    """The question whose answer could change most; None when nothing would change any more."""
    if len(interview.asked) >= MOST_QUESTIONS:
        return None
    findings = interview.findings
    if level_of(findings, rules, interview.raised) <= EMERGENCY_FROM:
        return None
    if findings.has(UNSPECIFIED) and not interview.hints and "complaint" not in interview.asked:
        return asked_for("complaint", rules=rules)
    facts, signs, first = _values(interview, rules)
    for name in DEMOGRAPHICS:
        if name in first:
            return asked_for(_with_sex(name, interview, "pregnant" in facts), rules=rules)
    best, most = "", 0.0
    for theme, worth in _by_theme(signs, rules).items():
        total = sum(value for value, _ in worth)
        if total > most:
            best, most = f"{theme}:{','.join(sign for _, sign in worth)}", total
    for name, value in facts.items():
        if value > most:
            best, most = name, value
    best = _with_sex(best, interview, "pregnant" in facts)
    return asked_for(best, rules=rules) if best else None


def take_answer(
    interview: Interview, question: Question, said: str, *, rules: Rules
) -> Interview | None:
    """Take a tap's code or free words. None: not understood, so ask again in another way."""
    answered = read_answer(question, said)
    told = Findings() if answered and answered.is_tap else _read(said, rules)
    if answered and question.fact == "months":  # "8个月" is how old, and not how long
        facts = {name: value for name, value in told.facts.items() if name != "hours"}
        told = replace(told, facts=facts)
    if answered is None:
        if not told.signs and question.fact not in told.facts:
            return None
        answer = Findings()
    else:
        answer = answered.findings
    findings = interview.findings.joined(answer).joined(told)
    if question.id == "complaint":
        findings = _with_complaint(_without_placeholder(findings), rules)
    taken = replace(interview, findings=findings, asked=(*interview.asked, question.id))
    if answered and answered.is_tap:
        return taken
    return _watch(replace(taken, said=(*taken.said, said)), said)


def take_note(interview: Interview, said: str, *, rules: Rules) -> Interview | None:
    """Take in what is said beside any question: a correction, one more sign. None: nothing is."""
    told = _read(said, rules)
    if not told.signs and not told.facts:
        return None
    findings = interview.findings.joined(told)
    return _watch(replace(interview, findings=findings, said=(*interview.said, said)), said)


def conclude(interview: Interview, *, rules: Rules) -> Outcome:
    """Say how urgent it is, where to go and why, from what is known; at any moment."""
    return outcome_of(interview.findings, rules, interview.raised, hints=interview.hints)


def could_change(question: Question, interview: Interview, *, rules: Rules) -> bool:
    """Whether some answer to this question can still change the level or the first department."""
    facts, signs, _ = _values(interview, rules)
    if question.id == "complaint":
        return True
    if question.signs:
        return any(signs.get(sign) for sign in question.signs)
    return bool(facts.get(question.fact) or (question.fact == "sex" and facts.get("pregnant")))


def _read(text: str, rules: Rules) -> Findings:
    facts = read_facts(text)
    signs = rules.read_signs(text)
    if signs.has("pregnant"):
        facts["pregnant"] = True
    elif signs.signs.get("pregnant") is Known.ABSENT:
        facts["pregnant"] = False
    return Findings().joined(replace(signs, facts=facts))


def _with_complaint(findings: Findings, rules: Rules) -> Findings:
    """Mark a message without any complaint we know, and what a complaint says of the patient."""
    present = complaints_of(findings, rules)
    if not present:
        return findings.joined(Findings(signs={UNSPECIFIED: Known.PRESENT}))
    sexes = [complaint.sex for complaint in present if complaint.sex]
    if sexes and "sex" not in findings.facts:
        return findings.joined(Findings(facts={"sex": sexes[0]}))
    return findings


def _without_placeholder(findings: Findings) -> Findings:
    signs = {sign: known for sign, known in findings.signs.items() if sign != UNSPECIFIED}
    return replace(findings, signs=signs)


def _watch(interview: Interview, text: str) -> Interview:
    """Look for red flags in what was just said, and in all that was said together."""
    facts = interview.findings.facts
    months = interview.findings.number("months")
    known = {rule.rule for rule in interview.raised}
    flags = []
    for words in {text, "。".join(interview.said)}:
        flags += find_red_flags(
            words,
            # In whole years; an infant's age the rules at the door take from the words alone.
            age=None if months is None or months < YEAR else int(months // YEAR),
            gender=str(facts["sex"]) if "sex" in facts else None,
            pregnant=facts.get("pregnant") is True or None,
        )
    new = {
        flag.rule: Raised(flag.rule, flag.level, flag.department)
        for flag in flags
        if flag.rule not in known
    }
    return replace(interview, raised=(*interview.raised, *new.values()))


def _with_sex(question_id: str, interview: Interview, pregnancy_matters: bool) -> str:
    """Ask for sex and pregnancy in one question where neither is known."""
    known = interview.findings.facts.keys() | interview.findings.unsure
    asks_sex = question_id in ("sex", "pregnant") and pregnancy_matters and "sex" not in known
    return "sex_pregnant" if asks_sex else question_id


def _values(
    interview: Interview, rules: Rules
) -> tuple[dict[str, float], dict[str, float], set[str]]:
    """What each unknown fact and sign is worth, over all rules that could still change something.

    Third: the facts that alone decide a rule, so that who the patient is gets asked first.
    """
    findings = interview.findings
    level = level_of(findings, rules, interview.raised)
    nearest = where_to_go(findings, rules, interview.raised)[:1]
    facts: dict[str, float] = {}
    signs: dict[str, float] = {}
    deciding: set[str] = set()
    for rule in rules.about(findings):
        gain = _gain(rule, level, nearest)
        if not gain or rule.state(findings) is not State.OPEN:
            continue
        wanting = [need for need in rule.needs if need.state(findings) is State.OPEN]
        if all(need.fact for need in wanting) and not rule.eases:
            deciding.update(need.fact for need in wanting)
        for need in wanting:
            worth = gain / len(wanting) ** (1 if rule.eases else 2)
            if need.fact:
                facts[need.fact] = facts.get(need.fact, 0.0) + worth
            for sign in _unknown(need, findings, rules):
                signs[sign] = signs.get(sign, 0.0) + worth
    is_for_children = any(complaint.child for complaint in complaints_of(findings, rules))
    if is_for_children and "months" not in findings.facts.keys() | findings.unsure:
        facts["months"] = facts.get("months", 0.0) + GAIN_OF_DEPARTMENT
        deciding.add("months")
    return facts, signs, deciding


def _gain(rule: Rule, level: int, first: Sequence[str]) -> float:
    if rule.eases:
        return GAIN_OF_EASE if rule.level and rule.level > level else 0.0
    if rule.level and rule.level < level:
        return GAIN[rule.level]
    if rule.level is None and tuple(first) != rule.departments[:1]:
        return GAIN_OF_DEPARTMENT
    return 0.0


def _unknown(need: Need, findings: Findings, rules: Rules) -> list[str]:
    """The signs of a need that nobody spoke of yet, and that can concern this patient."""
    sex = findings.facts.get("sex")
    return [
        sign
        for sign in (*need.any_of, need.without)
        if sign and sign not in findings.signs and rules.findings[sign].sex in ("", sex)
    ]


def _by_theme(signs: Mapping[str, float], rules: Rules) -> dict[str, list[tuple[float, str]]]:
    """The best few signs of each theme: they are asked together."""
    themes: dict[str, list[tuple[float, str]]] = {}
    for sign, value in signs.items():
        if theme := rules.findings[sign].ask:
            themes.setdefault(theme, []).append((value, sign))
    return {
        theme: sorted(worth, key=lambda one: (-one[0], one[1]))[:MOST_OPTIONS]
        for theme, worth in themes.items()
    }
