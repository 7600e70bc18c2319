"""The lists ask the database for a nurse's scope; it must be the scope that acts are judged by."""

from collections.abc import Callable
from typing import Any

import pytest

from hospital.models import Department
from staff.models import Role, StaffMember
from tickets.models import Ticket
from tickets.policy import in_scope, scope_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("departments", [(), ("儿科",), ("儿科", "急诊科")])
def test_the_database_and_the_policy_agree(
    staff: Callable[..., StaffMember],
    patient_writes: Callable[..., Any],
    role: Role,
    departments: tuple[str, ...],
) -> None:
    member = staff(role)
    for visitor in range(8):
        patient_writes("找护士", visitor=f"v{visitor}", tap="nurse")
    places = [None, *Department.objects.filter(name__in=["儿科", "急诊科", "呼吸内科"])]
    for number, ticket in enumerate(Ticket.objects.order_by("pk")):
        ticket.department = places[number % 4]
        ticket.claimed_by = member if number >= 4 else None
        ticket.save()
    member.departments.set(Department.objects.filter(name__in=departments))

    asked = set(Ticket.objects.filter(scope_of(member)).values_list("pk", flat=True))

    assert asked == {t.pk for t in Ticket.objects.all() if in_scope(t, nurse=member)}
