"""Reports, prescriptions and identity checks in the admin."""

from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from records.models import DiagnosticReport, Guessing, MedicationRequest, Observation
from staff.models import Role
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_head_nurse_opens_a_report_and_talks_it_over(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(Role.HEAD_NURSE)
    page = reverse("admin:records_diagnosticreport_change", args=[house.report.pk])

    assert "血红蛋白" in client.get(page).content.decode()
    talk = reverse("admin:records_diagnosticreport_talked_over", args=[house.report.pk])
    assert client.get(talk).status_code == 200
    assert DiagnosticReport.objects.get().opened_at is None  # to look is not yet to say so
    client.post(talk)

    house.report.refresh_from_db()
    assert (house.report.opened_by, house.report.talk_owed_at) == (client.member, None)
    looks = AccessEntry.objects.filter(actor_id=client.member.pk, subject_id=house.patient.pk)
    assert list(looks.values_list("action", flat=True)) == ["read", "change"]


def test_an_administrator_opens_none(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(Role.ADMIN)

    client.post(reverse("admin:records_diagnosticreport_talked_over", args=[house.report.pk]))

    assert DiagnosticReport.objects.get().opened_at is None


def test_a_critical_line_that_is_typed_in_makes_a_talk_owed(  # type: ignore[no-untyped-def]
    sign_in, house: SimpleNamespace
) -> None:
    now = timezone.localtime().strftime("%Y-%m-%d"), "08:00"
    form = {
        "patient": house.patient.pk, "name": "电解质", "category": "lab", "status": "final",
        "registered_at_0": now[0], "registered_at_1": now[1],
        "observations-TOTAL_FORMS": "1", "observations-INITIAL_FORMS": "0",
        "observations-0-name": "钾", "observations-0-value": "7.1",
        "observations-0-interpretation": "HH",
    }  # fmt: skip

    answer = sign_in(Role.ADMIN).post(reverse("admin:records_diagnosticreport_add"), form)

    assert answer.status_code == 302
    report = DiagnosticReport.objects.latest("pk")
    assert report.talk_owed_at is not None
    assert Observation.objects.get(report=report).value == "7.1"


def test_a_prescription_is_typed_in(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    form = {
        "patient": house.patient.pk, "drug": "布洛芬", "dose": "0.3 g", "meals": "after",
        "times_per_day": "2", "starts_at_0": "2026-11-18", "starts_at_1": "08:00",
        "refills": "0", "status": "active",
    }  # fmt: skip

    answer = sign_in(Role.ADMIN).post(reverse("admin:records_medicationrequest_add"), form)

    assert answer.status_code == 302
    assert MedicationRequest.objects.latest("pk").drug == "布洛芬"


def test_one_that_an_allergy_speaks_against_is_kept_only_with_a_reason(  # type: ignore[no-untyped-def]
    sign_in, house: SimpleNamespace
) -> None:
    form = {
        "patient": house.patient.pk, "drug": "阿莫西林", "dose": "0.5 g", "meals": "after",
        "times_per_day": "3", "starts_at_0": "2026-11-18", "starts_at_1": "08:00",
        "refills": "0", "status": "active",
    }  # fmt: skip
    page, client = reverse("admin:records_medicationrequest_add"), sign_in(Role.ADMIN)
    before = MedicationRequest.objects.count()

    answer = client.post(page, form)

    assert answer.status_code == 200
    assert "penicillin" in answer.content.decode()
    assert MedicationRequest.objects.count() == before

    assert client.post(page, {**form, "override_reason": "Desensitised"}).status_code == 302
    kept = MedicationRequest.objects.latest("pk")
    assert (kept.override_reason, kept.warning_owed_at is not None) == ("Desensitised", True)


def test_an_allergy_shows_how_the_guard_reads_it(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    page = reverse("admin:records_allergyintolerance_change", args=[house.allergy.pk])

    assert "penicillins" in sign_in(Role.ADMIN).get(page).content.decode()


def test_guessing_is_shown_and_seen_to(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(Role.HEAD_NURSE)
    listed = reverse("admin:records_guessing_changelist")

    assert "in the whole house" in client.get(listed).content.decode()
    client.post(listed, {"action": "seen_to", "_selected_action": [house.guessing.pk]})

    assert Guessing.objects.get().seen_by == client.member
