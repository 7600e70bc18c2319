"""The outcome of an interview: how urgent, where to go and why, what to expect and to watch.

Plain words to a patient, with their own words in them; never a diagnosis.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from triage.departments import DEPARTMENT_EN, GYNAECOLOGY, NOT_FOR, OBSTETRICS, PAEDIATRICS
from triage.findings import Findings, Known
from triage.interview_rules import UNSURE_FLOOR, Complaint, Rule, Rules, State

EMERGENCY_FROM = 2  # at this level and above a nurse is called, with an alarm
CHILD_BELOW = 14 * 12  # months; the usual limit of a children's clinic in China
MOST_DEPARTMENTS = 3
MOST_EXAMINATIONS = 4
UNSPECIFIED = "unspecified"
EMERGENCY = "急诊科"


@dataclass(frozen=True)
class Level:
    """How urgent, in words and in the colour of the Chinese four-level consensus."""

    number: int  # 1 at once to 5 can wait
    name_zh: str
    name_en: str
    advice_zh: str
    advice_en: str
    colour: str  # red, orange, yellow or green
    consensus: str  # I to IV


@dataclass(frozen=True)
class Raised:
    """A red flag that the rules at the door raised during the interview."""

    rule: str
    level: int
    department: str


@dataclass(frozen=True)
class Suggested:
    department: str  # one of DEPARTMENTS
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class Likely:
    """An examination that the doctor may order, and how to come prepared."""

    name_zh: str
    name_en: str
    prepare_zh: str
    prepare_en: str


@dataclass(frozen=True)
class Outcome:
    level: Level
    departments: tuple[Suggested, ...]
    why_zh: tuple[str, ...]  # what makes it as urgent as it is
    why_en: tuple[str, ...]
    examinations: tuple[Likely, ...]
    watch_zh: tuple[str, ...]
    watch_en: tuple[str, ...]
    care_zh: tuple[str, ...]  # what one can do oneself; only where it can wait
    care_en: tuple[str, ...]
    rules: tuple[str, ...]  # ids of what spoke, red flags first: for the card and the log
    hand_over: bool  # a nurse is called, with an alarm


def _levels() -> dict[int, Level]:
    raw = tomllib.loads((resources.files("triage") / "rules" / "levels.toml").read_text("utf-8"))
    return {each["number"]: Level(**each) for each in raw["level"]}


LEVELS = _levels()


def complaints_of(findings: Findings, rules: Rules) -> list[Complaint]:
    """The complaints that are there, the most telling first; those said earlier before later."""
    there = [
        complaint
        for sign, known in findings.signs.items()
        if known is Known.PRESENT and (complaint := rules.complaints.get(sign))
    ]
    return sorted(there, key=lambda complaint: complaint.rank)


def level_of(findings: Findings, rules: Rules, raised: Sequence[Raised] = ()) -> int:
    """1 to 5. What is unknown or unsure never makes it less urgent."""
    complaints = complaints_of(findings, rules)
    own = min((complaint.level for complaint in complaints), default=4)
    floors = [flag.level for flag in raised]
    eased: set[str] = set()
    for rule in rules.about(findings):
        state = rule.state(findings)
        if rule.eases:
            if state is State.MET:
                eased.update(rule.needs[0].any_of)
        elif rule.level and state is State.MET:
            floors.append(rule.level)
        elif rule.level and state is State.UNSURE:
            floors.append(UNSURE_FLOOR[rule.level])
    if not floors and complaints and all(one.id in eased for one in complaints):
        return 5
    return min([own, *floors])


def where_to_go(
    findings: Findings,
    rules: Rules,
    raised: Sequence[Raised] = (),
    *,
    hints: Sequence[str] = (),
) -> list[str]:
    """Up to three departments, the first one first. `hints` count where no complaint is known."""
    met = _met(findings, rules)
    urgent = sorted(met, key=lambda rule: rule.level or 0)
    names = [name for rule in urgent for name in rule.departments]
    if findings.has(UNSPECIFIED):
        names += hints
    for complaint in complaints_of(findings, rules):
        names += complaint.departments
    names = [flag.department for flag in sorted(raised, key=lambda one: one.level)] + names
    if _is_child(findings) and _is_for_paediatrics(findings, rules):
        names.insert(0, PAEDIATRICS)
    level = level_of(findings, rules, raised)
    if level <= EMERGENCY_FROM and names[:1] != [OBSTETRICS]:
        names.insert(0, EMERGENCY)
    elif level <= EMERGENCY_FROM:
        names.insert(1, EMERGENCY)
    else:
        names = [name for name in names if name != EMERGENCY] or names
    return _for_this_patient(names, findings)[:MOST_DEPARTMENTS]


def outcome_of(
    findings: Findings,
    rules: Rules,
    raised: Sequence[Raised] = (),
    *,
    hints: Sequence[str] = (),
) -> Outcome:
    number = level_of(findings, rules, raised)
    complaints = complaints_of(findings, rules)
    met = _met(findings, rules)
    deciding = [rule for rule in met if rule.level == number and not rule.eases]
    examinations = () if number <= EMERGENCY_FROM else _examinations(complaints, findings, rules)
    return Outcome(
        level=LEVELS[number],
        departments=tuple(
            _suggested(name, findings, met, complaints)
            for name in where_to_go(findings, rules, raised, hints=hints)
        ),
        why_zh=tuple(dict.fromkeys(rule.why_zh for rule in deciding)),
        why_en=tuple(dict.fromkeys(rule.why_en for rule in deciding)),
        examinations=examinations,
        watch_zh=tuple(one.watch_zh for one in complaints[:2]),
        watch_en=tuple(one.watch_en for one in complaints[:2]),
        care_zh=tuple(one.care_zh for one in complaints[:2] if one.care_zh and number >= 4),
        care_en=tuple(one.care_en for one in complaints[:2] if one.care_en and number >= 4),
        rules=(*(flag.rule for flag in raised), *(rule.id for rule in met)),
        hand_over=number <= EMERGENCY_FROM,
    )


def _met(findings: Findings, rules: Rules) -> list[Rule]:
    return [rule for rule in rules.about(findings) if rule.state(findings) is State.MET]


def _is_child(findings: Findings) -> bool:
    months = findings.number("months")
    if months is None:
        return findings.facts.get("who") == "child" and not findings.facts.get("pregnant")
    return months < CHILD_BELOW


def _is_for_paediatrics(findings: Findings, rules: Rules) -> bool:
    complaints = complaints_of(findings, rules)
    return bool(complaints) and complaints[0].child


def _for_this_patient(names: Sequence[str], findings: Findings) -> list[str]:
    closed = NOT_FOR.get(str(findings.facts.get("sex", "")), frozenset())
    if findings.facts.get("pregnant") is True:
        names = [OBSTETRICS if name == GYNAECOLOGY else name for name in names]
    if not _is_child(findings) and findings.number("months") is not None:
        names = [name for name in names if name != PAEDIATRICS] or list(names)
    return [name for name in dict.fromkeys(names) if name not in closed]


def _suggested(
    name: str, findings: Findings, met: Sequence[Rule], complaints: Sequence[Complaint]
) -> Suggested:
    """Say why this department, with the patient's own words where they used any."""
    english = DEPARTMENT_EN[name]
    rule = next((rule for rule in met if name in rule.departments), None)
    if rule is not None:
        return Suggested(name, *_because(rule, findings))
    if name == EMERGENCY:
        return Suggested(
            name,
            "这种情况要马上看，急诊随时有医生",
            "This should be seen at once, and Emergency is always open",
        )
    if name == PAEDIATRICS and _is_child(findings):
        return Suggested(
            name, "14岁以下的孩子先看儿科", "Children under 14 are seen in Paediatrics first"
        )
    complaint = next((one for one in complaints if name in one.departments), None)
    if complaint is None:
        return Suggested(
            name,
            f"根据您的描述，{name}常看这类问题",
            f"From what you describe, {english} often sees problems of this kind",
        )
    quote = findings.quotes.get(complaint.id)
    said_zh = f"您说“{quote}”" if quote else f"您说的是{complaint.name_zh}"
    said_en = f"You said “{quote}”" if quote else f"You told us of: {complaint.name_en.lower()}"
    return Suggested(
        name,
        f"{said_zh}，{name}常看这类问题",
        f"{said_en}: {english} often sees problems of this kind",
    )


