"""Reports: what may be told of them, by whom first, and how in plain words.

A result that is critical or sensitive is told by a nurse or doctor first (`release.toml`). What is
said of an item is what it is about (`lab_items.toml`) and where in its range the value lies: never
what it means. Both files are drafts, to be signed off.
"""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from hospital.models import Hospital
from patients.models import Patient
from records.models import DiagnosticReport, Observation
from staff.models import StaffMember
from vault import access

Interpretation = Observation.Interpretation
CRITICAL = (
    Interpretation.CRITICALLY_LOW,
    Interpretation.CRITICALLY_HIGH,
    Interpretation.CRITICALLY_ABNORMAL,
)
IN_RANGE = (0.25, 0.75)  # of the bar; what lies outside is drawn beside it
SLIGHTLY = 0.1  # of the limit
_NUMBER = re.compile(r"^\s*+[<>≤≥]?\s*+(-?\d+(?:\.\d+)?)\s*$")


class Standing(StrEnum):
    READY = "ready"
    NOT_READY = "not_ready"
    NEEDS_TALK = "needs_talk"


class NotReleased(Exception):
    """Not out yet, or not told by a person yet: nothing of it is shown."""


class OtherPatient(Exception):
    """A report of this number is known, and it is somebody else's."""


class CannotOpen(Exception):
    """Only a nurse or doctor opens a report, and only one that is out."""


@dataclass(frozen=True)
class Row:
    """One line of a report in plain words. `at` is its place on a bar, 0 to 1."""

    code: str
    name: str
    value: str
    unit: str
    range: str
    at: float | None
    interpretation: str
    word: str
    about: str


@dataclass(frozen=True)
class View:
    name: str
    status: str
    available_at: datetime | None
    rows: tuple[Row, ...]
    conclusion: str

    @property
    def outside(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.interpretation not in ("", "N"))


@dataclass(frozen=True)
class Earlier:
    """One value of a trend."""

    at: datetime
    value: float
    unit: str


@dataclass(frozen=True)
class Item:
    zh: str
    en: str
    about_zh: str
    about_en: str


@dataclass(frozen=True)
class Rule:
    id: str
    categories: frozenset[str]
    codes: frozenset[str]
    words: re.Pattern[str] | None


# --- release -------------------------------------------------------------------------------------


def standing(report: DiagnosticReport) -> Standing:
    """What the assistant may say of it. The rules are asked each time: a change holds at once."""
    told = report.opened_at is not None and report.talk_owed_at is None
    if not told and (report.talk_owed_at or why_talk(report)):
        # Also of what is not out yet: a critical preliminary value is a nurse's to tell.
        return Standing.NEEDS_TALK if report.is_out else Standing.NOT_READY
    return Standing.READY if report.is_out else Standing.NOT_READY


def why_talk(report: DiagnosticReport) -> str:
    """The rule by which a person tells it first; empty where none holds."""
    lines = list(report.observations.all())
    if any(line.interpretation in CRITICAL for line in lines):
        return "critical"
    codes = {line.code for line in lines if line.code}
    said = [report.name, report.name_en, report.conclusion]
    said += [name for line in lines for name in (line.name, line.name_en)]
    text = "\n".join(filter(None, said))
    for rule in _rules():
        by_word = rule.words is not None and rule.words.search(text)
        if report.category in rule.categories or codes & rule.codes or by_word:
            return rule.id
    return ""


@transaction.atomic
def file_report(
    patient: Patient,
    *,
    external_id: str,
    now: datetime,
    observations: Iterable[dict[str, Any]] = (),
    **fields: Any,
) -> DiagnosticReport:
    """Take in a report from where it was made, or its newer state. Twice is once.

    The door for whatever brings reports; `observations` are the fields of each line, in order.
    Raises OtherPatient.
    """
    report = _begun(patient, external_id, now=now, **fields)
    told_before = _told(report)
    for name, value in fields.items():
        setattr(report, name, value)
    if report.is_out and report.available_at is None:
        report.available_at = now
    report.save()
    wanted = [{"interpretation": "", **line} for line in observations]
    if told_before.lines != [_fact(line) for line in wanted]:
        report.observations.all().delete()
        for position, line in enumerate(wanted):
            Observation.objects.create(
                report=report, data_key_id=report.data_key_id, position=position, **line
            )
    if _told(report) != told_before:  # another result than the one that was told
        report.opened_at = report.opened_by = None
        report.save(update_fields=["opened_at", "opened_by"])
    return settle_release(report, now=now)


