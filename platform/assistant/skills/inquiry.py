"""The interview of triage as a dialogue keeps it: begun, asked, answered in any words, shown.

What is kept is what was said. What the record knows of the patient is lent at every step, and only
where it is known whose record it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from assistant.reading.choices import Answer, find_pick, yes_or_no
from assistant.reading.people import find_people
from assistant.reading.spelling import plain, rest
from assistant.talk import Found, Talk
from patients.models import Gender, Patient, Proxy
from triage.answers import AGE_RANGES, NONE, UNSURE, YES, Question, asked_for
from triage.facts import hours_said
from triage.findings import Findings, Known, Value
from triage.interview import (
    DEMOGRAPHICS,
    MOST_QUESTIONS,
    YEAR,
    Interview,
    begin,
    conclude,
    next_question,
    take_answer,
    take_note,
)
from triage.interview_rules import Rules
from triage.outcome import UNSPECIFIED
from triage.reading import read
from triage.services import rules_in_force

Span = tuple[int, int]

DAYS_IN_MONTH = 30.44
DAY, WEEK, MONTH = 24, 168, 730  # hours
SHORT = 14  # characters of a clause that says one thing
MOST_CLAUSES = 4  # beyond them it is a story, and the model reads it too
# What the patient is to the writer, by what the writer is to the patient.
_PATIENT_IS = {
    Proxy.Relationship.CHILD: "parent",
    Proxy.Relationship.PARENT: "child",
    Proxy.Relationship.SPOUSE: "spouse",
}
_CLAUSE = re.compile(r"[^,,。.!!;;\n]+")
_ASKS = re.compile(
    r"[??]|吗|怎么|多少|多久能|哪里|哪儿|在哪|什么|能不能|可不可以|要不要"
    r"|\b(?:what|how|where|when|which|can i|should i|do i)\b",
    re.IGNORECASE,
)
_ANEW = re.compile(
    r"不对|不是|说错|搞错|写错|弄错|记错|其实|更正|应该是|准确"
    r"|\b(?:actually|i meant|sorry|correction|wrong|not)\b",
    re.IGNORECASE,
)
# What is told even without being asked. A day that is only mentioned is no duration, and a "he" in
# a story makes nobody a man.
_TELLING = frozenset({"months", "temperature", "pregnant", "systolic", "diastolic", "glucose"})
_WHO = frozenset({"who", "sex"})
# "两天了", "大半年", "since yesterday", and nothing else: how long it has been, whatever was asked.
_ONLY_HOW_LONG = re.compile(
    r"(?:从|自从|有|都|大概|大约|差不多|快|已经|是|得有|也就)*(?:"
    r"大?(?:[0-9]{1,3}|[一二两俩三四五六七八九十]{1,3}|半|好?几|一两|两三|三四|四五)(?:个|多){0,2}半?"
    r"(?:分钟|小时|钟头|天|周|星期|礼拜|月|年|晚)多?"
    r"|刚刚|刚才|今早|昨天|昨晚|昨夜|前天|前几天|这两天|这几天|最近几天|很久|好久)"
    r"(?:早上|上午|下午|晚上|夜里)?(?:了|左右|吧|啊|呀|前|以?来|开始|起|的|样子|就这样|[,.。!~ ])*"
    r"|(?:it )?(?:started|began|since|for|about|it'?s been|has been|have been| )*"
    r"(?:yesterday|last night|this morning"
    r"|(?:[0-9]{1,3}|an?|one|two|three|four|five|six|a few|several|a couple of)"
    r" (?:hours?|days?|weeks?|months?|years?))(?: (?:ago|now|or so))*[,.! ]*",
    re.IGNORECASE,
)
_AGE = re.compile(r"岁|大了|个月大|满月|\bold\b|\bage\b", re.IGNORECASE)
_ALL_WELL = re.compile(
    r"(?:都|全|一切|其他|别的|这些)*(?:还好|正常|没事|没问题|没得|挺好|蛮好|没有其他|没别的)(?:的|吧|啊|了)*"
    r"|(?:all|everything)(?: is|'s)? (?:fine|ok|okay|normal|good)|no,? none|i'?m fine|nothing else"
)
_ALL_OF_THEM = re.compile(
    r"(?:这些|以上|几个)?(?:都|全)(?:都)?有(?:的|了|啊)?|全(?:都)?是"
    r"|all of (?:them|these|the above)"
)
_SHORT_NO = re.compile(r"(?:从来|应该|好像)?(?:没有?|不|未)[^,。?!]{1,4}")  # "没撞过", "不疼"
_LETTERS = re.compile(r"[a-h](?:[\s,、和及&+]*+(?:and\s*+)?[a-h])*")
_COMPANY = re.compile(r"(?:和|跟|与|同|被|听|像|陪|with|by|from|like)\s?(?:我|my|a|the)?\s?$")
_BESIDE = re.compile(r"[\s,、,和及;;]+")


# --- where it stands -----------------------------------------------------------------------------


def start(talk: Talk, complaint: str, *, rules: Rules) -> Interview:
    says_what = not _ONLY_HOW_LONG.fullmatch(plain(complaint).strip())  # "半年了" is no complaint
    return begin(complaint, rules=rules, scored=talk.meaning.departments if says_what else ())


def with_record(interview: Interview, talk: Talk) -> Interview:
    """The same, knowing what the record of this patient says; what was said goes before it."""
    lent = Findings(facts=_record(interview, talk))
    return replace(interview, findings=lent.joined(interview.findings))


def _without_record(taken: Interview, before: Interview, talk: Talk) -> Interview:
    """Take back what was lent, unless the patient said something else."""
    facts = dict(taken.findings.facts)
    for name, value in _record(before, talk).items():
        if name not in before.findings.facts and facts.get(name) == value:
            del facts[name]
    return replace(taken, findings=replace(taken.findings, facts=facts))


def _record(interview: Interview, talk: Talk) -> Mapping[str, Value]:
    match interview.findings.facts.get("who"):
        case "self":
            return demographics(talk.writer, talk.today)
        case "child" | "other":
            member = _family_member(talk)
            return demographics(member, talk.today) if member is not None else {}
    return {}


def demographics(patient: Patient, today: date) -> dict[str, Value]:
    """Age, sex and pregnancy, as far as the record knows them."""
    facts: dict[str, Value] = {}
    if (born := patient.birth_date) is not None:
        facts["months"] = round((today - born).days / DAYS_IN_MONTH, 1)
    if patient.gender in (Gender.MALE, Gender.FEMALE):
        facts["sex"] = str(patient.gender)
    if patient.is_pregnant_on(today):
        facts["pregnant"] = True
    return facts


def _family_member(talk: Talk) -> Patient | None:
    """Whom the writer is known to write for, where only one of the family can be meant."""
    whom = talk.facts.get("whom") or {}
    proxies = Proxy.objects.filter(writer=talk.writer).select_related("patient")
    meant = [
        proxy.patient
        for proxy in proxies
        if proxy.is_in_force(talk.now)
        and proxy.patient.erased_at is None
        and _PATIENT_IS.get(Proxy.Relationship(proxy.relationship), "other") == whom.get("kind")
        and whom.get("gender") in ("", None, proxy.patient.gender)
    ]
    return meant[0] if len(meant) == 1 else None


def next_to_ask(interview: Interview, talk: Talk, *, rules: Rules) -> Question | None:
    """The interview's next question; first whose record counts, where a record would answer it."""
    question = next_question(with_record(interview, talk), rules=rules)
    if question is None or question.fact not in DEMOGRAPHICS:
        return question
    knows_who = "who" in interview.findings.facts or "who" in interview.asked
    if not knows_who and question.fact in demographics(talk.writer, talk.today):
        return asked_for("who", rules=rules)
    return question


