"""What each role may do in the admin: one group for each, kept in step with this page.

The consoles ask other questions (`tickets.policy`). Nurses and doctors have nothing to do in the
admin. Nobody reads what patients wrote there by role: for that there is a group of its own, and
each reading asks for a reason and is logged.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.db import connection, models

from staff.models import Role, StaffMember

READERS = "对话查阅 Conversation readers"

_ALL = "view add change delete"
_BOOKING: dict[str, str] = {  # a schedule is ended, a slot closed, an appointment cancelled
    "appointments.schedule": "view add change",
    "appointments.closure": _ALL,
    "appointments.slot": "view change",
    "appointments.appointment": "view change",
    "appointments.waitlistentry": "view change",
}
_CONFIGURED: dict[str, str] = {
    "hospital.hospital": "view add change",
    "hospital.department": _ALL,
    "hospital.doctor": _ALL,
    "hospital.place": _ALL,
    "hospital.openinghours": _ALL,
    "hospital.price": _ALL,
    "hospital.holiday": _ALL,
    "knowledge.article": _ALL,
    "knowledge.articleversion": f"{_ALL} sign_off recall",
    "triage.ruleset": f"{_ALL} sign_off activate",
    "triage.rulechange": _ALL,
    "staff.staffmember": "view add change",
    "staff.shift": _ALL,
    "auth.group": "view",
    "patients.channel": "view add change",
    "adapters.account": "view add change",
    "adapters.attempt": "view",
    "patients.patient": _ALL,  # to delete a patient is to erase them: the row stays
    "patients.contactpoint": "view",
    "patients.consent": "view add change",
    "patients.proxy": _ALL,
    "patients.conflict": "view change",
    "fhir.system": "view add change",
    "fhir.leftout": "view",
    "fhir.push": "view",
    "fhir.reconciliation": "view",
    "records.allergyintolerance": _ALL,
    "records.diagnosticreport": _ALL,
    "records.observation": _ALL,
    "records.medication": _ALL,
    "records.medicationrequest": _ALL,
    "records.identitycheck": "view",
    "records.guessing": "view change",
    **_BOOKING,
    "conversations.conversation": "view",
    "tickets.ticket": "view",
    "tickets.alarm": "view",
    "tickets.cannedreply": _ALL,
    "careplans.careplan": "view change",  # to pause and stop; what a plan says is not edited
    "careplans.medicationschedule": "view",
    "careplans.plantemplate": _ALL,
    "careplans.templatestep": _ALL,
    "careplans.questionnaire": _ALL,
    "careplans.question": _ALL,
    "careplans.questionnaireresponse": "view",
    "careplans.due": "view",
    "careplans.task": "view",
    "careplans.feedback": "view",
    "careplans.feedbackdigest": "view change",
    "insight.review": "view change",  # to judge one takes the right to read messages besides
    "insight.modelday": "view",
    "assistant.dialogue": "view",
    "insight.referenceweek": _ALL,
    "vault.accessentry": "view",
    "workers.ring": "view change",
}
# Model → what the role may do with it, as the first words of Django's permissions.
MAY: dict[str, dict[str, str]] = {
    Role.NURSE: {},
    Role.DOCTOR: {},
    Role.HEAD_NURSE: {
        "staff.staffmember": "view",
        "staff.shift": _ALL,
        "tickets.cannedreply": _ALL,
        "tickets.ticket": "view",
        "tickets.alarm": "view",
        "careplans.careplan": "view change",
        "careplans.medicationschedule": "view",
        "careplans.plantemplate": "view",
        "careplans.templatestep": "view",
        "careplans.questionnaire": "view",
        "careplans.question": "view",
        "careplans.questionnaireresponse": "view",
        "careplans.due": "view",
        "careplans.task": "view",
        "careplans.feedback": "view",
        "careplans.feedbackdigest": "view change",
        "insight.review": "view change",
        **_BOOKING,
        "knowledge.article": "view",
        "knowledge.articleversion": "view sign_off recall",
        "triage.ruleset": "view sign_off",
        "triage.rulechange": "view",
        "patients.conflict": "view change",
        "hospital.department": "view",
        "records.diagnosticreport": "view open",  # a talk that is owed is hers to give
        "records.observation": "view",
        "records.identitycheck": "view",
        "records.guessing": "view change",
    },
    Role.ADMIN: _CONFIGURED,
}
GROUPS: dict[str, str] = {
    Role.NURSE: "护士 Nurses",
    Role.DOCTOR: "医生 Doctors",
    Role.HEAD_NURSE: "护士长 Head nurses",
    Role.ADMIN: "管理员 Administrators",
}
OF_READERS = {"conversations.conversation": "view", "conversations.message": "view"}


def enters_admin(role: str) -> bool:
    return bool(MAY[role])


def grant_roles() -> None:
    """Make the groups and give each exactly what this page says. Twice is once."""
    for role, may in MAY.items():
        _group(GROUPS[role]).permissions.set(_permissions(may))
    _group(READERS).permissions.set(_permissions(OF_READERS))
    for member in StaffMember.objects.iterator():
        join_group_of_role(member)


def join_group_of_role(member: StaffMember) -> None:
    """Put a member of staff into the group of their role, and out of those of other roles."""
    mine = _group(GROUPS[member.role])
    others = Group.objects.filter(name__in=GROUPS.values()).exclude(pk=mine.pk)
    member.groups.remove(*others)
    member.groups.add(mine)


def is_kept_by_role(group: Group) -> bool:
    """Whether a group is filled from this page, so that changes by hand would not last."""
    return group.name in (*GROUPS.values(), READERS)


def grant_when_migrated(app_config: AppConfig, **_: Any) -> None:
    """Listen to post_migrate: when the last app's permissions exist, hand them out."""
    last = [each for each in apps.get_app_configs() if each.models_module][-1]
    if app_config is last and _tables_exist():
        grant_roles()


def follow_role(
    instance: StaffMember, raw: bool = False, update_fields: Any = None, **_: Any
) -> None:
    """Listen to every saving of a member of staff: the group follows the role."""
    if not raw and (update_fields is None or "role" in update_fields):
        join_group_of_role(instance)


def _tables_exist() -> bool:
    """False while the house is being taken down, migration by migration."""
    needed = {"auth_group", "auth_permission", "staff_staffmember"}
    return needed <= set(connection.introspection.table_names())


def _group(name: str) -> Group:
    return Group.objects.get_or_create(name=name)[0]


def _permissions(may: dict[str, str]) -> models.QuerySet[Permission]:
    wanted = models.Q(pk=None)
    for model, acts in may.items():
        app_label, name = model.split(".")
        codenames = [f"{act}_{name}" for act in acts.split()]
        wanted |= models.Q(content_type__app_label=app_label, codename__in=codenames)
    return Permission.objects.filter(wanted)
