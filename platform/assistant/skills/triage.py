"""智能导诊: a complaint, a few questions one at a time, then how urgent it is and where to go.

What is asked and what it comes to is decided by `triage.interview`; here is only the talk.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.models import Slot
from assistant.reading import choices
from assistant.reading.choices import Answer, find_pick, yes_or_no
from assistant.reading.commands import Command, find_command
from assistant.reading.complaints import is_bare
from assistant.reading.spelling import plain, rest
from assistant.skills import advice, inquiry
from assistant.skills.days import read_wish
from assistant.skills.whom import WHOM
from assistant.talk import (
    Ask,
    BringNurse,
    Done,
    Found,
    Option,
    Skill,
    Step,
    Talk,
)
from assistant.talk import Slot as Needs
from assistant.turn import choice
from hospital.naming import find_departments, find_doctors
from tickets.models import Reason
from triage.answers import FIRST_COMPLAINTS, Question
from triage.interview import Interview, conclude
from triage.interview_rules import Rules
from triage.labels import Intent, Urgency
from triage.outcome import Outcome, complaints_of
from triage.services import rules_in_force

OTHER_TIME, NOT_NOW = "other_time", "not_now"
CAN_WAIT = 5  # the level at which nobody need be seen yet
LONGEST_ON_CARD = 120  # characters of the complaint
_UNWELL = re.compile(
    r"(?:我|俺)?(?:有点|有些|感觉|觉得|身体|身上|人|很|今天|最近|好)*"
    r"(?:不(?:太|大|怎么|是很)?舒服|难受|不得劲|不对劲)(?:得很|死了|了|啊|呀)*"
    r"|i(?:'m| am)?(?: feel(?:ing)?)?(?: (?:a bit|very|really|so))?"
    r" (?:unwell|ill|sick|not (?:well|good))"
    r"|i don'?t feel (?:well|good)"
)
_UNWELL_BEFORE = re.compile(
    r"感冒|着凉|受凉|中暑|不舒服|难受|不得劲|\b(?:unwell|sick|ill|a cold)\b"
)
# What else one comes for; with one of these in it, a complaint is not all that was said.
_ELSE = re.compile(
    r"挂号|预约|约个|取消|改期|退号|报告|结果|化验单|片子|药|剂量|一天几[次片粒]|副作用|费用|多少钱|医保|报销|停车|几点|地址|怎么走"
    r"|提醒|投诉|态度|发票|病历|开证明|请假条|住院手续|疫苗|体检套餐"
    r"|\b(?:appointment|book|cancel|report|results?|medicines?|pills?|dose|tablets?|cost|price|pay"
    r"|insurance|parking|address|open|remind\w*|complain\w*|certificate|vaccine)\b",
    re.IGNORECASE,
)


def proceed(talk: Talk) -> Step:
    rules = rules_in_force()
    interview = _heard(talk, rules)
    if interview is None:
        return _ask_complaint(talk, rules)
    question = inquiry.next_to_ask(interview, talk, rules=rules)
    if question is not None:
        return _ask(question, interview, talk, rules)
    talk.facts.pop("question", None)
    return _conclude(interview, talk, rules)


def _heard(talk: Talk, rules: Rules) -> Interview | None:
    """The interview with what this message adds to it; None while there is no complaint."""
    facts = talk.facts
    reply = facts.pop("answer", None)
    if not facts.get("interview"):
        if not facts.get("complaint") and not _complains_by_model(talk):
            return None
        interview = inquiry.start(talk, facts["complaint"], rules=rules)
    else:
        before = interview = Interview.from_json(facts["interview"])
        if reply is not None:
            interview = _with(reply, before, talk, rules)
            facts["noted"] = interview.asked == before.asked
            facts.pop("told", None)
        if facts.get("whom") != facts.get("whom_before"):
            interview = inquiry.for_another(interview, facts["whom"], before=before)
    if (who := interview.findings.facts.get("who")) in ("child", "other"):
        facts.setdefault("whom", {"kind": who, "gender": ""})
    facts["whom_before"], facts["interview"] = facts.get("whom"), interview.as_json()
    return interview


def _with(reply: Any, interview: Interview, talk: Talk, rules: Rules) -> Interview:
    """A tapped option, or the interview as the reader left it."""
    if isinstance(reply, dict):
        return Interview.from_json(reply)
    question = inquiry.question_of(talk, rules=rules)
    if question is None:
        return interview
    return inquiry.answered(interview, question, reply, talk, rules=rules) or interview


def _complains_by_model(talk: Talk) -> bool:
    """The rules know no sign in these words, and the model is sure that it is a complaint."""
    meaning = talk.meaning
    if meaning.abstained or meaning.intent is not Intent.SYMPTOM_TRIAGE:
        return False
    talk.facts["complaint"] = talk.words
    talk.misses = 0
    return True


# --- asking --------------------------------------------------------------------------------------


def _ask_complaint(talk: Talk, rules: Rules) -> Ask:
    return Ask(
        "complaint",
        _(
            "I'm sorry that you feel unwell. Please tell me in your own words: where does it"
            " trouble you, since when, and how old is the patient? If it is severe or getting"
            " worse quickly, call 120 now."
        ),
        _first_complaints(talk, rules),
        again=_(
            "What troubles you most, and where? For example “cough for three days” or “my knee"
            " hurts”. You can also tap one of these."
        ),
    )


def _first_complaints(talk: Talk, rules: Rules) -> list[Option]:
    """The commonest ones; the value is said as the rules read it, whatever the language."""
    offered = [rules.findings[sign] for sign in FIRST_COMPLAINTS if sign in rules.findings]
    return [
        Option(one.option_en if talk.is_english else one.option_zh, one.option_zh)
        for one in offered
    ]


def _ask(question: Question, interview: Interview, talk: Talk, rules: Rules) -> Ask:
    facts = talk.facts
    noted = facts.pop("noted", False) and not talk.misses
    facts["question"] = question.id
    number = len(interview.asked) + 1
    text = question.en if talk.is_english else question.zh
    again = _(
        "Sorry, I didn't quite get that. You can tap an answer or write it in a few words; “not"
        " sure” is fine too. %(question)s"
    ) % {"question": text}
    if noted:
        text = _("I have noted that. %(question)s") % {"question": text}
    elif question.id.partition(":")[0] in {one.partition(":")[0] for one in interview.asked}:
        text = _("A few more: %(question)s") % {"question": text}
    elif number == 1:
        intro = _("A few short questions, so that I can tell you how soon and where to go.")
        text = f"{intro}\n{text}"
    count = inquiry.expected(interview, question, talk, rules=rules)
    return Ask(
        "answer",
        text,
        [Option(one.en if talk.is_english else one.zh, one.code) for one in question.choices],
        again=again,
        details={
            "progress": [number, max(number, count)],
            "question": {"several": question.several, "numbered": question.numbered},
        },
    )


# --- the outcome ---------------------------------------------------------------------------------


def _conclude(interview: Interview, talk: Talk, rules: Rules) -> Step:
    known = inquiry.with_record(interview, talk)
    outcome = conclude(known, rules=rules)
    if outcome.hand_over:
        return advice.alarm(known, outcome, rules, talk)
    found = advice.departments_of(outcome, talk)
    is_today = outcome.level.number == advice.TODAY
    if not found:
        level = outcome.level
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            Urgency.SAME_DAY if is_today else Urgency.ROUTINE,
            text=level.advice_en if talk.is_english else level.advice_zh,
        )
    visit = talk.facts.pop("visit", None)
    if visit is None:
        return _tell(outcome, found, talk)
    if visit == NOT_NOW:
        return Done(
            _("All right. Write to me at once if it gets worse or something new comes up."),
            choices=[choice(_("Book an appointment"), tap="booking"), _nurse()],
        )
    return Done("", then="booking", with_facts=_for_booking(visit, found, talk))


def _tell(outcome: Outcome, found: list[advice.Where], talk: Talk) -> Ask:
    slots = advice.earliest(found, outcome, talk)
    question = _("Shall I look for a visit at the clinic?")
    if slots and outcome.level.number == CAN_WAIT:
        question = _("If you would like to be seen, these are the earliest visits.")
    elif slots:
        question = _(
            "The earliest visits are below. Shall I book one? You can also name another day."
        )
    lines = [question]
    if not slots and outcome.level.number == advice.TODAY:
        lines.insert(0, advice.emergency_hours(talk))
    steer = find_command(talk.words)
    is_asked_again = steer is not None and steer.command is Command.REPEAT
    if talk.facts.get("told") and not is_asked_again:
        lines.insert(0, advice.in_short(outcome, found, talk))
    else:
        lines.insert(0, advice.in_words(outcome, found, talk))
    options = [
        *advice.options_of(slots, talk),
        Option(_("Other times"), OTHER_TIME),
        Option(_("Don't book now"), NOT_NOW),
    ]
    talk.facts["told"] = True
    talk.facts["offered"] = [[option.label, option.value] for option in options]
    return Ask(
        "visit",
        "\n".join(lines),
        options,
        again=_("Please choose one of the times, name another day, or write “don't book”."),
        details=advice.details_of(outcome, found, talk),
    )


def _nurse() -> dict[str, str]:
    return choice(_("Talk to a nurse"), tap="nurse")


def _for_booking(visit: Any, found: list[advice.Where], talk: Talk) -> dict[str, Any]:
    """What booking need not ask any more: where, who, when, for whom."""
    facts: dict[str, Any] = {}
    if whom := talk.facts.get("whom"):
        facts["whom"] = whom
    slot = Slot.objects.with_all().filter(pk=visit).first() if isinstance(visit, int) else None
    if slot is not None:
        doctor = {"doctor": [slot.doctor_id]} if slot.doctor_id else {}
        return {**facts, "department": slot.department.code, **doctor, "time": slot.pk}
    if isinstance(visit, dict):
        return {**facts, **visit}
    return {**facts, "department": found[0][0].code}


# --- reading -------------------------------------------------------------------------------------


def _read_complaint(talk: Talk, asked: bool) -> Found | None:
    """A sign that the rules know, in words that begin this talk or answer "what troubles you?"."""
    if talk.facts.get("interview"):
        return None
    rules, whole = rules_in_force(), [(0, len(talk.words))]
    if rules.read_signs(talk.words).signs:
        return Found(talk.words, whole)
    offered = [option for option in _first_complaints(talk, rules) if asked]
    picked = find_pick(talk.words, [option.label for option in offered])
    if picked is None or len(picked.places) != 1 or rest(talk.words, [picked.span]):
        return None
    return Found(offered[picked.places[0]].value, whole)


def _read_visit(talk: Talk, asked: bool) -> Found | None:
    """What is wanted after the outcome: a time, another department, doctor or day, or nothing."""
    if not asked:
        return None
    offered = talk.facts.get("offered") or []
    picked = find_pick(talk.words, [label for label, _value in offered])
    if picked is not None and not rest(talk.words, [picked.span]):
        if picked.all_or_none is not None:
            is_any = picked.all_or_none is choices.ANY
            return Found(offered[0][1] if is_any else OTHER_TIME, [picked.span])
        if len(picked.places) == 1:
            return Found(offered[picked.places[0]][1], [picked.span])
    if named := find_departments(talk.words):
        return Found({"department": named[-1].department.code}, [one.span for one in named])
    if (doctors := find_doctors(talk.words)) is not None:
        return Found({"doctor": [doctor.pk for doctor in doctors.doctors]}, [doctors.span])
    if (wish := read_wish(talk, asked)) is not None:
        return Found(OTHER_TIME, wish.spans)
    told = yes_or_no(talk.words)
    if told is None or told.answer is Answer.UNSURE:
        return None
    return Found(OTHER_TIME if told.answer is Answer.YES else NOT_NOW, [told.span])


def wants(talk: Talk) -> bool:
    """ "我不舒服", "头疼怎么办", and no more: there is nothing in it that a model could weigh."""
    if _UNWELL.fullmatch(plain(talk.words).strip(" .,。?!")):
        return True
    return is_bare(talk.words, rules_in_force())


def takes(talk: Talk) -> bool:
    """A complaint is named, and nothing else is asked for."""
    if _ELSE.search(talk.words):
        return False
    if _UNWELL_BEFORE.search(plain(talk.words)):
        return True
    rules = rules_in_force()
    return bool(complaints_of(rules.read_signs(talk.words), rules))


TRIAGE = Skill(
    "triage",
    gettext_lazy("finding the right department"),
    (
        Needs(
            "complaint",
            gettext_lazy("Chief complaint"),
            _read_complaint,
            show=lambda words: str(words)[:LONGEST_ON_CARD],
            picks=False,
        ),
        Needs("whom", WHOM.label, inquiry.read_whom, show=WHOM.show),
        Needs("interview", gettext_lazy("Interview"), show=inquiry.show_findings),
        Needs("answer", gettext_lazy("Answer"), inquiry.read_answer, show=None, picks=False),
        Needs("visit", gettext_lazy("Visit"), _read_visit, show=None, picks=False),
    ),
    proceed,
    wants=wants,
    takes=takes,
)
