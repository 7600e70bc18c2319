"""Who may do what in the admin, by role: the whole matrix, tried at the door of every list."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from staff.models import Role, StaffMember
from staff.roles import GROUPS, READERS, grant_roles

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# v view, a add, c change, d delete; what is not named is closed. To delete a patient is to erase.
BOOKING = {
    "appointments.schedule": "vac",
    "appointments.closure": "vacd",
    "appointments.slot": "vc",
    "appointments.appointment": "vc",
    "appointments.waitlistentry": "vc",
}
HEAD_NURSE = {
    **BOOKING,
    "staff.staffmember": "v",
    "staff.shift": "vacd",
    "tickets.cannedreply": "vacd",
    "tickets.ticket": "v",
    "tickets.alarm": "v",
    "careplans.careplan": "vc",
    "careplans.medicationschedule": "v",
    "careplans.plantemplate": "v",
    "careplans.templatestep": "v",
    "careplans.questionnaire": "v",
    "careplans.question": "v",
    "careplans.questionnaireresponse": "v",
    "careplans.due": "v",
    "careplans.task": "v",
    "careplans.feedback": "v",
    "careplans.feedbackdigest": "vc",
    "insight.review": "vc",
    "knowledge.article": "v",
    "knowledge.articleversion": "v",
    "triage.ruleset": "v",
    "triage.rulechange": "v",
    "patients.conflict": "vc",
    "hospital.department": "v",
    "records.diagnosticreport": "v",
    "records.observation": "v",
    "records.identitycheck": "v",
    "records.guessing": "vc",
}
ADMIN = {
    "hospital.hospital": "vac",
    "hospital.department": "vacd",
    "hospital.doctor": "vacd",
    "hospital.place": "vacd",
    "hospital.openinghours": "vacd",
    "hospital.price": "vacd",
    "hospital.holiday": "vacd",
    "knowledge.article": "vacd",
    "knowledge.articleversion": "vacd",
    "triage.ruleset": "vacd",
    "triage.rulechange": "vacd",
    "staff.staffmember": "vac",
    "staff.shift": "vacd",
    "auth.group": "v",
    "patients.channel": "vac",
    "adapters.account": "vac",
    "adapters.attempt": "v",
    "patients.patient": "vacd",
    "patients.contactpoint": "v",
    "patients.consent": "vac",
    "patients.proxy": "vacd",
    "patients.conflict": "vc",
    "fhir.system": "vac",
    "fhir.leftout": "v",
    "fhir.push": "v",
    "fhir.reconciliation": "v",
    "records.allergyintolerance": "vacd",
    "records.diagnosticreport": "vacd",
    "records.observation": "vacd",
    "records.medication": "vacd",
    "records.medicationrequest": "vacd",
    "records.identitycheck": "v",
    "records.guessing": "vc",
    **BOOKING,
    "conversations.conversation": "v",
    "tickets.ticket": "v",
    "tickets.alarm": "v",
    "tickets.cannedreply": "vacd",
    "careplans.careplan": "vc",
    "careplans.medicationschedule": "v",
    "careplans.plantemplate": "vacd",
    "careplans.templatestep": "vacd",
    "careplans.questionnaire": "vacd",
    "careplans.question": "vacd",
    "careplans.questionnaireresponse": "v",
    "careplans.due": "v",
    "careplans.task": "v",
    "careplans.feedback": "v",
    "careplans.feedbackdigest": "vc",
    "insight.review": "vc",
    "insight.modelday": "v",
    "assistant.dialogue": "v",
    "insight.referenceweek": "vacd",
    "vault.accessentry": "v",
    "workers.ring": "vc",
}
MATRIX: dict[Role, dict[str, str]] = {
    Role.NURSE: {},
    Role.DOCTOR: {},
    Role.HEAD_NURSE: HEAD_NURSE,
    Role.ADMIN: ADMIN,
}
ACTS = {"v": "view", "a": "add", "c": "change", "d": "delete"}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_the_matrix_says_and_nothing_else(
    staff: Callable[..., StaffMember], role: Role
) -> None:
    member = staff(role)
    basic = {
        permission
        for permission in member.get_all_permissions()
        if permission.split(".")[1].split("_")[0] in ACTS.values()
    }

    expected = {
        f"{model.split('.')[0]}.{ACTS[act]}_{model.split('.')[1]}"
        for model, acts in MATRIX[role].items()
        for act in acts
    }
    assert basic == expected


@pytest.mark.parametrize("role", list(Role))
def test_the_doors_agree_with_the_matrix(sign_in, role: Role) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(role, is_staff=True)

    for model in admin.site._registry:
        label = model._meta.label_lower
        where = reverse(f"admin:{label.replace('.', '_')}_changelist")
        expected = 200 if "v" in MATRIX[role].get(label, "") else 403
        assert client.get(where).status_code == expected, label


@pytest.mark.parametrize("role", list(Role))
def test_no_role_reads_messages(staff: Callable[..., StaffMember], role: Role) -> None:
    assert not staff(role).has_perm("conversations.view_message")


def test_the_head_nurse_signs_off_knowledge(staff: Callable[..., StaffMember]) -> None:
    head = staff(Role.HEAD_NURSE)

    assert head.has_perm("knowledge.sign_off_articleversion")
    assert not staff(Role.NURSE).has_perm("knowledge.sign_off_articleversion")


def test_a_change_of_role_changes_the_group(staff: Callable[..., StaffMember]) -> None:
    member = staff(Role.ADMIN)
    own = Group.objects.create(name="our own")
    member.groups.add(own)

    member.role = Role.NURSE
    member.save()

    assert set(member.groups.values_list("name", flat=True)) == {GROUPS[Role.NURSE], "our own"}
    fresh = StaffMember.objects.get(pk=member.pk)
    assert not fresh.has_perm("patients.view_patient")


def test_what_was_changed_by_hand_does_not_last(staff: Callable[..., StaffMember]) -> None:
    group = Group.objects.get(name=GROUPS[Role.HEAD_NURSE])
    group.permissions.clear()

    grant_roles()

    assert staff(Role.HEAD_NURSE).has_perm("staff.add_shift")


def test_an_admin_gives_nobody_more_than_they_have(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in()
    readers = Group.objects.get(name=READERS)
    me = reverse("admin:staff_staffmember_change", args=[client.member.pk])

    form = client.get(me).content.decode()
    client.post(
        me,
        {
            "username": client.member.username, "display_name": "我", "role": "admin",
            "availability": "online", "is_active": "on", "is_superuser": "on",
            "groups": [readers.pk], "shifts-TOTAL_FORMS": "0", "shifts-INITIAL_FORMS": "0",
        },
    )  # fmt: skip

    client.member.refresh_from_db()
    assert client.member.display_name == "我"
    assert not client.member.is_superuser
    assert readers not in client.member.groups.all()
    assert 'name="is_superuser"' not in form


def test_an_admin_does_not_touch_a_superuser(sign_in, staff) -> None:  # type: ignore[no-untyped-def]
    boss = staff(Role.ADMIN, is_superuser=True, username="boss")
    where = f"/admin/staff/staffmember/{boss.pk}/password/"

    assert sign_in().post(where, {"password1": "x", "password2": "x"}).status_code == 403


def test_a_new_member_enters_by_role(superuser) -> None:  # type: ignore[no-untyped-def]
    for role, enters in ((Role.HEAD_NURSE, True), (Role.NURSE, False)):
        answer = superuser.post(
            "/admin/staff/staffmember/add/",
            {
                "username": f"new-{role}", "display_name": "新人", "role": role,
                "password1": "a-long-passphrase-9", "password2": "a-long-passphrase-9",
                "shifts-TOTAL_FORMS": "0", "shifts-INITIAL_FORMS": "0",
            },
        )  # fmt: skip
        assert answer.status_code == 302
        member = StaffMember.objects.get(username=f"new-{role}")
        assert member.is_staff is enters
        assert member.groups.get().name == GROUPS[role]


def test_a_roles_group_is_looked_at_and_not_changed(superuser) -> None:  # type: ignore[no-untyped-def]
    kept = Group.objects.get(name=GROUPS[Role.NURSE])
    where = reverse("admin:auth_group_change", args=[kept.pk])

    assert superuser.get(where).status_code == 200
    assert superuser.post(where, {"name": "others"}).status_code == 403
