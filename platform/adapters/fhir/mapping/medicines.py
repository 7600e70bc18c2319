"""MedicationRequest and AllergyIntolerance."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from adapters.fhir.mapping.datatypes import (
    Found,
    Missing,
    NotForUs,
    Resource,
    coded,
    codes,
    days,
    listed,
    moment_of,
    needed,
    resolve,
    text_of,
    to_moment,
)
from records.models import AllergyIntolerance, MedicationRequest
from records.ports import AllergyRecord, PrescriptionRecord

Status, Meals = MedicationRequest.Status, MedicationRequest.Meals
_STATUS = {
    "active": Status.ACTIVE, "on-hold": Status.ON_HOLD, "completed": Status.COMPLETED,
    "stopped": Status.STOPPED, "cancelled": Status.CANCELLED, "entered-in-error": Status.CANCELLED,
}  # fmt: skip
_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
_A_DAY = {"QD": 1, "AM": 1, "PM": 1, "BED": 1, "BID": 2, "TID": 3, "QID": 4, "Q6H": 4, "Q8H": 3}
_WHEN = {"HS": Meals.BEDTIME, "AC": Meals.BEFORE, "PC": Meals.AFTER, "C": Meals.WITH}
_EVENT_OF = {meals: when for when, meals in _WHEN.items()}
_UNIT_DAYS = {"d": 1.0, "wk": 7.0, "mo": 30.0, "a": 365.0}
NOT_SAID = "—"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_OVER = {"inactive", "resolved"}
_WRONG = {"refuted", "entered-in-error"}
# SNOMED CT: no known allergy, no known drug, food, environmental, latex allergy.
_NONE_KNOWN = {"716186003", "409137002", "429625007", "428607008", "1003774007"}


# --- Prescriptions -------------------------------------------------------------------------------


def prescription_record(resource: Resource, *, zone: ZoneInfo, found: Found) -> PrescriptionRecord:
    """Raises NotForUs for drafts and proposals, NotReadable, Missing."""
    status = _STATUS.get(str(resource.get("status")))
    if status is None or resource.get("intent") not in _ORDERS or resource.get("doNotPerform"):
        raise NotForUs
    dosages = listed(resource, "dosageInstruction")
    first = dosages[0] if dosages else {}
    timing = first.get("timing") or {}
    repeat = timing.get("repeat") or {}
    starts_at = _begins(resource, repeat, zone=zone)
    texts = [str(each.get("text")) for each in dosages if each.get("text")]
    texts += [str(each["patientInstruction"]) for each in dosages if each.get("patientInstruction")]
    dispensed = resource.get("dispenseRequest") or {}
    refills = dispensed.get("numberOfRepeatsAllowed")
    return PrescriptionRecord(
        drug=needed(_drug(resource, found), "medication"),
        dose=_dose(first) or NOT_SAID,
        status=status.value,
        route=text_of(first.get("route")),
        instructions="；".join(dict.fromkeys(texts)) or None,
        # Several dosages, each in its turn, are no number of times a day: the words say it.
        times_per_day=_times_per_day(first, timing, repeat) if len(dosages) == 1 else None,
        meals=_meals(repeat).value,
        starts_at=starts_at,
        ends_at=_ends(resource, repeat, starts_at, zone=zone),
        refills=min(refills, 100) if isinstance(refills, int) and refills > 0 else 0,
    )


def to_prescription(record: PrescriptionRecord, *, patient: dict[str, Any]) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    if record.times_per_day:
        repeat |= {"frequency": record.times_per_day, "period": 1, "periodUnit": "d"}
    if record.meals != Meals.ANY:
        repeat["when"] = [_EVENT_OF[Meals(record.meals)]]
    bounds = {
        name: to_moment(at)
        for name, at in (("start", record.starts_at), ("end", record.ends_at))
        if at is not None
    }
    if bounds:
        repeat["boundsPeriod"] = bounds
    dosage: dict[str, Any] = {"timing": {"repeat": repeat}} if repeat else {}
    if record.dose != NOT_SAID:
        dosage["doseAndRate"] = [{"doseQuantity": {"unit": record.dose}}]
    if record.instructions:
        dosage["text"] = record.instructions
    if record.route:
        dosage["route"] = {"text": record.route}
    if not record.times_per_day:
        dosage["asNeededBoolean"] = True
    resource: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "status": record.status,
        "intent": "order",
        "medicationCodeableConcept": {"text": record.drug},
        "subject": patient,
        "dosageInstruction": [dosage],
    }
    if record.refills:
        resource["dispenseRequest"] = {"numberOfRepeatsAllowed": record.refills}
    return resource


def _drug(resource: Resource, found: Found) -> str | None:
    if said := text_of(resource.get("medicationCodeableConcept")):
        return said
    reference = resource.get("medicationReference")
    if not isinstance(reference, dict):
        return None
    medication = resolve(resource, reference, found)
    if medication is None and reference.get("reference"):
        raise Missing(str(reference["reference"]))
    return text_of((medication or {}).get("code")) or reference.get("display")


def _dose(dosage: Resource) -> str | None:
    for rate in listed(dosage, "doseAndRate"):
        quantity = rate.get("doseQuantity")
        if isinstance(quantity, dict):
            return _amount(quantity)
        limits = rate.get("doseRange")
        if isinstance(limits, dict):
            ends = [_amount(limits.get(end) or {}) for end in ("low", "high")]
            return "–".join(end for end in ends if end) or None
    return None


def _amount(quantity: Resource) -> str | None:
    value, unit = quantity.get("value"), quantity.get("unit") or quantity.get("code") or ""
    number = "" if value is None else format(Decimal(str(value)), "f")
    return f"{number} {unit}".strip() or None


def _times_per_day(dosage: Resource, timing: Resource, repeat: Resource) -> int | None:
    """None: when needed, or not so many times each day."""
    if dosage.get("asNeededBoolean") or dosage.get("asNeededCodeableConcept"):
        return None
    for code in codes(timing.get("code")):
        if code in _A_DAY:
            return _A_DAY[code]
    if isinstance(times := repeat.get("timeOfDay"), list) and times:
        return len(times)
    frequency, period = repeat.get("frequency"), repeat.get("period")
    if not isinstance(frequency, int) or not period:
        when = repeat.get("when") or []
        return len(when) or None
    hours = float(period) * {"h": 1, "d": 24}.get(str(repeat.get("periodUnit")), 0)
    if not hours or repeat.get("dayOfWeek"):
        return None
    a_day = frequency * 24 / hours
    return int(a_day) if a_day == int(a_day) and 1 <= a_day <= 24 else None


def _meals(repeat: Resource) -> MedicationRequest.Meals:
    for when in repeat.get("when") or ():
        for start, meals in _WHEN.items():
            if str(when).startswith(start):
                return meals
    return Meals.ANY


def _begins(resource: Resource, repeat: Resource, *, zone: ZoneInfo) -> datetime | None:
    bounds = repeat.get("boundsPeriod") or {}
    dispensed = (resource.get("dispenseRequest") or {}).get("validityPeriod") or {}
    said = (bounds.get("start"), dispensed.get("start"), resource.get("authoredOn"))
    return next((at for each in said if (at := moment_of(each, zone=zone))), None)


def _ends(
    resource: Resource, repeat: Resource, starts_at: datetime | None, *, zone: ZoneInfo
) -> datetime | None:
    bounds = repeat.get("boundsPeriod") or {}
    end = moment_of(bounds.get("end"), zone=zone)
    if end is not None:
        # A last day is a whole day.
        return end + timedelta(days=1) if len(str(bounds["end"])) == 10 else end
    supply = (resource.get("dispenseRequest") or {}).get("expectedSupplyDuration")
    for lasts in (repeat.get("boundsDuration") or {}, supply or {}):
        unit = _UNIT_DAYS.get(str(lasts.get("code") or lasts.get("unit")))
        value = lasts.get("value")
        if starts_at and unit and isinstance(value, int | float | Decimal):
            return starts_at + days(float(value) * unit)
    return None


# --- Allergies -----------------------------------------------------------------------------------


def allergy_record(resource: Resource) -> AllergyRecord:
    """Raises NotForUs for "no known allergy", NotReadable."""
    code = resource.get("code")
    if set(codes(code)) & _NONE_KNOWN:
        raise NotForUs
    reactions = listed(resource, "reaction")
    inside = [text_of(each.get("substance")) for each in reactions]
    felt = [text_of(each) for one in reactions for each in listed(one, "manifestation")]
    felt += [one.get("description") for one in reactions]
    criticality = resource.get("criticality")
    known = criticality in AllergyIntolerance.Criticality.values
    is_over = set(codes(resource.get("clinicalStatus"))) & _OVER
    is_wrong = set(codes(resource.get("verificationStatus"))) & _WRONG
    return AllergyRecord(
        substance=needed(text_of(code) or next(filter(None, inside), None), "code"),
        reaction="、".join(dict.fromkeys(filter(None, felt))) or None,
        criticality=str(criticality) if known else AllergyIntolerance.Criticality.UNKNOWN.value,
        is_retracted=bool(is_over or is_wrong),
    )


def to_allergy(record: AllergyRecord, *, patient: dict[str, Any]) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": coded(_CLINICAL, "inactive" if record.is_retracted else "active"),
        "verificationStatus": coded(_VERIFICATION, "unconfirmed"),
        "criticality": record.criticality,
        "code": {"text": record.substance},
        "patient": patient,
    }
    if record.reaction:
        resource["reaction"] = [{"manifestation": [{"text": record.reaction}]}]
    return resource
