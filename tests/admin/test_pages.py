"""Every page of the admin opens for an admin, and none brings what it should not."""

import re
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from patients.models import Patient
from staff.models import StaffMember

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def pages(member: StaffMember) -> list[str]:
    request = RequestFactory().get("/")
    request.user = member
    found = [reverse("admin:index")]
    for model, its_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found.append(reverse("admin:app_list", args=[model._meta.app_label]))
        if its_admin.has_add_permission(request):
            found.append(reverse(f"{name}_add"))
        row = model._default_manager.first()
        if row is not None:
            found += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
    return found


def test_every_page_of_every_model_opens(superuser: Client, house: SimpleNamespace) -> None:
    opened = {page: superuser.get(page).status_code for page in pages(superuser.member)}  # type: ignore[attr-defined]

    assert {page: status for page, status in opened.items() if status != 200} == {}
    assert len(opened) > 60


def test_the_same_in_the_role_of_an_admin(sign_in, house: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    client = sign_in()

    opened = {page: client.get(page).status_code for page in pages(client.member)}

    assert {page: status for page, status in opened.items() if status != 200} == {}


def test_every_room_has_a_page_in_the_menu(superuser: Client, house: SimpleNamespace) -> None:
    menu = superuser.get("/admin/").content.decode()

    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        assert f'href="{reverse(name)}"' in menu


def test_lists_show_nobody_in_full(superuser: Client, house: SimpleNamespace) -> None:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        page = superuser.get(reverse(name)).content.decode()
        for personal in ("王小明", "13800000001", "青霉素", "胸口"):
            assert personal not in page, (model, personal)


def test_no_address_carries_personal_data(superuser: Client, house: SimpleNamespace) -> None:
    personal = ("王小明", "13800000001", "青霉素", "胸口")
    for page in pages(superuser.member):  # type: ignore[attr-defined]
        links = re.findall(r'(?:href|action|src)="([^"]*)"', superuser.get(page).content.decode())
        assert not [link for link in links if any(word in link for word in personal)]


def test_the_admin_runs_no_inline_script(superuser: Client, house: SimpleNamespace) -> None:
    for page in pages(superuser.member):  # type: ignore[attr-defined]
        response = superuser.get(page)
        rules = dict(rule.split(" ", 1) for rule in response["Content-Security-Policy"].split("; "))
        assert "'unsafe-inline'" not in rules["script-src"]
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*json)[^>]*>", response.content.decode())
        assert inline == [], page


@pytest.mark.parametrize(
    "model", ["patients.patient", "conversations.conversation", "tickets.ticket", "tickets.alarm",
              "vault.accessentry", "patients.contactpoint", "patients.consent",
              "staff.staffmember", "patients.channel", "insight.review", "insight.modelday"],
)  # fmt: skip
def test_what_is_kept_can_not_be_deleted(
    superuser: Client, house: SimpleNamespace, model: str
) -> None:
    room, name = model.split(".")
    superuser.get(reverse("admin:patients_patient_change", args=[house.patient.pk]))
    row = next(m for m in admin.site._registry if m._meta.label_lower == model).objects.first()

    assert superuser.get(reverse(f"admin:{room}_{name}_delete", args=[row.pk])).status_code == 403
    listed = superuser.get(reverse(f"admin:{room}_{name}_changelist")).content.decode()
    assert "delete_selected" not in listed


def test_what_is_sealed_elsewhere_is_no_model_of_the_admin() -> None:
    shown = {model._meta.label for model in admin.site._registry}

    assert not shown & {"vault.DataKey", "vault.AccessHead", "conversations.Message",
                        "tickets.Draft"}  # fmt: skip


def test_a_stranger_sees_only_the_door(client: Client, house: SimpleNamespace) -> None:
    for page in ("/admin/", reverse("admin:patients_patient_changelist")):
        response = client.get(page)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
    assert Patient.objects.exists()


def test_who_signs_in_at_the_admins_own_door_comes_into_the_admin(
    client: Client, superuser: Client
) -> None:
    page = client.get("/admin/login/").content.decode()
    assert 'name="next" value="/admin/"' in page