def expected(interview: Interview, question: Question, talk: Talk, *, rules: Rules) -> int:
    """How many questions it will be, if nothing more comes up."""
    known = with_record(interview, talk)
    following: Question | None = question
    while following is not None and len(known.asked) < MOST_QUESTIONS:
        known = take_answer(known, following, UNSURE, rules=rules) or known
        following = next_question(known, rules=rules)
    return len(known.asked)


# --- what is heard -------------------------------------------------------------------------------


def question_of(talk: Talk, *, rules: Rules) -> Question | None:
    """What was asked last. None where nothing was, or rules in force since do not know it."""
    try:
        return asked_for(talk.facts["question"], rules=rules)
    except KeyError:
        return None


def read_answer(talk: Talk, asked: bool) -> Found | None:
    """What words say to the question that was asked, or besides it; the interview after it."""
    kept = talk.facts.get("interview")
    if not kept:
        return None
    interview, rules = Interview.from_json(kept), rules_in_force()
    question = question_of(talk, rules=rules)
    if question is None:
        return _read_more(talk, interview, rules)
    if codes := _codes(question, talk.words):
        return Found(",".join(codes), [(0, len(talk.words))])
    if (longer := _other_duration(interview, question, talk.words)) is not None:
        return Found(longer.as_json(), [(0, len(talk.words))])

    def taken_in(words: str) -> Interview | None:
        after = answered(interview, question, words, talk, rules=rules)
        return _noted(interview, words, rules) if after is None else after

    def says(clause: str) -> bool:
        return taken_in(clause) is not None

    if (taken := taken_in(talk.words)) is None:
        return None
    return Found(taken.as_json(), _read_whole(talk.words, says))


