"""What an interview comes to, in words and as a card: how urgent, where to go, what to expect."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from appointments.models import Slot
from appointments.slots import find_slots
from assistant.skills.days import moment_in_words
from assistant.skills.sheet import label_of
from assistant.talk import BringNurse, Option, Talk
from hospital.models import Department
from hospital.services import is_open, nearest_emergency_place, next_opening
from tickets.models import Reason
from triage.departments import DEPARTMENT_EN, GENERAL_PRACTICE
from triage.interview import Interview
from triage.interview_rules import Rules
from triage.labels import Urgency
from triage.outcome import EMERGENCY, EMERGENCY_FROM, Outcome, Suggested

TODAY = 3  # the level that has to be seen today
OFFERED = 3  # times on one screen
SEARCHED = 60  # slots looked at, to offer different doctors
MOST_TOLD = 3  # examinations
FROM_INTERVIEW = "interview:"  # before the id of a rule, where an alarm tells what rang it
SELF_HARM = ("harm_thoughts", "on_purpose")  # then the card names the helpline too
Where = tuple[Department, str]  # and the reason to go there


def departments_of(outcome: Outcome, talk: Talk) -> list[Where]:
    """Those of them that this hospital has; else general practice, if it has that."""
    named = {one.department: one for one in outcome.departments}
    ours = Department.objects.active().in_bulk([*named, GENERAL_PRACTICE], field_name="name")
    found = [
        (ours[name], _reason(one, ours[name], talk)) for name, one in named.items() if name in ours
    ]
    if not found and GENERAL_PRACTICE in ours:
        reason = _("A general practitioner can look first, and knows where to go from there")
        found = [(ours[GENERAL_PRACTICE], reason)]
    return found


def _reason(suggested: Suggested, department: Department, talk: Talk) -> str:
    """Why there, with the department called as this hospital calls it."""
    if not talk.is_english:
        return suggested.reason_zh
    theirs = DEPARTMENT_EN[suggested.department]
    return suggested.reason_en.replace(theirs, department.in_language("name", talk.lang))


def alarm(interview: Interview, outcome: Outcome, rules: Rules, talk: Talk) -> BringNurse:
    """Level 1 and 2: the emergency card, an alarm, and a nurse who has all that was found."""
    found = departments_of(outcome, talk)
    english = talk.is_english
    why = outcome.why_en if english else outcome.why_zh
    level = outcome.level
    advice = level.advice_en if english else level.advice_zh
    in_crisis = any(interview.findings.has(sign) for sign in SELF_HARM)
    return BringNurse(
        reason=Reason.DISTRESS if in_crisis else Reason.RED_FLAG,
        urgency=Urgency.EMERGENCY,
        department=found[0][0] if found else None,
        text="\n".join(why[:2] if in_crisis else [*why[:2], advice]),
        in_danger=True,
        rules=_what_rang(interview, outcome, rules),
        signs=why[:2],
        details=details_of(outcome, found, talk),
    )


def _what_rang(interview: Interview, outcome: Outcome, rules: Rules) -> list[str]:
    raised = [one.rule for one in interview.raised]
    urgent = {one.id for one in rules.rules if one.level and one.level <= EMERGENCY_FROM}
    met = [f"{FROM_INTERVIEW}{rule}" for rule in outcome.rules if rule in urgent]
    return [*raised, *met] or [f"{FROM_INTERVIEW}level"]


def in_words(outcome: Outcome, found: Sequence[Where], talk: Talk) -> str:
    """All of it, complete without a card, in as few words as will do."""
    english, level = talk.is_english, outcome.level
    lines = [level_in_words(outcome, talk), level.advice_en if english else level.advice_zh]
    if why := (outcome.why_en if english else outcome.why_zh)[:2]:
        lines.append(_("Why: %(why)s") % {"why": _("; ").join(why)})
    lines.append(_("Where to go:"))
    for number, (department, reason) in enumerate(found, start=1):
        where = department.in_language("location", talk.lang)
        place = _(" (%(where)s)") % {"where": where} if where else ""
        lines.append(f"{number}. {department.in_language('name', talk.lang)}{place}")
        if reason:
            lines.append(f"   {reason}")
    if examinations := _examinations(outcome, talk):
        lines.append(_("The doctor may order:"))
        lines += [_("· %(name)s: %(prepare)s") % each for each in examinations[:MOST_TOLD]]
    lines += outcome.care_en[:1] if english else outcome.care_zh[:1]
    lines.append(
        _("Watch for: %(what)s") % {"what": " ".join(_watch(outcome, talk))}
        if _watch(outcome, talk)
        else ""
    )
    lines.append(_("This is a direction, not a diagnosis."))
    return "\n".join(line for line in lines if line)


def level_in_words(outcome: Outcome, talk: Talk) -> str:
    level = outcome.level
    return _("How urgent: %(level)s (%(colour)s, level %(number)s of 5)") % {
        "level": level.name_en if talk.is_english else level.name_zh,
        "colour": _colours()[level.colour],
        "number": level.number,
    }


def in_short(outcome: Outcome, found: Sequence[Where], talk: Talk) -> str:
    """The same when it was told already: how urgent, and where to."""
    names = [department.in_language("name", talk.lang) for department, _reason in found]
    return f"{level_in_words(outcome, talk)}: {_(', ').join(names)}"


def details_of(outcome: Outcome, found: Sequence[Where], talk: Talk) -> dict[str, Any]:
    """The same for a screen that draws it."""
    english, level = talk.is_english, outcome.level
    departments = [
        {
            "code": department.code,
            "name": department.in_language("name", talk.lang),
            "reason": reason,
            "location": department.in_language("location", talk.lang),
        }
        for department, reason in found
    ]
    told = {
        "level": level.number,
        "level_name": level.name_en if english else level.name_zh,
        "colour": level.colour,
        "colour_name": _colours()[level.colour],
        "advice": level.advice_en if english else level.advice_zh,
        "why": list((outcome.why_en if english else outcome.why_zh)[:2]),
        "departments": departments,
        "examinations": _examinations(outcome, talk),
        "watch": _watch(outcome, talk),
        "care": list(outcome.care_en if english else outcome.care_zh),
    }
    return {"triage": told, "departments": departments}


def _colours() -> Mapping[str, str]:
    return {"red": _("red"), "orange": _("orange"), "yellow": _("yellow"), "green": _("green")}


def _examinations(outcome: Outcome, talk: Talk) -> list[dict[str, str]]:
    if talk.is_english:
        return [{"name": one.name_en, "prepare": one.prepare_en} for one in outcome.examinations]
    return [{"name": one.name_zh, "prepare": one.prepare_zh} for one in outcome.examinations]


def _watch(outcome: Outcome, talk: Talk) -> list[str]:
    return list(outcome.watch_en if talk.is_english else outcome.watch_zh)


# --- where and when one can be seen --------------------------------------------------------------


def earliest(found: Sequence[Where], outcome: Outcome, talk: Talk) -> list[Slot]:
    """The next free times of the first department, filled up from the second: one a doctor."""
    last_day = talk.today if outcome.level.number == TODAY else None
    slots: list[Slot] = []
    for department, _reason in found[:2]:
        if department.name == EMERGENCY or len(slots) == OFFERED:
            continue
        free = find_slots(now=talk.now, department=department, last_day=last_day, limit=SEARCHED)
        slots += _one_of_each(free)[: OFFERED - len(slots)]
    return slots


def _one_of_each(free: Iterable[Slot]) -> list[Slot]:
    """The next time of each doctor; where they are few, later ones of theirs after them."""
    free = list(free)
    first: dict[int | None, Slot] = {}
    for slot in free:
        first.setdefault(slot.doctor_id, slot)
    kept = [*first.values(), *(slot for slot in free if slot not in first.values())]
    return sorted(kept[:OFFERED], key=lambda slot: (slot.starts_at, slot.pk))


def options_of(slots: Sequence[Slot], talk: Talk) -> list[Option]:
    return [
        Option(f"{slot.department.in_language('name', talk.lang)} {label_of(slot, talk)}", slot.pk)
        for slot in slots
    ]


def emergency_hours(talk: Talk) -> str:
    """Where to go today when no clinic sees anybody any more."""
    place = nearest_emergency_place()
    if place is None:
        return _("No clinic is free today any more: please go to an emergency department.")
    said = {
        "name": place.in_language("name", talk.lang),
        "where": place.in_language("location", talk.lang),
        "phone": place.phone,
    }
    if is_open(place, talk.now):
        return (
            _(
                "No clinic is free today any more. Please go to %(name)s, %(where)s; it is open"
                " now. Phone %(phone)s."
            )
            % said
        )
    opens = next_opening(place, talk.now)
    if opens is None:
        return (
            _(
                "No clinic is free today any more. Please go to %(name)s, %(where)s; call"
                " %(phone)s first."
            )
            % said
        )
    said["when"] = moment_in_words(opens.astimezone(talk.hospital.zone), english=talk.is_english)
    return (
        _(
            "No clinic is free today any more. %(name)s, %(where)s, opens %(when)s. If you cannot"
            " wait, call 120. Phone %(phone)s."
        )
        % said
    )
