"""Patients in the admin: found without a trace in a URL, opened with one in the access log."""

from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from patients.models import Consent, Patient
from patients.services import create_patient, index_phone
from records.models import AllergyIntolerance
from staff.models import Role
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LIST = "/admin/patients/patient/"


def page_of(patient: Patient) -> str:
    return reverse("admin:patients_patient_change", args=[patient.pk])


def looks() -> list[tuple[str, str, int | None, str]]:
    return list(AccessEntry.objects.values_list("action", "subject", "subject_id", "reason"))


def filled(patient: Patient | None = None, **fields: str) -> dict[str, str]:
    """The form of a patient as a browser sends it."""
    data = {
        "name": "", "phone": "", "identity_number": "", "birth_date_text": "", "gender": "female",
        "pregnant_until": "", "language": "zh-hans", "deceased_at_0": "", "deceased_at_1": "",
    }  # fmt: skip
    for prefix in ("contact_points", "consents", "proxies", "allergies"):
        data |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    return data | fields


@pytest.mark.parametrize("typed", ["13800000001", "+86 138-0000-0001", "１３８００００ ０００１"])
def test_a_phone_is_found_however_it_is_typed(
    superuser: Client, house: SimpleNamespace, typed: str
) -> None:
    answer = superuser.post(f"{LIST}search/", {"sought": typed})

    assert answer["Location"] == f"{LIST}?id__in={house.patient.pk}"
    assert looks() == [("search", "patient", house.patient.pk, "admin")]


def test_an_identity_number_is_found_and_stands_in_no_address(superuser: Client) -> None:
    patient = create_patient(identity_number="11010519491231002X")

    answer = superuser.post(f"{LIST}search/", {"sought": "110105 19491231 002x"}, follow=True)

    addresses = [unquote(url) for url, _status in answer.redirect_chain]
    assert addresses == [f"{LIST}?id__in={patient.pk}"]


def test_what_is_not_found_is_said_and_logged(superuser: Client, house: SimpleNamespace) -> None:
    answer = superuser.post(f"{LIST}search/", {"sought": "13999999999"}, follow=True)

    assert "No patient has this" in answer.content.decode()
    assert looks() == [("search", "patient", None, "admin")]


def test_the_list_has_no_search_by_address(superuser: Client, house: SimpleNamespace) -> None:
    page = superuser.get(f"{LIST}?q=13800000001").content.decode()

    assert 'name="q"' not in page
    assert f"/{house.patient.pk}/change/" in page  # nothing was filtered


def test_opening_a_record_is_logged_first(superuser: Client, house: SimpleNamespace) -> None:
    page = superuser.get(page_of(house.patient)).content.decode()
    superuser.get(reverse("admin:patients_patient_history", args=[house.patient.pk]))

    assert "王小明" in page
    assert looks() == [("read", "patient", house.patient.pk, "admin")] * 2


def test_saving_keeps_the_indexes_right(superuser: Client, house: SimpleNamespace) -> None:
    data = filled(name="王大明", phone="139 0000 0009", birth_date_text="1950-02-03")
    answer = superuser.post(page_of(house.patient), data)

    assert answer.status_code == 302
    patient = Patient.objects.get(pk=house.patient.pk)
    assert (patient.name, patient.birth_date_text) == ("王大明", "1950-02-03")
    assert patient.phone_index == index_phone("13900000009")
    assert looks() == [("change", "patient", patient.pk, "admin")]


def test_a_new_record_gets_a_key_of_its_own(superuser: Client, db: None) -> None:
    answer = superuser.post(f"{LIST}add/", filled(name="李丽", phone="13700000001"))

    patient = Patient.objects.get()
    assert answer.status_code == 302
    assert patient.name == "李丽"
    assert patient.phone_index == index_phone("13700000001")


def test_a_second_record_of_one_identity_number_is_refused(superuser: Client) -> None:
    create_patient(identity_number="11010519491231002X")

    page = superuser.post(f"{LIST}add/", filled(identity_number="11010519491231002x"))

    assert "Merge the two instead" in page.content.decode()
    assert Patient.objects.count() == 1


