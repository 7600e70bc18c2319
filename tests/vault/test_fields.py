"""Sealed fields in real rows: readable here, nowhere else, and not after an erasure."""

import pytest
from django.core.exceptions import FieldError
from django.db import connection, models
from django.utils import timezone

from patients.models import Patient
from patients.services import create_patient
from vault.cipher import Unreadable
from vault.datakeys import destroy_data_key
from vault.fields import ERASED

pytestmark = pytest.mark.django_db


def stored(patient: Patient, column: str = "name") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM patients_patient WHERE id = %s", [patient.pk])
        return bytes(cursor.fetchone()[0])


def store(patient: Patient, blob: bytes, column: str = "name") -> None:
    with connection.cursor() as cursor:
        sql = f"UPDATE patients_patient SET {column} = %s WHERE id = %s"
        cursor.execute(sql, [blob, patient.pk])


def test_text_comes_back_as_it_was_and_lies_sealed_in_the_row() -> None:
    patient = create_patient(name="王小明")

    assert Patient.objects.get(pk=patient.pk).name == "王小明"
    assert "王小明".encode() not in stored(patient)


def test_a_blob_swapped_between_rows_is_unreadable() -> None:
    one, two = create_patient(name="甲"), create_patient(name="乙")

    store(one, stored(two))

    with pytest.raises(Unreadable):
        _ = Patient.objects.get(pk=one.pk).name


def test_a_blob_swapped_between_columns_is_unreadable() -> None:
    patient = create_patient(name="甲", phone="13800000000")

    store(patient, stored(patient, "phone"))

    with pytest.raises(Unreadable):
        _ = Patient.objects.get(pk=patient.pk).name


def test_a_blob_under_another_patients_key_is_unreadable() -> None:
    one, two = create_patient(name="甲"), create_patient(name="乙")

    Patient.objects.filter(pk=one.pk).update(data_key=two.data_key)

    with pytest.raises(Unreadable):
        _ = Patient.objects.get(pk=one.pk).name


def test_a_flipped_bit_is_unreadable() -> None:
    patient = create_patient(name="甲")
    blob = bytearray(stored(patient))
    blob[-1] ^= 1

    store(patient, bytes(blob))

    with pytest.raises(Unreadable):
        _ = Patient.objects.get(pk=patient.pk).name


def test_plain_text_can_neither_be_updated_into_a_row_nor_searched() -> None:
    create_patient(name="甲")

    with pytest.raises(TypeError, match="sealed"):
        Patient.objects.update(name="乙")
    with pytest.raises((TypeError, FieldError)):
        Patient.objects.filter(name="甲").exists()


def test_what_was_erased_reads_as_erased() -> None:
    patient = create_patient(name="王小明", birth_date_text="1980-01-02")

    destroy_data_key(patient.data_key_id, now=timezone.now())

    erased = Patient.objects.get(pk=patient.pk)
    assert erased.name == ERASED
    assert erased.birth_date is None


def test_a_row_loaded_and_saved_keeps_its_blob() -> None:
    patient = create_patient(name="甲", phone="13800000000")
    before = stored(patient)

    Patient.objects.get(pk=patient.pk).save()

    assert stored(patient) == before


def test_an_empty_name_stays_empty() -> None:
    assert Patient.objects.get(pk=create_patient().pk).name is None


def test_every_column_of_personal_words_is_sealed() -> None:
    """A new column that could hold a patient's words has to be sealed, or be named here."""
    harmless = {
        "patients.Patient": {"phone_index", "identity_index", "gender", "language"},
        "patients.ContactPoint": {"address_index", "closed_why", "union_index"},
        "patients.Consent": {"purpose", "text_version"},
        "patients.Proxy": {"relationship"},
        "records.AllergyIntolerance": {"criticality", "verification"},
        "patients.ExternalIdentifier": {
            "source",
            "resource",
            "external_index",
            "version",
            "digest",
            "our_digest",
        },
        "patients.Conflict": {"source", "resource", "kind", "fields", "external_index", "kept"},
        "fhir.System": {
            "slug",
            "name",
            "base_url",
            "sign_in",
            "token_url",
            "client_id",
            "scope",
            "owners",
            "failure",
        },
        "fhir.Cursor": {"resource"},
        "fhir.LeftOut": {"resource", "external_index", "reason"},
        "fhir.Push": {"failure"},
        "fhir.Reconciliation": {"findings"},
        "records.DiagnosticReport": {"external_id", "category", "status"},
        "records.Observation": {"interpretation"},
        "records.MedicationRequest": {"external_id", "meals", "status"},
        "records.IdentityCheck": {"phone_index", "claim_index", "code_hash", "refused"},
        "records.Guessing": {"scope", "place"},
        "appointments.Appointment": {
            "number",
            "request_id",
            "status",
            "cancelled_why",
            "clinic",
        },
        "appointments.WaitlistEntry": {"visit_type", "part", "status"},
        "conversations.Conversation": {"language", "owner"},
        "conversations.Message": {"author", "kind", "external_id", "client_id"},
        "tickets.Ticket": {"reason", "outcome"},
        "adapters.Attempt": {"result", "category", "code", "vendor_id", "status"},
        "tickets.Draft": {"kind"},
        "careplans.CarePlan": {"kind", "status", "stopped_why", "time_zone", "meals"},
        "careplans.MedicationSchedule": {"meal", "times"},
        "careplans.Due": {"kind", "what", "state", "reason", "digest"},
        "careplans.QuestionnaireResponse": set(),
        "careplans.Task": {"kind", "about"},
        "careplans.Feedback": {"sort"},
    }
    from django.apps import apps

    for label, names in harmless.items():
        words = (models.CharField, models.TextField, models.JSONField)
        fields = apps.get_model(label)._meta.get_fields()
        assert {f.name for f in fields if isinstance(f, words)} == names, label