def _read_more(talk: Talk, interview: Interview, rules: Rules) -> Found | None:
    """After the outcome: only one more sign changes anything, "今天下午" does not."""
    told = rules.read_signs(talk.words)
    known = interview.findings.signs
    if all(known.get(sign) == state for sign, state in told.signs.items()):
        return None
    taken = take_note(interview, talk.words, rules=rules)
    return Found(taken.as_json()) if taken is not None else None


def answered(
    interview: Interview, question: Question, words: str, talk: Talk, *, rules: Rules
) -> Interview | None:
    """The interview after an answer, by tap, number or words. None: it answers something else."""
    known = with_record(interview, talk)
    taken = take_answer(known, question, words, rules=rules)
    if taken is None and (codes := _fallback(question, words)):
        taken = take_answer(known, question, ",".join(codes), rules=rules)
    if taken is None and question.id == "complaint":
        taken = _by_department(known, words, rules)
    return None if taken is None else _without_record(taken, interview, talk)


def _by_department(known: Interview, words: str, rules: Rules) -> Interview | None:
    """A complaint that the rules have no word for, and of which one knows where it is seen."""
    hints = begin(words, rules=rules).hints
    if not hints or _ASKS.search(words):
        return None
    said, asked = (*known.said, words), (*known.asked, "complaint")
    return replace(known, hints=hints, said=said, asked=asked)


def _noted(interview: Interview, words: str, rules: Rules) -> Interview | None:
    if _ASKS.search(words):
        return None
    noted = take_note(interview, words, rules=rules)
    if noted is None:
        return None
    before, after = interview.findings, noted.findings
    changed = {name for name, value in after.facts.items() if before.facts.get(name) != value}
    is_told = changed & _TELLING or (changed & _WHO and _is_only_who(words))
    said_anew = changed and (_ANEW.search(words) or _ONLY_HOW_LONG.fullmatch(plain(words).strip()))
    if after.signs != before.signs or is_told or said_anew:
        return noted
    return None


