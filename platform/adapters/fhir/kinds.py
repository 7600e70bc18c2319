"""The kinds of records that are fetched: how each is read, filed, and what we have of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.fhir.mapping import booking, findings, medicines, people
from adapters.fhir.mapping.booking import patient_reference
from adapters.fhir.mapping.datatypes import Found, Resource
from appointments.models import Appointment
from appointments.ports import (
    appointment_record,
    file_appointment,
    file_schedule,
    file_slot,
)
from patients.models import Owner, Patient
from patients.ports import Filed, Origin, file_patient, record_of
from records.models import AllergyIntolerance, DiagnosticReport, MedicationRequest
from records.ports import (
    allergy_record,
    file_allergy,
    file_prescription,
    file_report,
    prescription_record,
    report_record,
)

HISTORY = timedelta(days=730)  # of reports and prescriptions, when a system is new
LATELY = timedelta(days=7)  # in which the desk still says who came


@dataclass(frozen=True)
class Reading:
    """What is needed to understand a resource."""

    zone: ZoneInfo
    found: Found


Read = Callable[[Resource, Reading], Any]


@dataclass(frozen=True)
class Kind:
    read: Read  # raises NotReadable, NotForUs, Missing
    file: Callable[..., Filed]
    ours: Callable[[int], Any] | None = None  # the record of one of our rows; None: it is gone
    of_patient: bool = True
    has_owner: bool = True
    include: str = ""
    first: Callable[[datetime], Mapping[str, str]] = field(default=lambda _now: {})  # at first
    always: Callable[[datetime], Mapping[str, str]] = field(default=lambda _now: {})

    def file_it(
        self, record: Any, resource: Resource, *, origin: Origin, owner: Owner, now: datetime
    ) -> Filed:
        more: dict[str, Any] = {"owner": owner} if self.has_owner else {}
        if self.of_patient:
            more["patient_id"] = patient_reference(resource) or ""
        return self.file(record, origin=origin, now=now, **more)


def _since(span: timedelta, name: str) -> Callable[[datetime], Mapping[str, str]]:
    return lambda now: {name: f"ge{(now - span).date().isoformat()}"}


def _of(model: Any, record: Callable[[Any], Any]) -> Callable[[int], Any]:
    def find(row_id: int) -> Any:
        row = model.objects.filter(pk=row_id).first()
        return None if row is None else record(row)

    return find


KINDS: dict[str, Kind] = {
    "Patient": Kind(
        read=lambda resource, reading: people.patient_record(resource, zone=reading.zone),
        file=file_patient,
        ours=_of(Patient, record_of),
        of_patient=False,
    ),
    "Schedule": Kind(
        read=lambda resource, reading: booking.schedule_record(resource, found=reading.found),
        file=file_schedule,
        of_patient=False,
        has_owner=False,
        include="Schedule:actor",
    ),
    "Slot": Kind(
        read=lambda resource, reading: booking.slot_record(resource, zone=reading.zone),
        file=file_slot,
        of_patient=False,
        always=_since(timedelta(days=1), "start"),
    ),
    "Appointment": Kind(
        read=lambda resource, reading: booking.appointment_record(resource, zone=reading.zone),
        file=file_appointment,
        ours=_of(Appointment, appointment_record),
        always=_since(LATELY, "date"),
    ),
    "AllergyIntolerance": Kind(
        read=lambda resource, _reading: medicines.allergy_record(resource),
        file=file_allergy,
        ours=_of(AllergyIntolerance, allergy_record),
        has_owner=False,
    ),
    "MedicationRequest": Kind(
        read=lambda resource, reading: medicines.prescription_record(
            resource, zone=reading.zone, found=reading.found
        ),
        file=file_prescription,
        ours=_of(MedicationRequest, prescription_record),
        include="MedicationRequest:medication",
        first=_since(HISTORY, "_lastUpdated"),
    ),
    "DiagnosticReport": Kind(
        read=lambda resource, reading: findings.report_record(
            resource, zone=reading.zone, found=reading.found
        ),
        file=file_report,
        ours=_of(DiagnosticReport, report_record),
        include="DiagnosticReport:result",
        first=_since(HISTORY, "_lastUpdated"),
    ),
}
