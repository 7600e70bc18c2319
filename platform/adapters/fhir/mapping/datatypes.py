"""The small parts that resources share: names, numbers, moments, codes, references."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from patients.ports import plain_identity_number, plain_phone

Resource = Mapping[str, Any]
Found = Mapping[str, Resource]  # what came along: "Observation/12" → the resource

# The resident identity card's OID in China's shared health documents (WS/T 500).
IDENTITY_CARD = "urn:oid:2.16.156.10011.1.3"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
NATIONAL = ("NI", "NNCHN")  # of these types: a country's number of a person
LOINC = "http://loinc.org"
NUMBERS_HERE = "urn:wenan:number"  # of an appointment, as we print it
EXTENSION = "urn:wenan:fhir"  # and what FHIR has no place for
_CARD = re.compile(r"\d{17}[\dX]")
_CJK = re.compile(r"[\u3400-\u9fff]")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?$")


class NotReadable(Exception):
    """A resource that says too little to be filed; the reason names a part, and no value."""


class NotForUs(Exception):
    """A resource that is right, and nothing that we keep: a draft, "no known allergy"."""


class Missing(Exception):
    """Something that the resource names did not come along: it is asked for by itself."""

    def __init__(self, reference: str) -> None:
        super().__init__("reference")
        self.reference = reference


def to_json(resource: Resource) -> str:
    """As JSON, a number with every digit that somebody wrote: 5.10 is not 5.1."""
    mark = secrets.token_hex(8)
    written = json.dumps(
        resource, ensure_ascii=False, default=lambda number: f"{mark}{number:f}{mark}"
    )
    return written.replace(f'"{mark}', "").replace(f'{mark}"', "")


# --- Text ----------------------------------------------------------------------------------------


def name_of(resource: Resource) -> str | None:
    """A person's name in one line: 王小明, or Anna Li."""
    names = [each for each in listed(resource, "name") if each.get("use") not in ("old", "maiden")]
    names.sort(key=lambda each: each.get("use") != "official")
    for name in names:
        if text := str(name.get("text") or "").strip():
            return text
        family = str(name.get("family") or "").strip()
        given = [str(each) for each in name.get("given") or () if each]
        if family or given:
            together = family + "".join(given)
            return together if _CJK.search(together) else " ".join([*given, family]).strip()
    return None


def to_name(name: str) -> dict[str, Any]:
    # Not split: where a family name ends (欧阳, 司徒) is for a person to say.
    return {"use": "official", "text": name}


def phone_of(resource: Resource) -> str | None:
    numbers = [
        each
        for each in listed(resource, "telecom")
        if each.get("system") in ("phone", "sms") and each.get("use") != "old" and each.get("value")
    ]
    numbers.sort(key=lambda each: (each.get("use") != "mobile", each.get("rank") or 99))
    plain = [plain_phone(str(each["value"])) for each in numbers]
    return next((each for each in plain if each), None)


def to_phone(phone: str) -> dict[str, Any]:
    value = f"+86{phone}" if re.fullmatch(r"1\d{10}", phone) else phone
    return {"system": "phone", "value": value, "use": "mobile"}


def identity_number_of(resource: Resource) -> str | None:
    """The number of the identity card, by its system, by its type, or by what it is called."""
    for each in listed(resource, "identifier"):
        value = plain_identity_number(str(each.get("value") or ""))
        kind = each.get("type") or {}
        is_national = any(code in NATIONAL for code in codes(kind, IDENTIFIER_TYPES))
        called = "身份证" in str(kind.get("text") or "")
        by_system = each.get("system") == IDENTITY_CARD
        if value and (by_system or ((is_national or called) and _CARD.fullmatch(value))):
            return value
    return None


