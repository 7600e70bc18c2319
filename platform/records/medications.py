"""What is prescribed: taken in from where doctors prescribe, and looked up."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction

from events.logs import kind_and_place
from patients.models import Patient
from records import guard
from records.drugbook import Warning, book, find_drugs
from records.models import AllergyIntolerance, Medication, MedicationRequest
from vault.cipher import Unreadable

logger = logging.getLogger(__name__)

AT_ONCE = 200  # allergies that one sweep weighs


@transaction.atomic
def file_prescription(
    patient: Patient, *, external_id: str, drug: str, dose: str, now: datetime, **fields: Any
) -> MedicationRequest:
    """Take in a prescription, or its newer state. Twice is once. The door for what brings them.

    Raises guard.Questioned where the guard speaks against it and no `override_reason` is given. One
    that a system sends, which has an `external_id`, is a fact: it is kept, and its doctor is told.
    """
    known = MedicationRequest.objects.select_for_update().filter(external_id=external_id)
    request = known.first() if external_id else None
    if request is None:
        request = MedicationRequest(
            patient=patient, data_key_id=patient.data_key_id, external_id=external_id, starts_at=now
        )
    given = {"medication": find_medication(drug), **fields, "drug": drug, "dose": dose}
    is_news = request._state.adding or request.drug != drug
    for name, value in given.items():
        setattr(request, name, value)
    if is_news:
        question(request, now=now)
    request.save()
    return request


def question(request: MedicationRequest, *, now: datetime) -> None:
    """Hold a new prescription against what its patient must not get. Raises guard.Questioned.

    Where it stands nevertheless, its doctor is owed a word.
    """
    concerns = objections(request, now=now)
    if not concerns:
        return
    if not (request.override_reason or request.external_id):
        raise guard.Questioned(concerns)
    request.warning_owed_at = now


def objections(request: MedicationRequest, *, now: datetime) -> list[guard.Concern]:
    """What the guard says against it, as far as that stops anybody."""
    concerns = guard.check(_names(request), request.patient, now=now)
    return [each for each in concerns if each.is_serious]


def _names(request: MedicationRequest) -> str:
    names = [request.drug, request.medication.name if request.medication else ""]
    return " ".join(filter(None, names))


def weigh_new_allergies(*, now: datetime) -> None:
    """Where an allergy that has come to be known speaks against a prescription that stands.

    Its doctor is owed a word then. One allergy that does not open stops no other.
    """
    for allergy_id in AllergyIntolerance.objects.unweighed().values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            rows = AllergyIntolerance.objects.unweighed().select_for_update(of=["self"])
            if allergy := rows.filter(pk=allergy_id).first():
                try:
                    _weigh(allergy, now=now)
                except Unreadable as error:
                    logger.error("allergy not weighed", extra=kind_and_place(error))
                rows.filter(pk=allergy_id).update(weighed_for=allergy.patient_id)


def _weigh(allergy: AllergyIntolerance, *, now: datetime) -> None:
    theirs = MedicationRequest.objects.filter(patient=allergy.patient_id)
    for request in theirs.select_related("medication").to_be_taken(now=now):
        concerns = guard.check_against(_names(request), [allergy])
        if any(each.is_serious for each in concerns):
            MedicationRequest.objects.filter(pk=request.pk).update(warning_owed_at=now)


def current_medications(patient: Patient, now: datetime) -> list[MedicationRequest]:
    """What this patient takes now, by the hospital's own prescriptions, the oldest first."""
    requests = MedicationRequest.objects.filter(patient=patient).select_related("medication")
    return list(requests.current(now=now))


def find_medication(words: str) -> Medication | None:
    """The catalogue's entry for what somebody calls a medicine: generic, brand or misspelt."""
    for mention in find_drugs(words):
        entries = Medication.objects.filter(substance__in=mention.ids, is_active=True)
        if len(mention.ids) == 1 and (entry := entries.order_by("pk").first()):
            return entry
    return Medication.objects.filter(name=words.strip(), is_active=True).first()


def warnings_of(medication: Medication) -> list[Warning]:
    """For whom the drug book's draft says that this medicine is not, with its sources."""
    if medication.substance not in book().class_of:
        return []
    kin = book().kin(medication.substance)
    return [rule for rule in book().warnings if kin & rule.of]


def class_of(medication: Medication) -> tuple[str, str] | None:
    """The class of a medicine, in Chinese and English."""
    home = book().class_of.get(medication.substance)
    return book().labels[home] if home else None