def settle_release(report: DiagnosticReport, *, now: datetime) -> DiagnosticReport:
    """Note that a person owes the patient a talk, or that nobody does."""
    fresh = DiagnosticReport.objects.prefetch_related("observations").get(pk=report.pk)
    cancelled = fresh.status == DiagnosticReport.Status.CANCELLED
    owed = fresh.opened_at is None and not cancelled and why_talk(fresh) != ""
    fresh.talk_owed_at = (fresh.talk_owed_at or now) if owed else None
    fresh.save(update_fields=["talk_owed_at"])
    return fresh


@transaction.atomic
def open_report(report_id: int, *, by: StaffMember, now: datetime) -> bool:
    """Note that a nurse or doctor told the patient. False: somebody had. Raises CannotOpen."""
    report = DiagnosticReport.objects.get(pk=report_id)
    if not by.is_caring or not report.is_out:
        raise CannotOpen
    # First the head of the log, then the report: as a patient who looks at it locks them.
    access.record(
        access.Action.CHANGE, actor_id=by.pk, subject="patient", subject_id=report.patient_id,
        reason="report: opened and talked over", now=now,
    )  # fmt: skip
    unopened = DiagnosticReport.objects.filter(pk=report_id, opened_at=None)
    return bool(unopened.update(opened_at=now, opened_by=by, talk_owed_at=None))


def _begun(patient: Patient, external_id: str, *, now: datetime, **fields: Any) -> DiagnosticReport:
    """The report of this number, locked; a new one where none is known."""
    fresh = {
        "patient": patient, "data_key_id": patient.data_key_id, "registered_at": now, **fields,
    }  # fmt: skip
    if not external_id:
        return DiagnosticReport.objects.create(**fresh)
    report, _created = DiagnosticReport.objects.get_or_create(
        external_id=external_id, defaults=fresh
    )
    report = DiagnosticReport.objects.select_for_update().get(pk=report.pk)
    if report.patient_id != (patient.merged_into_id or patient.pk):
        raise OtherPatient
    return report


@dataclass(frozen=True)
class _Told:
    """What a talk about a report was about."""

    conclusion: str
    lines: list[tuple[Any, ...]]


def _told(report: DiagnosticReport) -> _Told:
    lines = report.observations.order_by("position", "pk")
    facts = [tuple(getattr(line, name) or "" for name in _FACTS) for line in lines]
    return _Told(report.conclusion or "", facts)


def _fact(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line.get(name) or "" for name in _FACTS)


_FACTS = (
    "code", "name", "name_en", "value", "unit", "low", "high", "range_text", "interpretation",
)  # fmt: skip


# --- plain words ---------------------------------------------------------------------------------


def report_view(report: DiagnosticReport, language: str) -> View:
    """A report in plain words. Raises NotReleased."""
    if standing(report) is not Standing.READY:
        raise NotReleased
    english = language.startswith("en")
    with translation.override("en" if english else "zh-hans"):
        return View(
            name=(report.name_en if english else "") or report.name,
            status=report.get_status_display(),
            available_at=report.available_at,
            rows=tuple(_row(line, english=english) for line in report.observations.all()),
            conclusion=report.conclusion or "",
        )


def report_text(report: DiagnosticReport, language: str) -> str:
    """The same for a channel that shows no cards. Raises NotReleased."""
    view = report_view(report, language)
    with translation.override("en" if language.startswith("en") else "zh-hans"):
        lines = [view.name]
        if view.available_at:
            day = timezone.localtime(view.available_at, Hospital.objects.this_one().zone)
            lines[0] += f" · {day:%Y-%m-%d}"
        for row in view.rows:
            value = f"{row.value} {row.unit}".strip()
            limits = _(" (range %(range)s)") % {"range": row.range} if row.range else ""
            word = f" {row.word}" if row.word else ""
            lines.append(f"• {row.name} {value}{limits}{word}")
        if view.conclusion:
            lines.append(_("Conclusion: %(text)s") % {"text": view.conclusion})
        if view.rows:
            lines.append(
                _("Ranges differ by laboratory, age and sex. Your doctor reads them with you.")
            )
    return "\n".join(lines)


