"""Whose word counts where they and we differ, and what a person has to settle."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from adapters.fhir.models import LeftOut
from adapters.fhir.stand_in import FhirStandIn
from harness.fhir import allergy, laboratory_report, patient, potassium, prescription
from patients.models import Conflict, ExternalIdentifier, Owner, Patient
from patients.ports import settle_conflict
from patients.services import create_patient, update_patient
from records.models import AllergyIntolerance, DiagnosticReport, MedicationRequest
from staff.models import StaffMember

pytestmark = [pytest.mark.django_db, pytest.mark.once]
Exchange = Callable[..., dict[str, int]]
LATER, MUCH_LATER = timedelta(minutes=2), timedelta(minutes=4)


def test_where_patients_are_ours_their_change_is_a_conflict(
    his: FhirStandIn, exchanges: Exchange, nurse: StaffMember
) -> None:
    his.put(patient())
    exchanges(Patient="ours")
    his.put(patient(gender="female", telecom=[]))

    assert exchanges(LATER)["conflict"] == 1

    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.fields) == ("differs", "gender")
    one = Patient.objects.get()
    assert (one.gender, one.phone) == ("male", "13800000001")
    # A person says that they are right, and it is fetched again.
    assert settle_conflict(conflict.pk, keep=Owner.THEIRS, by_id=nurse.pk, now=timezone.now())
    assert not settle_conflict(conflict.pk, keep=Owner.OURS, by_id=nurse.pk, now=timezone.now())
    exchanges(MUCH_LATER)
    one.refresh_from_db()
    assert one.gender == "female"
    assert ExternalIdentifier.objects.get().wanted_at is None


def test_a_conflict_that_was_settled_for_us_stays_settled(
    his: FhirStandIn, exchanges: Exchange, nurse: StaffMember
) -> None:
    his.put(patient())
    exchanges(Patient="ours")
    his.put(patient(gender="female"))
    exchanges(LATER)
    settle_conflict(Conflict.objects.get().pk, keep=Owner.OURS, by_id=nurse.pk, now=timezone.now())

    exchanges(MUCH_LATER)

    assert Patient.objects.get().gender == "male"
    assert not Conflict.objects.filter(settled_at=None).exists()


def test_where_patients_are_ours_what_we_do_not_know_is_filled_in(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient(telecom=[], gender="unknown"))
    exchanges(Patient="ours")
    his.put(patient())

    exchanges(LATER)

    assert Patient.objects.get().phone == "13800000001"
    assert not Conflict.objects.exists()


def test_where_patients_are_theirs_they_win_and_what_was_changed_here_is_noted(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient())
    exchanges(Patient="theirs")
    update_patient(Patient.objects.get(), phone="13911112222")
    his.put(patient(gender="female"))

    exchanges(LATER)

    one = Patient.objects.get()
    assert (one.gender, one.phone) == ("female", "13800000001")
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.fields) == ("overwritten", "phone, gender")


def test_what_they_leave_out_empties_nothing(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient())
    exchanges(Patient="theirs")
    his.put({"resourceType": "Patient", "id": "p1", "gender": "male"})

    exchanges(LATER)

    one = Patient.objects.get()
    assert (one.name, one.phone) == ("王小明", "13800000001")


def test_who_has_died_is_dead_whoever_owns_patients_and_nobody_comes_back_by_machine(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient())
    exchanges(Patient="ours")
    his.put(patient(deceasedDateTime="2026-11-17T08:00:00+08:00"))
    exchanges(LATER)
    assert Patient.objects.get().deceased_at is not None

    his.put(patient(deceasedBoolean=False))
    exchanges(MUCH_LATER, Patient="theirs")

    assert Patient.objects.get().deceased_at is not None


def test_somebody_we_knew_before_is_found_by_the_identity_card_and_only_completed(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    ours = create_patient(name="王小明", identity_number="11010519491231002X", phone="13911112222")
    his.put(patient())

    exchanges(Patient="theirs")

    ours.refresh_from_db()
    assert Patient.objects.count() == 1
    assert (ours.gender, ours.phone) == ("male", "13911112222")
    assert Conflict.objects.get().fields == "phone"


def test_one_identity_card_and_two_names_is_for_a_person_and_nothing_is_filed(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    ours = create_patient(name="李四", identity_number="11010519491231002X")
    his.put(patient())
    his.put(allergy())

    exchanges(Patient="theirs")

    ours.refresh_from_db()
    assert (ours.name, Patient.objects.count()) == ("李四", 1)
    assert not AllergyIntolerance.objects.exists()
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.patient_id) == ("contradicts", ours.pk)
    assert set(LeftOut.objects.values_list("reason", flat=True)) == {
        "contradicts another record", "unknown Patient",
    }  # fmt: skip


def test_a_record_that_they_joined_with_another_is_for_a_person(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    other = {"other": {"reference": "Patient/p2"}, "type": "replaced-by"}
    his.put(patient(active=False, link=[other]))

    exchanges()

    assert Conflict.objects.get().kind == "merged"


def test_two_without_identity_card_are_two_people(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient("p1", identifier=[]))
    his.put(patient("p2", identifier=[]))

    exchanges()

    assert Patient.objects.count() == 2


# --- Allergies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"verificationStatus": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
            "code": "entered-in-error"}]}, "clinicalStatus": None}, "retracted"),
        ({"criticality": "low"}, "criticality"),
        ({"code": {"text": "花粉"}}, "substance"),
    ],
)  # fmt: skip
def test_no_allergy_is_taken_back_by_a_machine(
    his: FhirStandIn, exchanges: Exchange, nurse: StaffMember, change: dict[str, object], names: str
) -> None:
    his.put(patient())
    his.put(allergy())
    exchanges()
    changed = {key: value for key, value in allergy(**change).items() if value is not None}
    his.put(changed)

    exchanges(LATER)

    row = AllergyIntolerance.objects.get()
    assert (row.substance, row.criticality) == ("青霉素", "high")
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.fields) == ("retracted", names)
    settle_conflict(conflict.pk, keep=Owner.THEIRS, by_id=nurse.pk, now=timezone.now())
    exchanges(MUCH_LATER)
    left = [(row.substance, row.criticality) for row in AllergyIntolerance.objects.all()]
    expected = {
        "retracted": [], "criticality": [("青霉素", "low")], "substance": [("花粉", "high")],
    }  # fmt: skip
    assert left == expected[names]
    assert not Conflict.objects.filter(settled_at=None).exists()


def test_an_allergy_that_a_nurse_wrote_down_already_is_that_one(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient())
    exchanges()
    one = Patient.objects.get()
    AllergyIntolerance.objects.create(patient=one, data_key=one.data_key, substance="Penicillin")
    his.put(allergy())

    exchanges(LATER)

    row = AllergyIntolerance.objects.get()
    assert (row.substance, row.criticality, row.reaction) == ("Penicillin", "high", "皮疹")


@pytest.mark.parametrize("verification", ["unconfirmed", "refuted", "entered-in-error"])
def test_what_they_know_of_counts_whatever_it_was_here(
    his: FhirStandIn, exchanges: Exchange, verification: str
) -> None:
    his.put(patient())
    exchanges()
    one = Patient.objects.get()
    AllergyIntolerance.objects.create(
        patient=one, data_key=one.data_key, substance="青霉素", verification=verification
    )
    his.put(allergy())

    exchanges(LATER)

    assert AllergyIntolerance.objects.in_force().get().verification == "confirmed"


# --- Reports and prescriptions -------------------------------------------------------------------


def test_a_corrected_report_has_to_be_told_anew(
    his: FhirStandIn, exchanges: Exchange, nurse: StaffMember
) -> None:
    for resource in (patient(), potassium("4.5", "N"), laboratory_report()):
        his.put(resource)
    exchanges()
    assert DiagnosticReport.objects.get().talk_owed_at is None

    his.put(potassium("6.9", "HH"))
    his.put(laboratory_report(status="corrected"))
    exchanges(LATER)

    report = DiagnosticReport.objects.get()
    assert (report.status, report.observations.get().value) == ("amended", "6.9")
    assert report.talk_owed_at is not None


def test_what_a_correction_leaves_out_was_withdrawn(his: FhirStandIn, exchanges: Exchange) -> None:
    for resource in (patient(), potassium(), laboratory_report(conclusion="高钾血症")):
        his.put(resource)
    exchanges()
    his.put(laboratory_report(status="corrected", result=[]))

    exchanges(LATER)

    report = DiagnosticReport.objects.get()
    assert (report.conclusion, report.observations.count()) == (None, 0)


def test_a_report_does_not_change_hands(his: FhirStandIn, exchanges: Exchange) -> None:
    for resource in (patient(), patient("p2", identifier=[]), potassium(), laboratory_report()):
        his.put(resource)
    exchanges()
    owner = DiagnosticReport.objects.get().patient_id
    his.put(laboratory_report(subject={"reference": "Patient/p2"}, conclusion="另一人"))

    exchanges(LATER)

    assert DiagnosticReport.objects.get().patient_id == owner
    assert LeftOut.objects.get().reason == "contradicts another record"


def test_a_prescription_against_an_allergy_is_kept_and_its_doctor_is_owed_a_word(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    for resource in (patient(), allergy(), prescription()):
        his.put(resource)

    exchanges()

    assert MedicationRequest.objects.get().warning_owed_at is not None


def test_a_prescription_that_was_stopped_there_is_stopped_here(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient())
    his.put(prescription())
    exchanges()
    his.put(prescription(status="stopped"))

    exchanges(LATER)

    assert MedicationRequest.objects.get().status == "stopped"
