"""An admin sets a system up, and sees what lies between it and us."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.fhir.models import LeftOut, System
from adapters.fhir.reconciling import reconcile
from adapters.fhir.stand_in import FhirStandIn
from harness.fhir import allergy, patient
from patients.models import Conflict
from staff.models import Role, StaffMember
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]
Exchange = Callable[..., dict[str, int]]
FORM = {
    "name": "HIS", "slug": "his", "base_url": "https://his.example/fhir", "sign_in": "bearer",
    "token": "s3cret-token", "is_active": "on", "owner_Patient": "theirs", "owner_Slot": "ours",
    "owner_Appointment": "ours", "owner_MedicationRequest": "theirs",
    "owner_DiagnosticReport": "theirs",
}  # fmt: skip


@pytest.fixture
def admin(staff: Callable[..., StaffMember]) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff(Role.ADMIN, is_staff=True))
    return client


def _page(system: System, act: str = "change") -> str:
    return f"/admin/fhir/system/{system.pk}/{act}/"


def test_a_system_is_set_up_and_its_token_is_never_shown_again(admin: Client) -> None:
    answer = admin.post("/admin/fhir/system/add/", FORM)

    system = System.objects.get()
    assert answer.status_code == 302
    assert system.secrets == {"token": "s3cret-token"}
    assert system.owner_of("Patient") == "theirs"
    assert "s3cret" not in admin.get(_page(system)).content.decode()
    # Left empty, it stays.
    admin.post(_page(system), {**FORM, "token": "", "name": "HIS 2", "slug": "other"})
    system.refresh_from_db()
    assert (system.name, system.slug) == ("HIS 2", "his")
    assert system.secrets == {"token": "s3cret-token"}


def test_a_client_needs_to_know_where_tokens_are_given(admin: Client) -> None:
    answer = admin.post("/admin/fhir/system/add/", {**FORM, "sign_in": "client"})

    assert "Say where tokens are given." in answer.content.decode()


def test_it_is_not_switched_on_without_its_library(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.fhir.validation.get_fhir_model_class", None)

    answer = admin.post("/admin/fhir/system/add/", FORM)

    assert "Install the extra first" in answer.content.decode()


def test_a_check_says_whether_it_answers(admin: Client, system: System, his: FhirStandIn) -> None:
    well = admin.get(_page(system, "check"), follow=True).content.decode()
    his.tokens.add("another")
    refused = admin.get(_page(system, "check"), follow=True).content.decode()

    assert "It answers, and lets us in." in well
    assert "It does not answer: sign-in refused: 401" in refused


def test_what_was_left_out_is_read_by_name_and_tried_again(
    admin: Client, his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(allergy())  # of nobody
    exchanges()
    left = LeftOut.objects.get()

    listed = admin.get("/admin/fhir/leftout/").content.decode()
    opened = admin.get(f"/admin/fhir/leftout/{left.pk}/change/").content.decode()
    admin.post("/admin/fhir/leftout/", {"action": "try_again", "_selected_action": [left.pk]})

    assert "unknown Patient" in listed
    assert "青霉素" not in listed
    assert "青霉素" in opened
    assert AccessEntry.objects.get().reason == f"admin: record left out {left.pk}"
    left.refresh_from_db()
    assert left.try_at is not None
    assert left.try_at <= timezone.now()


def test_a_head_nurse_settles_a_difference(
    staff: Callable[..., StaffMember], his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient())
    exchanges()
    his.put(patient(gender="female"))
    exchanges()
    client = Client()
    head = staff(Role.HEAD_NURSE, is_staff=True)
    client.force_login(head)
    conflict: Any = Conflict.objects.get()

    client.post(
        "/admin/patients/conflict/",
        {"action": "keep_ours", "_selected_action": [conflict.pk]},
    )

    conflict.refresh_from_db()
    assert (conflict.kept, conflict.settled_by) == ("ours", head)
    assert AccessEntry.objects.get().subject_id == conflict.patient_id
    assert "gender" in client.get("/admin/patients/conflict/").content.decode()


def test_a_reconciliation_is_a_table_of_counts(
    admin: Client, his: FhirStandIn, exchanges: Exchange, system: System
) -> None:
    his.put(patient())
    exchanges()
    row = reconcile(system, clock=timezone.now)

    shown = admin.get(f"/admin/fhir/reconciliation/{row.pk}/change/").content.decode()

    assert "missing there" in shown
    assert "<th>Patient</th>" in shown
    assert "王小明" not in shown


@pytest.mark.parametrize("model", ["system", "leftout", "push", "reconciliation"])
def test_each_list_opens(admin: Client, system: System, model: str) -> None:
    assert admin.get(f"/admin/fhir/{model}/").status_code == 200