def text_of(concept: Any) -> str | None:
    """What a CodeableConcept says in words; Chinese where it says it several times."""
    if not isinstance(concept, Mapping):
        return None
    said = [str(concept.get("text") or "").strip()]
    said += [str(each.get("display") or "").strip() for each in listed(concept, "coding")]
    words = [each for each in said if each]
    return next((each for each in words if _CJK.search(each)), words[0] if words else None)


def english_of(concept: Any) -> str | None:
    """The same in English, where that is another word."""
    if not isinstance(concept, Mapping):
        return None
    said = [str(each.get("display") or "").strip() for each in listed(concept, "coding")]
    first = text_of(concept)
    return next((each for each in said if each and each.isascii() and each != first), None)


def to_concept(
    text: str, *, english: str | None = None, loinc: str | None = None
) -> dict[str, Any]:
    coding: dict[str, Any] = {}
    if loinc:
        coding |= {"system": LOINC, "code": loinc}
    if english:
        coding["display"] = english
    return {"text": text, **({"coding": [coding]} if coding else {})}


def codes(concept: Any, system: str | None = None) -> list[str]:
    """The codes of a CodeableConcept, of one system or of all."""
    if not isinstance(concept, Mapping):
        return []
    return [
        str(each["code"])
        for each in listed(concept, "coding")
        if each.get("code") and (system is None or each.get("system") == system)
    ]


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def listed(resource: Resource, name: str) -> list[Mapping[str, Any]]:
    return [each for each in resource.get(name) or () if isinstance(each, Mapping)]


def extension_of(resource: Resource, name: str) -> Any:
    for each in listed(resource, "extension"):
        if each.get("url") == f"{EXTENSION}:{name}":
            return next((value for key, value in each.items() if key.startswith("value")), None)
    return None


def to_extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"{EXTENSION}:{name}", **value}


# --- Moments -------------------------------------------------------------------------------------


def day_of(text: Any) -> date | None:
    """A whole day; None for a year or a month, for we invent no day."""
    try:
        return date.fromisoformat(str(text)) if len(str(text)) == 10 else None
    except ValueError:
        return None


def moment_of(text: Any, *, zone: ZoneInfo) -> datetime | None:
    """A dateTime or instant in UTC; a whole day begins at midnight here, a part of one is none."""
    if not text:
        return None
    if day := day_of(text):
        return datetime.combine(day, time(), zone).astimezone(UTC)
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if "T" not in str(text):
        return None
    try:
        # Without a zone it breaks the rules, and can only mean the hospital's own.
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def to_moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def days(count: float) -> timedelta:
    return timedelta(days=min(max(count, 0), 3_660))


# --- References ----------------------------------------------------------------------------------


def reference_id(reference: Any, resource: str) -> str | None:
    """The id in a reference to such a resource, relative or absolute, of any version."""
    if not isinstance(reference, Mapping):
        return None
    said = str(reference.get("reference") or "")
    found = _TYPED.search(urlsplit(said).path if "://" in said else said)
    return found[2] if found and found[1] == resource else None


def resolve(resource: Resource, reference: Any, found: Found) -> Resource | None:
    """What a reference means: contained in the resource, or come along with it."""
    if not isinstance(reference, Mapping):
        return None
    said = str(reference.get("reference") or "")
    if said.startswith("#"):
        inside = listed(resource, "contained")
        return next((each for each in inside if each.get("id") == said[1:]), None)
    typed = _TYPED.search(urlsplit(said).path if "://" in said else said)
    return found.get(f"{typed[1]}/{typed[2]}") if typed else None


def references(value: Any) -> Iterator[str]:
    """Every relative reference in a resource, wherever it stands: "Observation/12"."""
    if isinstance(value, Mapping):
        said = value.get("reference")
        typed = _TYPED.search(said) if isinstance(said, str) else None
        if typed:
            yield f"{typed[1]}/{typed[2]}"
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def is_id(text: Any) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def needed(value: Any, part: str) -> Any:
    """A part without which a resource can't be filed. Raises NotReadable."""
    if value is None or value == "":
        raise NotReadable(part)
    return value
