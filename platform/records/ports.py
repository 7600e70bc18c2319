"""The door for reports, prescriptions and allergies of outside systems; see `patients.ports`.

An allergy is only ever added by a machine, or made graver: that it is none, a milder one or another
one is a person's to say. A report or prescription is a whole: what a newer state of it leaves out
was withdrawn. What is filed runs through the doors of this room, so a critical result still waits
for a person to tell it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from patients.models import Conflict, ExternalIdentifier, Owner, Patient
from patients.ports import (
    THEIRS,
    Contradiction,
    Filed,
    Origin,
    Outcome,
    differing,
    filed_patient,
    identifier_of,
    index_external,
    note_conflict,
    note_filed,
    weigh,
    weigh_against_ours,
)
from records.drugbook import find_drugs, plain
from records.medications import file_prescription as store_prescription
from records.models import AllergyIntolerance, DiagnosticReport, MedicationRequest, Observation
from records.reports import OtherPatient
from records.reports import file_report as store_report

REPORT, PRESCRIPTION, ALLERGY = "DiagnosticReport", "MedicationRequest", "AllergyIntolerance"
_GRAVITY = {"unable-to-assess": 0, "low": 1, "high": 2}


@dataclass(frozen=True)
class LineRecord:
    name: str
    value: str
    code: str | None = None  # LOINC
    name_en: str | None = None
    unit: str | None = None
    low: str | None = None
    high: str | None = None
    range_text: str | None = None
    interpretation: str = ""


@dataclass(frozen=True)
class ReportRecord:
    name: str
    category: str
    status: str
    name_en: str | None = None
    conclusion: str | None = None
    registered_at: datetime | None = None
    available_at: datetime | None = None
    lines: tuple[LineRecord, ...] = ()


@dataclass(frozen=True)
class PrescriptionRecord:
    drug: str
    dose: str
    status: str
    route: str | None = None
    instructions: str | None = None
    times_per_day: int | None = None
    meals: str = MedicationRequest.Meals.ANY.value
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    refills: int = 0


@dataclass(frozen=True)
class AllergyRecord:
    substance: str
    reaction: str | None = None
    criticality: str = AllergyIntolerance.Criticality.UNKNOWN.value
    is_retracted: bool = False  # entered in error, refuted, or over


# --- Reports -------------------------------------------------------------------------------------


@transaction.atomic
def file_report(
    record: ReportRecord, *, patient_id: str, origin: Origin, now: datetime, owner: Owner = THEIRS
) -> Filed:
    """Take in a report of whom they call so. Raises UnknownReference, Contradiction."""
    known = identifier_of(origin, REPORT)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    patient = _living_record(origin, patient_id)
    if patient is None:
        return Filed(Outcome.IGNORED)
    row = DiagnosticReport.objects.filter(pk=known.row_id).first() if known else None
    if (
        known
        and row
        and not weigh_against_ours(
            known, record, report_record(row), owner=owner, origin=origin, now=now
        )
    ):
        _filed(known, origin, REPORT, row, record=record, ours=report_record(row), now=now)
        return Filed(Outcome.CONFLICT, row.pk)
    told = _whole(record)
    lines = told.pop("lines")
    try:
        row = store_report(
            patient, external_id=_number(origin, REPORT), now=now, observations=lines, **told
        )
    except OtherPatient:
        raise Contradiction(patient.pk) from None
    return _filed(known, origin, REPORT, row, record=record, ours=report_record(row), now=now)


def report_record(report: DiagnosticReport) -> ReportRecord:
    lines = Observation.objects.filter(report=report).order_by("position", "pk")
    return ReportRecord(
        name=report.name,
        category=str(report.category),
        status=str(report.status),
        name_en=report.name_en,
        conclusion=report.conclusion,
        registered_at=report.registered_at,
        available_at=report.available_at,
        lines=tuple(
            LineRecord(
                name=line.name,
                value=line.value,
                code=line.code,
                name_en=line.name_en,
                unit=line.unit,
                low=line.low,
                high=line.high,
                range_text=line.range_text,
                interpretation=str(line.interpretation),
            )
            for line in lines
        ),
    )


# --- Prescriptions -------------------------------------------------------------------------------


@transaction.atomic
def file_prescription(
    record: PrescriptionRecord,
    *,
    patient_id: str,
    origin: Origin,
    now: datetime,
    owner: Owner = THEIRS,
) -> Filed:
    """Take in a prescription of whom they call so. Raises UnknownReference, Contradiction."""
    known = identifier_of(origin, PRESCRIPTION)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    patient = _living_record(origin, patient_id)
    if patient is None:
        return Filed(Outcome.IGNORED)
    row = MedicationRequest.objects.filter(pk=known.row_id).first() if known else None
    if row is not None and row.patient_id != patient.pk:
        raise Contradiction(patient.pk)
    if (
        known
        and row
        and not weigh_against_ours(
            known, record, prescription_record(row), owner=owner, origin=origin, now=now
        )
    ):
        _filed(
            known, origin, PRESCRIPTION, row, record=record, ours=prescription_record(row), now=now
        )
        return Filed(Outcome.CONFLICT, row.pk)
    row = store_prescription(
        patient, external_id=_number(origin, PRESCRIPTION), now=now, **_whole(record)
    )
    return _filed(
        known, origin, PRESCRIPTION, row, record=record, ours=prescription_record(row), now=now
    )


def prescription_record(request: MedicationRequest) -> PrescriptionRecord:
    return PrescriptionRecord(
        drug=request.drug,
        dose=request.dose,
        status=str(request.status),
        route=request.route,
        instructions=request.instructions,
        times_per_day=request.times_per_day,
        meals=str(request.meals),
        starts_at=request.starts_at,
        ends_at=request.ends_at,
        refills=request.refills,
    )


# --- Allergies -----------------------------------------------------------------------------------


@transaction.atomic
def file_allergy(record: AllergyRecord, *, patient_id: str, origin: Origin, now: datetime) -> Filed:
    """Take in an allergy of whom they call so, whoever owns allergies.

    Raises UnknownReference, Contradiction.
    """
    known = identifier_of(origin, ALLERGY)
    verdict = weigh(known, record, origin)
    if verdict is not Outcome.FILED:
        return Filed(verdict, known.row_id if known else None)
    patient = _living_record(origin, patient_id)
    if patient is None or (known is None and record.is_retracted):
        return Filed(Outcome.IGNORED)
    row = _allergy(patient, record, known)
    ours = allergy_record(row)
    takes_back = not row._state.adding and _takes_back(record, ours)
    is_settled = known is not None and known.wanted_at is not None
    if is_settled:
        _obey(row, record)
    elif not takes_back:
        _add(row, record)
    filed = _filed(known, origin, ALLERGY, row, record=record, ours=allergy_record(row), now=now)
    if is_settled or not takes_back:
        return filed
    names = ["retracted"] if record.is_retracted else differing(record, ours)
    note_conflict(
        Conflict.Kind.RETRACTED, origin, ALLERGY, names=names, patient=patient, now=now,
        identifier=identifier_of(origin, ALLERGY),
    )  # fmt: skip
    return Filed(Outcome.CONFLICT, row.pk)


def allergy_record(allergy: AllergyIntolerance) -> AllergyRecord:
    return AllergyRecord(
        substance=allergy.substance,
        reaction=allergy.reaction,
        criticality=str(allergy.criticality),
    )


def _allergy(
    patient: Patient, record: AllergyRecord, known: ExternalIdentifier | None
) -> AllergyIntolerance:
    """The row that this is about: the one filed before, or one that says the same, or a new one."""
    if known and (row := AllergyIntolerance.objects.filter(pk=known.row_id).first()):
        if row.patient_id != patient.pk:
            raise Contradiction(patient.pk)
        return row
    for row in AllergyIntolerance.objects.filter(patient=patient).order_by("pk"):
        if _is_same_substance(row.substance, record.substance):
            return row
    return AllergyIntolerance(
        patient=patient, data_key_id=patient.data_key_id, substance=record.substance
    )


def _is_same_substance(one: str, other: str) -> bool:
    ids = [{each for mention in find_drugs(text) for each in mention.ids} for text in (one, other)]
    return plain(one) == plain(other) or (ids[0] == ids[1] != set())


def _takes_back(record: AllergyRecord, ours: AllergyRecord) -> bool:
    milder = _GRAVITY[record.criticality] < _GRAVITY[ours.criticality]
    is_milder = milder and record.criticality != AllergyIntolerance.Criticality.UNKNOWN
    other = not _is_same_substance(record.substance, ours.substance)
    return record.is_retracted or other or is_milder


def _add(row: AllergyIntolerance, record: AllergyRecord) -> None:
    row.reaction = row.reaction or record.reaction
    row.criticality = max(record.criticality, str(row.criticality), key=_GRAVITY.__getitem__)
    # What a patient only said, or our staff took back, counts from now on: they know of it.
    row.verification, row.said_of = AllergyIntolerance.Verification.CONFIRMED, None
    row.save()


def _obey(row: AllergyIntolerance, record: AllergyRecord) -> None:
    """File what they say as it is: a person has settled that they are right."""
    if record.is_retracted:
        if not row._state.adding:
            row.delete()
        return
    row.substance, row.criticality = record.substance, record.criticality
    row.reaction = record.reaction or row.reaction
    row.save()


# --- What these doors share ----------------------------------------------------------------------


def _living_record(origin: Origin, patient_id: str) -> Patient | None:
    """Whom they call so; None where that person was erased. Raises UnknownReference."""
    patient = filed_patient(origin.source, patient_id)
    return None if patient.erased_at is not None else patient


def _whole(record: ReportRecord | PrescriptionRecord) -> dict[str, Any]:
    """What is filed of a document: what they leave out of it is out, only its moments stay."""
    moments = ("registered_at", "available_at", "starts_at")
    return {
        name: value
        for name, value in asdict(record).items()
        if value is not None or name not in moments
    }


def _number(origin: Origin, resource: str) -> str:
    number = f"{origin.source}:{origin.external_id}"
    return number if len(number) <= 64 else index_external(origin, resource)


def _filed(
    known: ExternalIdentifier | None,
    origin: Origin,
    resource: str,
    row: Any,
    *,
    record: Any,
    ours: Any,
    now: datetime,
) -> Filed:
    row_id = row.pk or (known.row_id if known else 0)  # one just taken away keeps its name
    note_filed(
        known, origin, resource, row_id=row_id, record=record, ours=ours, patient=row.patient,
        now=now,
    )  # fmt: skip
    return Filed(Outcome.FILED, row.pk)
