"""What they have beside what we have, and a patient's own copy."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from adapters.fhir import validation
from adapters.fhir.models import Reconciliation, System
from adapters.fhir.reconciling import is_clean, reconcile, report
from adapters.fhir.stand_in import FhirStandIn
from adapters.rehearsal.stand_in import Fault
from harness.fhir import allergy, laboratory_report, patient, potassium, prescription, stranger
from patients.models import Conflict, Patient
from patients.services import create_patient, erase_patient, merge_patients, update_patient
from records.models import AllergyIntolerance, MedicationRequest
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]
Exchange = Callable[..., dict[str, int]]


@pytest.fixture
def full(his: FhirStandIn, exchanges: Exchange) -> FhirStandIn:
    for resource in (patient(), allergy(), prescription(), potassium(), laboratory_report()):
        his.put(resource)
    exchanges()
    return his


@pytest.fixture
def compared(system: System) -> Callable[..., Reconciliation]:
    return lambda **asked: reconcile(system, clock=timezone.now, **asked)


def test_where_both_have_the_same_nothing_is_found(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    row = compared()

    assert is_clean(row), row.findings
    assert row.findings["kinds"]["Patient"]["there"] == 1
    assert row.findings["kinds"]["DiagnosticReport"]["here"] == 1


def test_what_is_missing_here_is_counted_and_repaired(
    full: FhirStandIn, compared: Callable[..., Reconciliation], exchanges: Exchange
) -> None:
    full.put(stranger(1), at=datetime.now(UTC) - timedelta(days=9))  # no fetching asks for it

    assert compared().findings["kinds"]["Patient"]["missing_here"] == 1
    exchanges(timedelta(minutes=2))
    assert Patient.objects.count() == 1
    compared(repair=True)
    exchanges(timedelta(minutes=4))

    assert Patient.objects.count() == 2
    assert is_clean(compared())


def test_what_differs_is_told_by_name_and_never_by_value(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    update_patient(Patient.objects.get(), phone="13911112222")

    row = compared()

    assert row.findings["kinds"]["Patient"]["differing"] == {"phone": 1}
    told = json.dumps(row.findings) + "\n".join(report(row))
    assert "139" not in told
    assert "王" not in told


def test_what_is_theirs_and_differs_is_repaired_be_it_older(
    full: FhirStandIn, compared: Callable[..., Reconciliation], exchanges: Exchange
) -> None:
    backup = datetime.now(UTC) - timedelta(days=3)
    full.put(prescription(status="completed"), at=backup, version="1")  # came back from a backup

    row = compared(repair=True)
    exchanges(timedelta(minutes=2))

    assert row.findings["kinds"]["MedicationRequest"]["differing"] == {"status": 1}
    assert MedicationRequest.objects.get().status == "completed"


def test_a_merged_record_is_compared_as_the_one_that_stayed(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    stays = create_patient(name="王小明", phone="13800000001")
    merge_patients(Patient.objects.get(gender="male"), into=stays)

    assert compared().findings["kinds"]["Patient"]["differing"] == {}
    update_patient(Patient.objects.get(pk=stays.pk), name="王晓明")
    assert compared().findings["kinds"]["Patient"]["differing"] == {"name": 1}


def test_what_they_deleted_is_for_a_person_and_stays(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    full.delete("AllergyIntolerance", "a1")

    row = compared()

    assert row.findings["kinds"]["AllergyIntolerance"]["missing_there"] == 1
    assert Conflict.objects.get().kind == "gone"
    assert AllergyIntolerance.objects.count() == 1


def test_who_was_erased_is_missing_nowhere(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    erase_patient(Patient.objects.get(), now=timezone.now())

    row = compared()

    assert is_clean(row), row.findings


def test_a_comparison_that_broke_says_so(
    full: FhirStandIn, compared: Callable[..., Reconciliation]
) -> None:
    full.faults.append(Fault(status=500))

    row = compared()

    assert row.findings["kinds"]["Patient"]["failure"] == "500"
    assert not is_clean(row)


def test_the_command_ends_with_one_when_something_differs(
    full: FhirStandIn, system: System
) -> None:
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "Patient" in out.getvalue()

    full.put(stranger(1))
    with pytest.raises(CommandError) as ended:
        call_command("reconcile", system.slug, stdout=out)

    assert ended.value.returncode == 1


def test_a_patient_gets_a_copy_that_is_valid_and_logged(
    full: FhirStandIn, patient_writes: Callable[..., Any]
) -> None:
    one, out = Patient.objects.get(), StringIO()

    call_command("export_patient", str(one.pk), stdout=out)

    bundle = json.loads(out.getvalue())
    kinds = [each["resource"]["resourceType"] for each in bundle["entry"]]
    assert kinds == ["Patient", "AllergyIntolerance", "MedicationRequest"]  # a report to be told
    validation.check(bundle)
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.subject_id) == ("export", one.pk)


def test_a_copy_says_that_there_were_messages_and_not_what_they_said(
    system: System, patient_writes: Callable[..., Any]
) -> None:
    message = patient_writes("金丝雀今天疼").message
    owner, out = message.conversation.contact_point.patient, StringIO()

    call_command("export_patient", str(owner.pk), stdout=out)

    assert '"Communication"' in out.getvalue()
    assert "金丝雀" not in out.getvalue()


def test_nobody_else_gets_a_copy(system: System) -> None:
    gone = create_patient(name="王小明")
    erase_patient(gone, now=timezone.now())

    with pytest.raises(CommandError):
        call_command("export_patient", str(gone.pk))
