"""The door for records of outside systems: what every room's port shares, and that for patients.

A port takes a normal record and where it came from, and files it once: the second time, and a state
that is older than the one filed, changes nothing. The rules, for each kind of record (`Owner`):

* Unknown here: it is filed, whoever owns the kind; nobody's word is overwritten.
* Theirs: their newer state is filed; where ours had been changed meanwhile, a `Conflict` says so.
* Ours: only what we do not know is filled in; what differs is a `Conflict`, and changes nothing.
* What they leave out says nothing: no field is emptied. A document (`records.ports`) is a whole.

A conflict is a row that a person settles. Nothing here knows how an outside system speaks.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet

from patients.models import Conflict, ExternalIdentifier, Gender, Owner, Patient
from patients.services import create_patient, index_identity_number, update_patient
from vault.cipher import blind_index

PATIENT = "Patient"
OURS, THEIRS = Owner.OURS, Owner.THEIRS
_JSON = DjangoJSONEncoder(sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Origin:
    """Where a record came from, and in which state."""

    source: str  # the outside system, by its short name
    external_id: str
    updated_at: datetime | None = None  # there
    version: str = ""


class Outcome(StrEnum):
    FILED = "filed"
    UNCHANGED = "unchanged"
    STALE = "stale"  # older than what we have
    CONFLICT = "conflict"  # noted for a person; nothing changed
    IGNORED = "ignored"  # of somebody who was erased, or of a past that we do not keep


@dataclass(frozen=True)
class Filed:
    outcome: Outcome
    row_id: int | None = None


class UnknownReference(Exception):
    """It names something that was not filed yet: `resource` says of which kind."""

    def __init__(self, resource: str, external_id: str = "") -> None:
        super().__init__(resource)
        self.resource, self.external_id = resource, external_id


class Contradiction(Exception):
    """It can't be filed: a record here has the same key, and is somebody else's."""


# --- What all ports share ------------------------------------------------------------------------


def index_external(origin: Origin, resource: str) -> str:
    return blind_index(origin.external_id, purpose=f"external.{origin.source}.{resource}")


def identifier_of(origin: Origin, resource: str, *, lock: bool = True) -> ExternalIdentifier | None:
    """The row that stands for this record here, locked for the current transaction."""
    rows = ExternalIdentifier.objects.select_related("patient")
    if lock:
        rows = rows.select_for_update(of=("self",))
    return rows.filter(
        source=origin.source, resource=resource, external_index=index_external(origin, resource)
    ).first()


def identifiers_of(source: str, resource: str, row_id: int) -> QuerySet[ExternalIdentifier]:
    """What this system calls one of our rows."""
    return ExternalIdentifier.objects.filter(source=source, resource=resource, row_id=row_id)


def digest_of(record: Any) -> str:
    """A keyed hash of a normal record: equal for equal records, and telling nothing else."""
    return blind_index(_JSON.encode(asdict(record)), purpose="external.digest")


def weigh(known: ExternalIdentifier | None, record: Any, origin: Origin) -> Outcome:
    """Whether a record is to be filed (FILED), or is what we have, or older."""
    if known is None or known.wanted_at is not None:
        return Outcome.FILED
    if known.patient is not None and known.patient.erased_at is not None:
        return Outcome.IGNORED
    if is_older(origin, known):
        return Outcome.STALE
    if known.digest == digest_of(record):
        note_version(known, origin)
        return Outcome.UNCHANGED
    return Outcome.FILED


def is_older(origin: Origin, known: ExternalIdentifier) -> bool:
    """By the moment of its change; where that says nothing, by a version that is a number."""
    if origin.updated_at and known.updated_at and origin.updated_at != known.updated_at:
        return origin.updated_at < known.updated_at
    if origin.version.isdecimal() and known.version.isdecimal():
        return int(origin.version) < int(known.version)
    return False


def note_version(known: ExternalIdentifier, origin: Origin) -> None:
    known.version, known.updated_at = origin.version, origin.updated_at or known.updated_at
    known.save(update_fields=["version", "updated_at"])


def note_filed(
    known: ExternalIdentifier | None,
    origin: Origin,
    resource: str,
    *,
    row_id: int,
    record: Any,
    ours: Any,
    patient: Patient | None,
    now: datetime,
    data_key_id: int | None = None,
) -> ExternalIdentifier:
    """Remember what was filed; `ours` is the record as our row says it now."""
    key_id = data_key_id or (patient.data_key_id if patient else None)
    assert key_id is not None
    row = known or ExternalIdentifier(
        source=origin.source,
        resource=resource,
        external_id=origin.external_id,
        external_index=index_external(origin, resource),
        patient=patient,
        data_key_id=key_id,
    )
    row.row_id, row.filed_at, row.wanted_at = row_id, now, None
    row.version, row.updated_at = origin.version, origin.updated_at or row.updated_at
    row.digest, row.our_digest = digest_of(record), digest_of(ours)
    row.save()
    return row


def note_conflict(
    kind: Conflict.Kind,
    origin: Origin,
    resource: str,
    *,
    now: datetime,
    names: list[str] | tuple[str, ...] = (),
    identifier: ExternalIdentifier | None = None,
    patient: Patient | None = None,
) -> Conflict:
    """Put a difference on the list; while one of its kind is open, that one is it."""
    conflict, is_new = Conflict.objects.get_or_create(
        source=origin.source,
        resource=resource,
        external_index=index_external(origin, resource),
        kind=kind,
        settled_at=None,
        defaults={
            "fields": ", ".join(names)[:200],
            "identifier": identifier,
            "patient": patient or (identifier.patient if identifier else None),
            "found_at": now,
        },
    )
    if not is_new and names and conflict.fields != (told := ", ".join(names)[:200]):
        conflict.fields = told
        conflict.save(update_fields=["fields"])
    return conflict


def differing(one: Any, other: Any) -> list[str]:
    """Names of the fields in which two records differ; what either leaves out says nothing."""
    pairs = [(f.name, getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]
    return [name for name, a, b in pairs if a != b and not _is_empty(a) and not _is_empty(b)]


def filled_in(theirs: Any, ours: Any) -> dict[str, Any]:
    """What they say and we do not know."""
    return {
        f.name: getattr(theirs, f.name)
        for f in fields(theirs)
        if _is_empty(getattr(ours, f.name)) and not _is_empty(getattr(theirs, f.name))
    }


def said(record: Any) -> dict[str, Any]:
    """What a record does not leave out."""
    return {
        f.name: value for f in fields(record) if not _is_empty(value := getattr(record, f.name))
    }


def is_changed_here(known: ExternalIdentifier, ours: Any) -> bool:
    """Whether our row says something else than when it was filed."""
    return known.our_digest != digest_of(ours)


def weigh_against_ours(
    known: ExternalIdentifier,
    theirs: Any,
    ours: Any,
    *,
    owner: Owner,
    origin: Origin,
    now: datetime,
) -> bool:
    """Whether what they say of a row that we have may be filed; conflicts are noted."""
    names = differing(theirs, ours)
    if known.wanted_at is not None or not names:
        return True
    if owner == OURS:
        note_conflict(
            Conflict.Kind.DIFFERS, origin, known.resource, names=names, identifier=known, now=now
        )
        return False
    if is_changed_here(known, ours):
        note_conflict(
            Conflict.Kind.OVERWRITTEN, origin, known.resource, names=names, identifier=known,
            now=now,
        )  # fmt: skip
    return True


def filed_patient(source: str, external_id: str) -> Patient:
    """Whom this system calls so. Raises UnknownReference."""
    origin = Origin(source, external_id)
    known = identifier_of(origin, PATIENT, lock=False) if external_id else None
    if known is None or known.patient is None:
        raise UnknownReference(PATIENT, external_id)
    return known.patient


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", ())


# --- Patients ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PatientRecord:
    """A patient in the house's own words; None is what is not known."""

    name: str | None = None
    phone: str | None = None  # see `plain_phone`
    identity_number: str | None = None
    birth_date: date | None = None
    gender: str | None = None  # see `Gender`; None rather than unknown
    language: str | None = None  # of a new record only: patients choose it here
    deceased_at: datetime | None = None
    is_replaced: bool | None = None  # they joined this record with another one