def trend(patient: Patient, code: str) -> list[Earlier]:
    """The values of one item over time, the oldest first, of reports that may be told."""
    return trends(DiagnosticReport.objects.of(patient.pk)).get(code, [])


def trends(reports: Iterable[DiagnosticReport]) -> dict[str, list[Earlier]]:
    """The same of every item in these reports of one patient, by code."""
    found: dict[str, list[Earlier]] = defaultdict(list)
    for report in reports:
        if standing(report) is not Standing.READY:
            continue
        at = report.available_at or report.registered_at
        for line in report.observations.all():
            number = _number(line.value)
            if line.code and number is not None:
                found[line.code].append(Earlier(at, number, line.unit or ""))
    return {code: sorted(values, key=lambda each: each.at) for code, values in found.items()}


def _row(line: Observation, *, english: bool) -> Row:
    value, low, high = _number(line.value), _number(line.low), _number(line.high)
    interpretation = line.interpretation or _read_from_range(value, low, high)
    item = _item(line)
    about = (item.about_en if english else item.about_zh) if item else ""
    name = (line.name_en or (item.en if item else "")) if english else ""
    return Row(
        code=line.code or "",
        name=name or line.name,
        value=line.value,
        unit=line.unit or "",
        range=_range(line),
        at=_place(value, low, high),
        interpretation=interpretation,
        word=_word(interpretation, value, low, high),
        about=about,
    )


def _range(line: Observation) -> str:
    if line.low and line.high:
        return f"{line.low}–{line.high}"
    if line.low or line.high:
        return f"≥ {line.low}" if line.low else f"≤ {line.high}"
    return line.range_text or ""


def _read_from_range(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or (low is None and high is None):
        return ""
    if low is not None and value < low:
        return Interpretation.LOW
    return Interpretation.HIGH if high is not None and value > high else Interpretation.NORMAL


def _place(value: float | None, low: float | None, high: float | None) -> float | None:
    first, last = IN_RANGE
    if value is None or (low is None and high is None):
        return None
    if low is not None and high is not None and high > low:
        at = first + (last - first) * (value - low) / (high - low)
    elif high:
        at = last * value / high
    elif low:
        at = first * value / low
    else:
        return None
    return round(min(1.0, max(0.0, at)), 3)


def _word(interpretation: str, value: float | None, low: float | None, high: float | None) -> str:
    slightly = value is not None and (
        (high is not None and high < value <= high * (1 + SLIGHTLY))
        or (low is not None and low * (1 - SLIGHTLY) <= value < low)
    )
    words = {
        "N": _("in range"),
        "H": _("slightly above the range") if slightly else _("above the range"),
        "L": _("slightly below the range") if slightly else _("below the range"),
        "HH": _("far above the range"),
        "LL": _("far below the range"),
        "A": _("outside the range"),
        "AA": _("far outside the range"),
    }
    return words.get(interpretation, "")


def _number(text: str | None) -> float | None:
    found = _NUMBER.match(unicodedata.normalize("NFKC", text or ""))
    return float(found[1]) if found else None


def _item(line: Observation) -> Item | None:
    by_code, by_name = _items()
    return by_code.get(line.code or "") or by_name.get(_plain(line.name))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).replace(" ", "").casefold()


@cache
def _items() -> tuple[dict[str, Item], dict[str, Item]]:
    by_code, by_name = {}, {}
    for code, (zh, short, en, about_zh, about_en) in _toml("lab_items").items():
        item = by_code[code] = Item(zh, en, about_zh, about_en)
        for name in (zh, en, *short.split()):
            by_name[_plain(name)] = item
    return by_code, by_name


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            id=row["id"],
            categories=frozenset(row.get("categories", ())),
            codes=frozenset(row.get("codes", ())),
            words=_any_of(row.get("words", ())),
        )
        for row in _toml("release")["rule"]
    )


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """Short Latin names stand alone: PSA is not in "capsaicin"."""
    patterns = [
        rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])" if word.isupper() else re.escape(word)
        for word in words
    ]
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("records") / f"{name}.toml").read_text("utf-8"))
