"""Prescriptions, the catalogue, and the demo's patients."""

from datetime import timedelta

import pytest

from conftest import NOON
from patients.models import Patient
from records.demo import seed_records
from records.drugbook import book
from records.guard import check
from records.medications import (
    class_of,
    current_medications,
    file_prescription,
    find_medication,
    warnings_of,
)
from records.models import DiagnosticReport, Medication, MedicationRequest
from records.reports import Standing, standing, trend

pytestmark = [pytest.mark.django_db, pytest.mark.once]

DAY = timedelta(days=1)


def prescribed(patient: Patient, drug: str, **fields) -> MedicationRequest:  # type: ignore[no-untyped-def]
    given = {"external_id": drug, "dose": "1 片", "starts_at": NOON - DAY, **fields}
    return file_prescription(patient, drug=drug, now=NOON, **given)


def test_what_runs_now_is_current(wang) -> None:  # type: ignore[no-untyped-def]
    running = prescribed(wang, "布洛芬", ends_at=NOON + DAY)
    endless = prescribed(wang, "氨氯地平")
    prescribed(wang, "头孢克洛", ends_at=NOON)
    prescribed(wang, "二甲双胍", starts_at=NOON + DAY)
    prescribed(wang, "阿司匹林", status="stopped")

    assert current_medications(wang, NOON) == [running, endless]
    assert running.duration == 2 * DAY


def test_a_prescription_that_comes_twice_is_one(wang) -> None:  # type: ignore[no-untyped-def]
    prescribed(wang, "布洛芬")
    prescribed(wang, "布洛芬", status="stopped")

    assert MedicationRequest.objects.get().status == "stopped"


@pytest.mark.parametrize("words", ["布洛芬", "芬必得", "布洛分缓释胶囊", "ibuprofin"])
def test_the_catalogue_knows_a_medicine_by_all_its_names(words: str) -> None:
    medicine = Medication.objects.create(name="布洛芬", substance="ibuprofen")

    assert find_medication(words) == medicine
    assert class_of(medicine) == ("非甾体抗炎药", "NSAIDs")
    assert {rule.who for rule in warnings_of(medicine)} == {"pregnancy", "age"}


def test_a_medicine_that_the_book_does_not_know_has_no_warnings() -> None:
    assert warnings_of(Medication.objects.create(name="某药", substance="no-such")) == []


def test_the_demo_has_each_kind_of_report_and_comes_once(now) -> None:  # type: ignore[no-untyped-def]
    for _ in range(2):
        seed_records(now)

    reports = {each.external_id: each for each in DiagnosticReport.objects.all()}
    assert len(reports) == 8
    assert standing(reports["demo-count"]) is Standing.READY
    assert standing(reports["demo-ultrasound"]) is Standing.NOT_READY
    assert standing(reports["demo-potassium"]) is Standing.NEEDS_TALK
    assert standing(reports["demo-biopsy"]) is Standing.NEEDS_TALK
    zhou = reports["demo-hba1c-0"].patient
    assert [each.value for each in trend(zhou, "4548-4")] == [8.4, 7.6, 7.1, 6.8]
    assert len(current_medications(zhou, now)) == 3
    chen = reports["demo-count"].patient
    assert check("阿莫仙", chen, now=now)
    assert all(each.substance in book().class_of for each in Medication.objects.all())