def record_of(patient: Patient) -> PatientRecord:
    return PatientRecord(
        name=patient.name or None,
        phone=plain_phone(patient.phone or "") or None,
        identity_number=plain_identity_number(patient.identity_number or "") or None,
        birth_date=patient.birth_date,
        gender=None if patient.gender == Gender.UNKNOWN else str(patient.gender),
        deceased_at=patient.deceased_at,
    )


def plain_phone(text: str) -> str:
    """A number without its signs: 13800000000, 0105555, +12125550100 where it is foreign."""
    narrow = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"\D", "", narrow)
    is_abroad = narrow.startswith(("+", "00"))
    digits = digits.removeprefix("00") if narrow.startswith("00") else digits
    if len(digits) == 13 and digits.startswith("861"):
        return digits[2:]
    return f"+{digits}" if is_abroad and digits else digits


def plain_identity_number(text: str) -> str:
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()


@transaction.atomic
def file_patient(
    record: PatientRecord, *, origin: Origin, now: datetime, owner: Owner = OURS
) -> Filed:
    """Take in a patient. Raises Contradiction.

    A record with the same identity number is the same person's, unless name or birth date say
    otherwise. A death is filed whoever owns patients; that it was none is a person's to say.
    """
    known = identifier_of(origin, PATIENT)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.patient_id if known else None)
    patient = known.patient if known else _same_person(record)
    if patient is None:
        patient, may = create_patient(**_columns(said(record))), True
    else:
        patient = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        if patient.erased_at is not None:
            return Filed(Outcome.IGNORED, patient.pk)
        # One who was here before them is only completed, whoever owns patients.
        owner = owner if known else OURS
        known, may = _complete(patient, record, known, origin=origin, owner=owner, now=now)
    known = note_filed(
        known, origin, PATIENT, row_id=known.row_id if known else patient.pk, record=record,
        ours=record_of(patient), patient=patient, now=now,
    )  # fmt: skip
    if record.is_replaced:
        note_conflict(Conflict.Kind.MERGED, origin, PATIENT, identifier=known, now=now)
    return Filed(Outcome.FILED if may else Outcome.CONFLICT, patient.pk)


