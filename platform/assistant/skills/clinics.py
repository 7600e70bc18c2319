"""Which clinic somebody wants: a department, a doctor, or what a complaint points to."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from assistant.talk import Found, Slot, Talk
from hospital.models import Department, Doctor
from hospital.naming import find_departments, find_doctors


def _department(talk: Talk, asked: bool) -> Found | None:
    named = find_departments(talk.words)
    # The last one counts: "不是骨科,是皮肤科".
    return Found(named[-1].department.code, [each.span for each in named]) if named else None


def _doctor(talk: Talk, asked: bool) -> Found | None:
    named = find_doctors(talk.words)
    return Found([doctor.pk for doctor in named.doctors], [named.span]) if named else None


def _show_department(code: str) -> str:
    department = Department.objects.filter(code=code).first()
    return department.name if department else code


def _show_doctors(ids: Sequence[int]) -> str:
    return "、".join(doctor.name for doctor in Doctor.objects.filter(pk__in=ids))


DEPARTMENT = Slot(
    "department",
    _("Department"),
    _department,
    clears=("doctor", "time", "sure"),
    show=_show_department,
)
DOCTOR = Slot(
    "doctor",
    _("Doctor"),
    _doctor,
    clears=("time", "sure"),
    show=_show_doctors,
)


def department_of(facts: dict[str, Any]) -> Department | None:
    return Department.objects.active().filter(code=facts.get("department", "")).first()


def doctors_of(facts: dict[str, Any]) -> list[Doctor]:
    return list(Doctor.objects.active().filter(pk__in=facts.get("doctor") or []))
