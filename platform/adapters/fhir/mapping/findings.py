"""DiagnosticReport and the Observations that are its lines."""

import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from adapters.fhir.mapping.datatypes import (
    LOINC,
    Found,
    Missing,
    NotReadable,
    Resource,
    coded,
    codes,
    english_of,
    listed,
    moment_of,
    needed,
    resolve,
    text_of,
    to_concept,
    to_moment,
)
from records.models import DiagnosticReport, Observation
from records.ports import LineRecord, ReportRecord

Status, Category = DiagnosticReport.Status, DiagnosticReport.Category
_STATUS = {
    "registered": Status.REGISTERED, "partial": Status.PARTIAL,
    "preliminary": Status.PRELIMINARY, "final": Status.FINAL, "amended": Status.AMENDED,
    "corrected": Status.AMENDED, "appended": Status.AMENDED, "cancelled": Status.CANCELLED,
    "entered-in-error": Status.CANCELLED,
}  # fmt: skip
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_CODE_OF = {Category.LAB: "LAB", Category.IMAGING: "RAD", Category.PATHOLOGY: "PAT"}
_IMAGING = {"RAD", "RX", "RUS", "CT", "CUS", "NMR", "NMS", "OUS", "VUS", "XRC", "IMG"}
_PATHOLOGY = {"PAT", "SP", "CP", "CG", "GE", "AU"}
_INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
# HL7's codes that are none of ours, as the nearest one; of doubtful ones the graver.
_READ_AS = {
    "HU": "HH", "LU": "LL", ">": "HH", "<": "LL", "HX": "HH", "LX": "LL",
    "POS": "A", "DET": "A", "R": "A", "I": "A", "NEG": "N", "ND": "N", "S": "N",
}  # fmt: skip
_ALARMING = ("危急", "critical", "panic")
NOT_DONE = "—"
_MEASURED = re.compile(r"(?P<sign>[<>]=?)?(?P<number>-?[0-9.]+)")


def report_record(resource: Resource, *, zone: ZoneInfo, found: Found) -> ReportRecord:
    """Raises NotReadable, and Missing where a line did not come along."""
    status = _STATUS.get(str(resource.get("status")), Status.REGISTERED)
    is_out = status in (Status.FINAL, Status.AMENDED)
    lines = _lines(resource, found)
    issued = moment_of(resource.get("issued"), zone=zone)
    period = resource.get("effectivePeriod") or {}
    begun = resource.get("effectiveDateTime") or period.get("start")
    return ReportRecord(
        name=needed(text_of(resource.get("code")), "code"),
        category=_category(resource, has_lines=bool(lines)).value,
        status=status.value,
        name_en=english_of(resource.get("code")),
        conclusion=resource.get("conclusion") or None,
        registered_at=moment_of(begun, zone=zone) or issued,
        available_at=issued if is_out else None,
        lines=lines,
    )


def to_report(record: ReportRecord, *, patient: dict[str, Any]) -> dict[str, Any]:
    lines = [
        {"id": f"line-{number}", **to_observation(line)}
        for number, line in enumerate(record.lines, start=1)
    ]
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "status": record.status,
        "category": [coded(_SECTIONS, _CODE_OF[Category(record.category)])],
        "code": to_concept(record.name, english=record.name_en),
        "subject": patient,
    }
    if lines:
        resource["contained"] = lines
        resource["result"] = [{"reference": f"#{line['id']}"} for line in lines]
    if record.conclusion:
        resource["conclusion"] = record.conclusion
    if record.registered_at:
        resource["effectiveDateTime"] = to_moment(record.registered_at)
    if record.available_at:
        resource["issued"] = to_moment(record.available_at)
    return resource