def _is_only_who(words: str) -> bool:
    """ "男的", "for my son": and no story in which somebody comes along."""
    return len(words) <= (SHORT if words.isascii() else SHORT // 2)


def _other_duration(interview: Interview, question: Question, words: str) -> Interview | None:
    """ "不对,是三个月", while an age is asked: how long it has been, said before in other words."""
    findings, hours = interview.findings, hours_said(read(words).text)
    if question.fact != "months" or hours is None or "hours" not in findings.facts:
        return None
    if not _ANEW.search(words) or _AGE.search(words):
        return None
    told = findings.joined(Findings(facts={"hours": hours}))
    return replace(interview, findings=told, said=(*interview.said, words))


def _codes(question: Question, words: str) -> list[str]:
    """Taken as they were offered: by their labels, or several by their letters."""
    codes = {
        plain(label): choice.code for choice in question.choices for label in (choice.zh, choice.en)
    }
    if question.fact:  # "轻" of "轻，不耽误做事", and not "女" of two that begin so
        heads = Counter(label.split(",")[0] for label in codes)
        short = {label: label.split(",")[0] for label in codes}
        codes |= {short[label]: codes[label] for label in short if heads[short[label]] == 1}
    same = plain(words).strip()
    if same in codes:
        return [codes[same]]
    parts = [part.strip() for part in re.split(r"[、,;\n]+", same) if part.strip()]
    if question.several and parts and all(part in codes for part in parts):
        return [codes[part] for part in parts]
    same = same.strip(" .。)")
    if _LETTERS.fullmatch(same) and (question.several or len(same) == 1):
        places = [ord(letter) - ord("a") for letter in re.findall("[a-h]", same.replace("and", ""))]
        if all(place < len(question.choices) for place in places):
            return [question.choices[place].code for place in places]
    return []


def _fallback(question: Question, words: str) -> list[str]:
    """Looser words, where nothing else was said: "第二个", "都还好", "不太清楚"."""
    same = plain(words).strip(" .,。?!")
    if question.signs and question.id != "complaint":
        if _ALL_WELL.fullmatch(same):
            return [NONE]
        if question.several and _ALL_OF_THEM.fullmatch(same):
            return list(question.signs)
    # By its place alone: half a label ("自己" of "伤害自己") must never say what nobody said.
    picked = find_pick(words, [""] * len(question.choices))
    if picked and picked.places and not rest(words, [picked.span]) and _by_place(words, question):
        return [question.choices[place].code for place in picked.places]
    if len(question.signs) == 1 and _SHORT_NO.fullmatch(same):
        return [NONE]
    told = yes_or_no(words)
    if told is None or rest(words, [told.span]):
        return []
    if told.answer is Answer.UNSURE:
        return [UNSURE]
    if len(question.signs) == 1:
        return [YES] if told.answer is Answer.YES else [NONE]
    return []


def _by_place(words: str, question: Question) -> bool:
    """A bare figure is a place only where it can be no value: not of an age, nor of a pain."""
    return question.numbered or not re.search(r"[0-9]", words)


def _read_whole(words: str, says: Callable[[str], bool]) -> Sequence[Span]:
    """The clauses that were read, each by itself, so that the rest is seen by the model."""
    clauses = list(_CLAUSE.finditer(words))[: MOST_CLAUSES + 1]
    if len(clauses) > MOST_CLAUSES:
        return []
    return [
        clause.span()
        for clause in clauses
        if len(clause[0]) <= SHORT * (2 if clause[0].isascii() else 1)
        and not _ASKS.search(words[clause.start() : clause.end() + 1])
        and says(clause[0])
    ]


def read_whom(talk: Talk, asked: bool) -> Found | None:
    """For whom, where it is told: at the beginning, when asked, or when it is put right."""
    is_asked = talk.facts.get("question") == "who"
    if talk.facts.get("interview") and not is_asked and not _ANEW.search(talk.words):
        return None
    same = plain(talk.words)
    people = [one for one in find_people(talk.words) if not _COMPANY.search(same[: one.span[0]])]
    if not people:
        return None
    person = people[0]
    whom: dict[str, Any] = {"kind": str(person.kin), "gender": person.gender}
    if person.is_child:
        whom["is_child"] = True
    return Found(whom, [person.span])


def for_another(interview: Interview, whom: Mapping[str, Any], *, before: Interview) -> Interview:
    """It turned out to be somebody else: age, sex and pregnancy said before were not theirs."""
    who = {"self": "self", "child": "child"}.get(whom["kind"], "other")
    if whom.get("is_child"):
        who = "child"
    earlier = before.findings.facts
    if earlier.get("who", who) == who:
        return interview
    facts = {
        name: value
        for name, value in interview.findings.facts.items()
        if name not in DEMOGRAPHICS or earlier.get(name) != value
    }
    if who == "self":
        facts.pop("sex", None)  # "不是我妈,是我自己"
    return replace(interview, findings=replace(interview.findings, facts={**facts, "who": who}))


# --- for the nurse -------------------------------------------------------------------------------


def show_findings(kept: dict[str, Any]) -> str:
    """What the interview found, for the card: facts, what is there, what is not, how urgent."""
    interview, rules = Interview.from_json(kept), rules_in_force()
    findings, outcome = interview.findings, conclude(interview, rules=rules)
    level = outcome.level.name_en if _in_english() else outcome.level.name_zh
    groups = (
        (_("Has: %(what)s"), Known.PRESENT),
        (_("Has not: %(what)s"), Known.ABSENT),
        (_("Not sure of: %(what)s"), Known.UNSURE),
    )
    lines = [*_facts_in_words(findings)]
    for words, known in groups:
        named = [_named(sign, rules) for sign, state in findings.signs.items() if state is known]
        named = [name for name in dict.fromkeys(named) if name]
        if named:
            lines.append(words % {"what": _(", ").join(named)})
    lines.append(_("So far: %(level)s") % {"level": level})
    return _("; ").join(lines)


def _named(sign: str, rules: Rules) -> str:
    finding = rules.findings.get(sign)
    if finding is None or sign == UNSPECIFIED:
        return ""
    return finding.option_en if _in_english() else finding.option_zh


def _facts_in_words(findings: Findings) -> list[str]:
    facts, lines = findings.facts, []
    if (months := findings.number("months")) is not None:
        lines.append(age_in_words(months))
    if sex := facts.get("sex"):
        lines.append(_("female") if sex == "female" else _("male"))
    if facts.get("pregnant") is True:
        lines.append(_("pregnant or possibly"))
    if (hours := findings.number("hours")) is not None:
        lines.append(_("for %(time)s") % {"time": time_in_words(hours)})
    if (severity := findings.number("severity")) is not None:
        lines.append(_("severity %(score)s of 10") % {"score": f"{severity:g}"})
    if (celsius := findings.number("temperature")) is not None:
        lines.append(f"{celsius:g} °C")
    if course := facts.get("course"):
        lines.append({"worse": _("getting worse"), "better": _("getting better")}.get(
            str(course), _("unchanged")
        ))  # fmt: skip
    if (systolic := findings.number("systolic")) is not None:
        diastolic = findings.number("diastolic")
        low = f"/{diastolic:g}" if diastolic is not None else ""
        lines.append(f"{systolic:g}{low} mmHg")
    if (glucose := findings.number("glucose")) is not None:
        lines.append(f"{glucose:g} mmol/L")
    return lines


def age_in_words(months: float) -> str:
    if chosen := AGE_RANGES.get(months):
        return chosen.en if _in_english() else chosen.zh
    if months < 2 * YEAR:
        n = max(0, int(months))
        return ngettext("%(n)s month old", "%(n)s months old", n) % {"n": n}
    n = int(months // YEAR)
    return ngettext("%(n)s year old", "%(n)s years old", n) % {"n": n}


def time_in_words(hours: float) -> str:
    if hours < DAY:
        return ngettext("%(n)s hour", "%(n)s hours", max(1, round(hours))) % {
            "n": max(1, round(hours))
        }
    if hours < 3 * WEEK:
        return ngettext("%(n)s day", "%(n)s days", round(hours / DAY)) % {"n": round(hours / DAY)}
    if hours < 2 * MONTH:
        return ngettext("%(n)s week", "%(n)s weeks", round(hours / WEEK)) % {
            "n": round(hours / WEEK)
        }
    return ngettext("%(n)s month", "%(n)s months", round(hours / MONTH)) % {
        "n": round(hours / MONTH)
    }


def _in_english() -> bool:
    return (get_language() or "").startswith("en")