def test_an_allergy_added_beside_is_sealed_under_the_patients_key(
    superuser: Client, house: SimpleNamespace
) -> None:
    rows = {
        "allergies-TOTAL_FORMS": "1",
        "allergies-0-substance": "头孢",
        "allergies-0-reaction": "皮疹",
        "allergies-0-criticality": "high",
        "allergies-0-verification": "confirmed",
    }
    superuser.post(page_of(house.patient), filled(name="王小明", **rows))

    allergy = AllergyIntolerance.objects.latest("pk")
    assert (allergy.substance, allergy.reaction) == ("头孢", "皮疹")
    assert allergy.data_key_id == house.patient.data_key_id


def test_a_consent_is_added_once_and_withdrawn(superuser: Client, house: SimpleNamespace) -> None:
    rows = {
        "consents-TOTAL_FORMS": "1",
        "consents-0-purpose": "reminders",
        "consents-0-text_version": "1",
        "consents-0-channel": "",
    }
    for _ in range(2):
        superuser.post(page_of(house.patient), filled(**rows))
    consent = Consent.objects.get(purpose="reminders")

    chosen = {"action": "withdraw", "_selected_action": [consent.pk]}
    superuser.post("/admin/patients/consent/", chosen)

    consent.refresh_from_db()
    assert consent.withdrawn_at is not None


def test_a_seen_proof_is_signed_by_who_saw_it(superuser: Client, house: SimpleNamespace) -> None:
    chosen = {"action": "proof_seen", "_selected_action": [house.proxy.pk]}
    superuser.post("/admin/patients/proxy/", chosen)

    house.proxy.refresh_from_db()
    assert house.proxy.verified_by == superuser.member  # type: ignore[attr-defined]
    assert house.proxy.is_in_force(house.proxy.verified_at)


def test_two_records_are_merged_after_a_second_look(
    superuser: Client, house: SimpleNamespace
) -> None:
    double = create_patient(phone="13800000001")
    chosen = {"action": "merge", "_selected_action": [house.patient.pk, double.pk]}

    asked = superuser.post(LIST, chosen)
    assert "Which record stays?" in asked.content.decode()
    assert not Patient.objects.exclude(merged_into=None).exists()
    superuser.post(LIST, {**chosen, "into": house.patient.pk})

    double.refresh_from_db()
    assert double.merged_into == house.patient
    assert {reason for *_rest, reason in looks()} == {"admin: merge"}
    assert superuser.post(page_of(double), filled()).status_code == 403


def test_three_records_are_not_merged(superuser: Client, house: SimpleNamespace) -> None:
    three = [create_patient().pk for _ in range(3)]

    superuser.post(LIST, {"action": "merge", "_selected_action": three, "into": three[0]})

    assert not Patient.objects.exclude(merged_into=None).exists()


def test_erasing_takes_the_records_own_number(superuser: Client, house: SimpleNamespace) -> None:
    where = f"{LIST}{house.patient.pk}/erase/"

    superuser.post(where, {"typed": "1234567"})
    assert Patient.objects.get(pk=house.patient.pk).erased_at is None
    superuser.post(where, {"typed": str(house.patient.pk)})

    patient = Patient.objects.get(pk=house.patient.pk)
    assert patient.erased_at is not None
    assert patient.name == "⌫"
    assert looks() == [("erase", "patient", patient.pk, "admin: erase")]
    assert superuser.get(page_of(patient)).status_code == 200


def test_who_may_not_erase_can_not(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(Role.HEAD_NURSE)

    answer = client.post(f"{LIST}{house.patient.pk}/erase/", {"typed": str(house.patient.pk)})

    assert answer.status_code == 403
    assert Patient.objects.get(pk=house.patient.pk).erased_at is None
    assert client.post(f"{LIST}search/", {"sought": "13800000001"}).status_code == 403
