"""Patient."""

from typing import Any
from zoneinfo import ZoneInfo

from adapters.fhir.mapping.datatypes import (
    IDENTITY_CARD,
    Resource,
    codes,
    day_of,
    identity_number_of,
    listed,
    moment_of,
    name_of,
    phone_of,
    to_moment,
    to_name,
    to_phone,
)
from patients.ports import PatientRecord

_GENDERS = ("female", "male", "other")
_LANGUAGES = {"zh": "zh-hans", "en": "en"}
LANGUAGES = {"zh-hans": "zh-CN", "en": "en"}


def patient_record(resource: Resource, *, zone: ZoneInfo) -> PatientRecord:
    born = resource.get("birthDate")
    gender = resource.get("gender")
    return PatientRecord(
        name=name_of(resource),
        phone=phone_of(resource),
        identity_number=identity_number_of(resource),
        birth_date=day_of(born) if born else None,
        gender=gender if gender in _GENDERS else None,
        language=_language(resource),
        deceased_at=_deceased_at(resource, zone=zone),
        is_replaced=True if _is_replaced(resource) else None,
    )


def to_patient(record: PatientRecord) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Patient", "active": True}
    if record.identity_number:
        number = {"use": "official", "system": IDENTITY_CARD, "value": record.identity_number}
        resource["identifier"] = [number]
    if record.name:
        resource["name"] = [to_name(record.name)]
    if record.phone:
        resource["telecom"] = [to_phone(record.phone)]
    if record.gender:
        resource["gender"] = record.gender
    if record.birth_date:
        resource["birthDate"] = record.birth_date.isoformat()
    if record.deceased_at:
        resource["deceasedDateTime"] = to_moment(record.deceased_at)
    if record.language:
        language = {"coding": [{"system": "urn:ietf:bcp:47", "code": LANGUAGES[record.language]}]}
        resource["communication"] = [{"language": language, "preferred": True}]
    return resource


def _language(resource: Resource) -> str | None:
    spoken = listed(resource, "communication")
    spoken.sort(key=lambda each: not each.get("preferred"))
    said = [code[:2].lower() for each in spoken for code in codes(each.get("language"))]
    return next((_LANGUAGES[code] for code in said if code in _LANGUAGES), None)


def _deceased_at(resource: Resource, *, zone: ZoneInfo) -> Any:
    """When they died; where only that is said, when it was said: nobody writes to them any more."""
    at = resource.get("deceasedDateTime")
    if not at and resource.get("deceasedBoolean") is not True:
        return None
    told = (resource.get("meta") or {}).get("lastUpdated")
    # A year or a month is no moment, and a death all the same.
    return moment_of(at, zone=zone) or moment_of(told, zone=zone) or moment_of(
        f"{str(at)[:4]}-12-31" if at else "1970-01-01", zone=zone
    )  # fmt: skip


def _is_replaced(resource: Resource) -> bool:
    return any(each.get("type") == "replaced-by" for each in listed(resource, "link"))
