"""The test bench: a rule set runs over recorded cases, and a change shows what it changes.

`bank.jsonl` ships with the house: complaints with what the patient would answer, how urgent it is
and where to go. Whoever is `red_flag` may never be found less urgent than before.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from triage.answers import NONE, UNSURE, YES, Question
from triage.findings import Value
from triage.interview import begin, conclude, next_question, take_answer
from triage.interview_rules import Rules
from triage.outcome import EMERGENCY_FROM

# What a patient of the bank says of whatever a case does not name.
ORDINARY: dict[str, Value] = {
    "months": 420.0, "sex": "male", "pregnant": False, "hours": 48.0, "severity": 4.0,
    "temperature": 38.3, "course": "same", "who": "self", "systolic": 135.0, "diastolic": 85.0,
    "glucose": 6.0,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    id: str
    text: str
    level: int
    departments: tuple[str, ...]  # any of them is right as the first
    facts: dict[str, Value] = field(default_factory=dict)
    has: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    red_flag: bool = False


@dataclass(frozen=True)
class Result:
    """What a rule set made of one case."""

    case: Case
    level: int
    departments: tuple[str, ...]
    questions: tuple[str, ...]
    slowest_s: float  # the slowest single step, of processor time: it waits for nothing

    @property
    def is_under_triage(self) -> bool:
        return self.case.level <= EMERGENCY_FROM < self.level


@dataclass(frozen=True)
class Change:
    """A case that another rule set sees differently."""

    case: Case
    level_before: int
    level_after: int
    first_before: str
    first_after: str

    @property
    def loses_red_flag(self) -> bool:
        """A red-flag case that would be found less urgent: never allowed."""
        return self.case.red_flag and self.level_after > self.level_before


@dataclass(frozen=True)
class Figures:
    """How well a rule set does on a bank; shares are 0 to 1."""

    cases: int
    exact: float
    within_one: float
    under_triage: int  # of levels 1 and 2
    first_department: float
    top_three: float
    mean_questions: float
    most_questions: int
    p99_step_s: float


@cache
def bank() -> tuple[Case, ...]:
    """The cases that ship with the house."""
    lines = (resources.files("triage") / "bank.jsonl").read_text("utf-8").splitlines()
    return tuple(_case(json.loads(line)) for line in lines)


def _case(raw: dict[str, Any]) -> Case:
    return Case(
        id=raw["id"],
        text=raw["text"],
        level=raw["level"],
        departments=tuple(raw["departments"]),
        facts=raw.get("facts", {}),
        has=frozenset(raw.get("has", ())),
        unsure=frozenset(raw.get("unsure", ())),
        red_flag=raw.get("red_flag", False),
    )


def run(rules: Rules, cases: Sequence[Case]) -> list[Result]:
    return [run_case(rules, case) for case in cases]


@lru_cache(maxsize=4)
def run_bank(rules: Rules) -> tuple[Result, ...]:
    """What a rule set makes of the whole bank; kept, because it takes a second."""
    return tuple(run(rules, bank()))


def run_case(rules: Rules, case: Case) -> Result:
    """Interview one patient of the bank, as a dialogue would."""
    took = []
    started = time.thread_time()
    interview = begin(case.text, rules=rules)
    while (question := next_question(interview, rules=rules)) is not None:
        took.append(time.thread_time() - started)
        started = time.thread_time()
        taken = take_answer(interview, question, answer_of(case, question), rules=rules)
        if taken is None:
            raise ValueError(f"{case.id} has no answer to {question.id}")
        interview = taken
    outcome = conclude(interview, rules=rules)
    took.append(time.thread_time() - started)
    return Result(
        case=case,
        level=outcome.level.number,
        departments=tuple(one.department for one in outcome.departments),
        questions=interview.asked,
        slowest_s=max(took),
    )


def answer_of(case: Case, question: Question) -> str:
    """What this patient answers: what the case says, and "no" to everything else."""
    if question.id == "sex_pregnant":
        facts = ORDINARY | case.facts
        if facts["sex"] == "male" and not facts["pregnant"]:
            return "male"
        return "pregnant" if facts["pregnant"] else "female"
    if question.fact:
        return _of_fact(question, (ORDINARY | case.facts)[question.fact])
    there = [sign for sign in question.signs if sign in case.has]
    if not there and case.unsure.intersection(question.signs):
        return UNSURE
    codes = {choice.code for choice in question.choices}
    if YES in codes:
        return YES if there else "no"
    return ",".join(there) if there else NONE if NONE in codes else UNSURE


def _of_fact(question: Question, value: Value) -> str:
    if question.fact == "months" and isinstance(value, int | float):
        return f"{value:.0f}个月" if value < 24 else f"{value / 12:.0f}岁"
    if question.fact == "pregnant":
        return YES if value else "no"
    if question.fact == "hours" and isinstance(value, int | float):
        return f"{value:.0f}小时" if value < 72 else f"{value / 24:.0f}天"
    return str(value)


def compare(before: Sequence[Result], after: Sequence[Result]) -> list[Change]:
    """The cases whose level or first department would change, the worst first."""
    changes = [
        Change(
            case=old.case,
            level_before=old.level,
            level_after=new.level,
            first_before=old.departments[0],
            first_after=new.departments[0],
        )
        for old, new in zip(before, after, strict=True)
        if (old.level, old.departments[:1]) != (new.level, new.departments[:1])
    ]
    return sorted(changes, key=lambda change: (not change.loses_red_flag, change.case.id))


def measure(results: Sequence[Result]) -> Figures:
    count = len(results)
    slowest = sorted(result.slowest_s for result in results)
    return Figures(
        cases=count,
        exact=sum(one.level == one.case.level for one in results) / count,
        within_one=sum(abs(one.level - one.case.level) <= 1 for one in results) / count,
        under_triage=sum(one.is_under_triage for one in results),
        first_department=sum(one.departments[0] in one.case.departments for one in results) / count,
        top_three=sum(bool(set(one.departments) & set(one.case.departments)) for one in results)
        / count,
        mean_questions=sum(len(one.questions) for one in results) / count,
        most_questions=max(len(one.questions) for one in results),
        p99_step_s=slowest[min(count - 1, int(count * 0.99))],
    )
