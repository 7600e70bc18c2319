"""Who may do what with a ticket, and when an alarm climbs: decided without asking anybody."""

from datetime import timedelta

from django.db.models import Q

from staff.models import Role, StaffMember
from tickets.models import Step, Ticket
from triage.labels import Urgency

# From raising to the next step, and from there to the one after. Source: the service's own
# promise, a red flag is acknowledged within a minute or somebody else hears of it.
LADDER: dict[int, timedelta] = {
    Step.NURSE: timedelta(seconds=60),
    Step.HEAD_NURSE: timedelta(seconds=120),
}
HEARS_FROM: dict[str, Step] = {
    Role.NURSE: Step.NURSE,
    Role.HEAD_NURSE: Step.HEAD_NURSE,
    Role.DOCTOR: Step.ON_CALL,
}
REOPEN_WITHIN = timedelta(days=3)
RING_AGAIN_AFTER = timedelta(minutes=2)  # an alarm was heard, and still nobody took the patient
ABANDONED_AFTER = timedelta(minutes=3)  # a patient waits, and the nurse's console is closed


def in_scope(ticket: Ticket, *, nurse: StaffMember) -> bool:
    """Whether a ticket belongs to the departments that this nurse looks after; none means all."""
    if not nurse.is_caring:
        return False
    if ticket.urgency >= Urgency.EMERGENCY:
        return True  # danger is everybody's
    if nurse.role == Role.HEAD_NURSE or ticket.department_id is None:
        return True
    if ticket.claimed_by_id == nurse.pk:
        return True
    mine = {department.pk for department in nurse.departments.all()}
    return not mine or ticket.department_id in mine


def scope_of(nurse: StaffMember) -> Q:
    """The same as `in_scope`, asked of the database: for lists."""
    if not nurse.is_caring:
        return Q(pk__in=[])
    mine = [department.pk for department in nurse.departments.all()]
    if nurse.role == Role.HEAD_NURSE or not mine:
        return Q()
    danger = Q(urgency__gte=Urgency.EMERGENCY)
    return danger | Q(department=None) | Q(claimed_by=nurse) | Q(department__in=mine)


def may_hand_on(ticket: Ticket, *, nurse: StaffMember) -> bool:
    """Her own ticket; a head nurse may take any off anybody."""
    return ticket.claimed_by_id == nurse.pk or nurse.role == Role.HEAD_NURSE


def hears(step: int, *, nurse: StaffMember) -> bool:
    """Whether an alarm at this step rings at this person's console."""
    if nurse.is_on_call and step >= Step.ON_CALL:
        return True
    return step >= HEARS_FROM.get(nurse.role, Step.ON_CALL + 1)
