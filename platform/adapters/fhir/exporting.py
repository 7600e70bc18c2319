"""A patient's copy of their record as a FHIR R4 bundle: of messages and tasks when, not what."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from adapters.fhir import validation
from adapters.fhir.mapping.booking import to_appointment
from adapters.fhir.mapping.findings import to_report
from adapters.fhir.mapping.medicines import to_allergy, to_prescription
from adapters.fhir.mapping.messages import Said, ToDo, to_communication, to_task
from adapters.fhir.mapping.people import to_patient
from appointments.models import Appointment, Status
from appointments.ports import appointment_record
from careplans.models import Task
from conversations.models import Author, Message
from patients.models import Patient
from patients.ports import record_of
from records.models import AllergyIntolerance, DiagnosticReport, MedicationRequest
from records.ports import allergy_record, prescription_record, report_record
from vault import access

ME = {"reference": "Patient/me"}


def export_patient(patient: Patient, *, now: datetime) -> dict[str, Any]:
    """Everything of one patient, each part valid by the book; the look is on the access log."""
    access.record(
        access.Action.EXPORT, actor_id=None, subject="patient", subject_id=patient.pk,
        reason="export as FHIR", now=now,
    )  # fmt: skip
    resources = [{**to_patient(record_of(patient)), "id": "me"}, *_of(patient)]
    for resource in resources:
        validation.check(resource)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources],
    }


def _of(patient: Patient) -> Iterator[dict[str, Any]]:
    for allergy in AllergyIntolerance.objects.filter(patient=patient):
        yield to_allergy(allergy_record(allergy), patient=ME)
    for request in MedicationRequest.objects.filter(patient=patient):
        yield to_prescription(prescription_record(request), patient=ME)
    # What a person has to tell first is not in a copy before it was told.
    for report in DiagnosticReport.objects.filter(patient=patient, talk_owed_at=None):
        yield to_report(report_record(report), patient=ME)
    agreed = ~Q(status__in=(Status.PENDING, Status.EXPIRED))
    for appointment in Appointment.objects.with_all().filter(agreed, patient=patient):
        yield to_appointment(appointment_record(appointment), patient=ME)
    said = Message.objects.filter(conversation__contact_point__patient=patient, kind="text")
    for message in said.select_related("conversation__contact_point__channel").order_by("pk"):
        yield to_communication(_said(message), patient=ME)
    for task in Task.objects.filter(patient=patient):
        todo = ToDo(
            kind=task.kind, created_at=task.created_at, due_at=task.due_at,
            is_taken=task.taken_by_id is not None, done_at=task.done_at, priority=task.priority,
        )  # fmt: skip
        yield to_task(todo, patient=ME)


def _said(message: Message) -> Said:
    by_patient = message.author == Author.PATIENT
    return Said(
        at=message.created_at,
        by_patient=by_patient,
        author=str(message.author),
        medium=message.conversation.contact_point.channel.kind,
        is_received=by_patient or message.sent_at is not None,
    )