def _because(rule: Rule, findings: Findings) -> tuple[str, str]:
    """Why a rule speaks, with the first of its signs that the patient put into own words."""
    signs = (sign for need in rule.needs for sign in need.any_of if findings.has(sign))
    quote = next((findings.quotes[sign] for sign in signs if sign in findings.quotes), "")
    if not quote:
        return rule.why_zh, rule.why_en
    return f"您说“{quote}”：{rule.why_zh}", f"You said “{quote}”: {rule.why_en}"


def _examinations(
    complaints: Sequence[Complaint], findings: Findings, rules: Rules
) -> tuple[Likely, ...]:
    wanted = dict.fromkeys(name for one in complaints for name in one.examinations)
    pregnant = findings.facts.get("pregnant") is True
    likely = []
    for name in list(wanted)[:MOST_EXAMINATIONS]:
        examination = rules.examinations[name]
        warns = examination.tell_if_pregnant and (pregnant or findings.may_be_pregnant())
        zh = "怀孕或可能怀孕的，先告诉医生。" if warns else ""
        en = " If you are or may be pregnant, tell the doctor first." if warns else ""
        likely.append(
            Likely(
                examination.name_zh,
                examination.name_en,
                examination.prepare_zh + zh,
                examination.prepare_en + en,
            )
        )
    return tuple(likely)