def to_observation(line: LineRecord) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": to_concept(line.name, english=line.name_en, loinc=line.code),
    }
    measured = _MEASURED.fullmatch(line.value)
    if line.unit and measured and _is_number(measured["number"]):
        quantity = {"value": Decimal(measured["number"]), "unit": line.unit}
        sign = {"comparator": measured["sign"]} if measured["sign"] else {}
        resource["valueQuantity"] = quantity | sign
    else:
        resource["valueString"] = line.value
    limits: dict[str, Any] = {}
    for name, limit in (("low", line.low), ("high", line.high)):
        if limit and _is_number(limit):
            limits[name] = {"value": Decimal(limit)}
    if line.range_text:
        limits["text"] = line.range_text
    if limits:
        resource["referenceRange"] = [limits]
    if line.interpretation:
        resource["interpretation"] = [coded(_INTERPRETATIONS, line.interpretation)]
    return resource


def _category(resource: Resource, *, has_lines: bool) -> DiagnosticReport.Category:
    said = {code for each in listed(resource, "category") for code in codes(each)}
    words = " ".join(filter(None, (text_of(each) for each in listed(resource, "category"))))
    if said & _PATHOLOGY or "病理" in words:
        return Category.PATHOLOGY
    if said & _IMAGING or "影像" in words or "放射" in words or "超声" in words:
        return Category.IMAGING
    return Category.LAB if said or has_lines else Category.IMAGING


def _lines(resource: Resource, found: Found) -> tuple[LineRecord, ...]:
    lines: list[LineRecord] = []
    for reference in listed(resource, "result"):
        observation = resolve(resource, reference, found)
        if observation is None:
            raise Missing(str(reference.get("reference") or ""))
        if observation.get("status") not in ("cancelled", "entered-in-error"):
            lines += _lines_of(observation)
    return tuple(lines)


def _lines_of(observation: Resource) -> list[LineRecord]:
    """A blood pressure is one Observation, and two lines."""
    parts = listed(observation, "component")
    has_own = any(key.startswith("value") for key in observation)
    own = [_line(observation)] if has_own or not parts else []
    return own + [_line(part) for part in parts]


def _line(part: Resource) -> LineRecord:
    value, unit = _value(part)
    ranges = listed(part, "referenceRange")
    limits = ranges[0] if ranges else {}
    loinc = codes(part.get("code"), LOINC)
    return LineRecord(
        name=needed(text_of(part.get("code")) or next(iter(codes(part.get("code"))), None), "code"),
        value=value,
        code=loinc[0] if loinc else None,
        name_en=english_of(part.get("code")),
        unit=unit,
        low=_number(limits.get("low")),
        high=_number(limits.get("high")),
        range_text=limits.get("text") or None,
        interpretation=_interpretation(part),
    )


def _value(part: Resource) -> tuple[str, str | None]:
    if isinstance(quantity := part.get("valueQuantity"), dict):
        number = _number(quantity)
        if number is not None:
            sign = str(quantity.get("comparator") or "")
            return f"{sign}{number}", quantity.get("unit") or quantity.get("code") or None
    if isinstance(limits := part.get("valueRange"), dict):
        ends = (_number(limits.get("low")), _number(limits.get("high")))
        return "–".join(end or "" for end in ends), None
    if isinstance(concept := part.get("valueCodeableConcept"), dict):
        return text_of(concept) or next(iter(codes(concept)), NOT_DONE), None
    for name in ("valueString", "valueInteger", "valueDateTime", "valueTime", "valueBoolean"):
        if part.get(name) is not None:
            return str(part[name]), None
    if any(key.startswith("value") for key in part):
        raise NotReadable("value")
    return text_of(part.get("dataAbsentReason")) or NOT_DONE, None


def _number(quantity: Any) -> str | None:
    """As many digits as the laboratory wrote: 5.10 is not 5.1."""
    value = quantity.get("value") if isinstance(quantity, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return format(Decimal(str(value)), "f")


def _is_number(text: str) -> bool:
    try:
        return format(Decimal(text), "f") == text
    except ArithmeticError:
        return False


def _interpretation(part: Resource) -> str:
    for concept in listed(part, "interpretation"):
        for code in codes(concept):
            if code in Observation.Interpretation.values:
                return code
            if code in _READ_AS:
                return _READ_AS[code]
        words = (text_of(concept) or "").lower()
        if any(word in words for word in _ALARMING):
            return Observation.Interpretation.CRITICALLY_ABNORMAL.value
    return ""