def _complete(
    patient: Patient,
    record: PatientRecord,
    known: ExternalIdentifier | None,
    *,
    origin: Origin,
    owner: Owner,
    now: datetime,
) -> tuple[ExternalIdentifier, bool]:
    """Let a locked row say what may be filed of theirs."""
    ours = record_of(patient)
    theirs = replace(record, language=None, is_replaced=None)
    known = known or note_filed(
        None, origin, PATIENT, row_id=patient.pk, record=record, ours=ours, patient=patient,
        now=now,
    )  # fmt: skip
    may = weigh_against_ours(known, theirs, ours, owner=owner, origin=origin, now=now)
    taken = said(theirs) if may else filled_in(theirs, ours)
    if ours.deceased_at is not None:
        taken.pop("deceased_at", None)  # nobody's death is moved, or undone, by a machine
    if taken:
        update_patient(patient, **_columns(taken))
    return known, may


def _same_person(record: PatientRecord) -> Patient | None:
    """Who has this identity number here. Raises Contradiction."""
    index = index_identity_number(record.identity_number or "")
    if not index:
        return None
    found = Patient.objects.filter(identity_index=index, merged_into=None).first()
    if found is not None and set(differing(record, record_of(found))) & {"name", "birth_date"}:
        raise Contradiction(found.pk)
    return found


def note_contradiction(origin: Origin, *, patient_id: int, now: datetime) -> Conflict:
    """The conflict of a patient who could not be filed, once that was undone."""
    return note_conflict(
        Conflict.Kind.CONTRADICTS, origin, PATIENT,
        patient=Patient.objects.get(pk=patient_id), now=now,
    )  # fmt: skip


def _columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's fields as those of `Patient`."""
    columns = {name: value for name, value in record.items() if name != "is_replaced"}
    if born := columns.pop("birth_date", None):
        columns["birth_date_text"] = born.isoformat()
    return columns


# --- Conflicts -----------------------------------------------------------------------------------


_ANSWERED_BY_FETCHING = (Conflict.Kind.DIFFERS, Conflict.Kind.RETRACTED, Conflict.Kind.REFUSED)


@transaction.atomic
def settle_conflict(conflict_id: int, *, keep: Owner, by_id: int, now: datetime) -> bool:
    """Note who was right. False: somebody had. What is theirs is fetched again, and filed."""
    unsettled = Conflict.objects.filter(pk=conflict_id, settled_at=None)
    if not unsettled.update(settled_at=now, settled_by_id=by_id, kept=keep):
        return False
    conflict = Conflict.objects.get(pk=conflict_id)
    if keep == THEIRS and conflict.identifier_id and conflict.kind in _ANSWERED_BY_FETCHING:
        ExternalIdentifier.objects.filter(pk=conflict.identifier_id).update(wanted_at=now)
    return True
