"""What a reminder says, in the language of the conversation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from careplans.models import Due, DueKind, QuestionKind
from patients.models import Purpose

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_STAMP = re.compile(
    r"(?P<month>\d{1,2})月(?P<day>\d{1,2})日 (?P<at>\d\d:\d\d) 的药："
    rf"|(?P<day_>\d{{1,2}}) (?P<name>{'|'.join(_MONTHS)}) (?P<at_>\d\d:\d\d): "
)


@dataclass(frozen=True)
class Stamp:
    """What a button says of the dose that it stood below, and how long that is."""

    when: tuple[int, int, str]  # month, day, wall time
    length: int


def words_of(dues: Sequence[Due], *, language: str) -> str:
    """The text of one reminder: several doses of one moment, or one step."""
    first = dues[0]
    with translation.override(language):
        if first.kind == DueKind.DOSE:
            return _doses(dues)
        if first.kind == DueKind.REFILL:
            assert first.medication is not None
            return _(
                "By our count your medicine will be used up in a few days: %(medicine)s."
                " Shall we help you to get more? A nurse can look into it."
            ) % {"medicine": first.medication.medicine}
        assert first.step is not None
        return first.step.in_language("text", language)


def _doses(dues: Sequence[Due]) -> str:
    plan = dues[0].plan
    at = dues[0].due_at.astimezone(plan.zone)
    lines = []
    for due in dues:
        assert due.medication is not None
        medicine = due.medication
        meal = medicine.get_meal_display() if medicine.meal else ""  # "at any time" it is not
        parts = [medicine.medicine, medicine.dose or "", meal]
        lines.append("· " + " ".join(part for part in parts if part))
    return "\n".join(
        [
            _("It is time for your %(time)s medicine:") % {"time": f"{at:%H:%M}"},
            *lines,
            _("Please tell me when you have taken it. If you feel unwell, write to me at once."),
        ]
    )


def details_of(dues: Sequence[Due], *, language: str) -> dict[str, Any]:
    """What travels with it: for what purpose, about which row, and answers to tap."""
    first = dues[0]
    details: dict[str, Any] = {
        "purpose": Purpose.REMINDERS.value,
        "due": str(first.uid),
        # Daylight is the patient's, who may be abroad.
        "zone": first.plan.time_zone,
    }
    with translation.override(language):
        choices = _choices(first, language=language)
    if choices:
        stamp = _stamp(first, language=language)
        details["choices"] = [
            {"label": each, "text": f"{stamp}{each}", "tap": "answer"} for each in choices
        ]
    return details


def _stamp(due: Due, *, language: str) -> str:
    """Which dose it is, in what a tap sends: one that is pressed late answers no newer one."""
    if due.kind != DueKind.DOSE:
        return ""
    at = due.due_at.astimezone(due.plan.zone)
    if language.startswith("en"):
        return f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}: "
    return f"{at.month}月{at.day}日 {at:%H:%M} 的药："


def stamped(text: str) -> Stamp | None:
    """The dose that a tapped answer names."""
    found = _STAMP.match(text)
    if found is None:
        return None
    month = int(found["month"]) if found["month"] else _MONTHS.index(found["name"]) + 1
    day, at = int(found["day"] or found["day_"]), found["at"] or found["at_"]
    return Stamp((month, day, at), found.end())


def _choices(due: Due, *, language: str) -> list[str]:
    if due.kind == DueKind.DOSE:
        return [_("I took it"), _("In a while"), _("Not this time")]
    if due.kind == DueKind.REFILL:
        return [_("I need a refill"), _("Not needed")]
    if not due.expects_answer:
        return [_("Got it")]
    if due.step is not None and due.step.questionnaire_id is not None:
        return [_("Answer now"), _("In a while"), _("I don't want to answer")]
    return []


def options_of(kind: str, options: Sequence[dict[str, Any]], *, language: str) -> list[str]:
    """What can be tapped for an answer to a question."""
    if kind != QuestionKind.CHOICE:
        return []
    key = "text_en" if language.startswith("en") else "text"
    return [str(each.get(key) or each["text"]) for each in options]
