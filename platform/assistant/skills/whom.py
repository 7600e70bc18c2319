"""Whom it is for: oneself, or somebody of the family, whose record is found or begun."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.particulars import find_name, find_phone
from assistant.reading.people import Kin, find_people
from assistant.talk import Ask, Found, Slot, Talk
from patients.models import Gender, Patient, Proxy
from patients.services import create_patient, update_patient

SELF = str(Kin.SELF)
# What the writer is to the patient, by what the patient is to the writer.
WRITER_IS = {
    "parent": Proxy.Relationship.CHILD,
    "child": Proxy.Relationship.PARENT,
    "spouse": Proxy.Relationship.SPOUSE,
}


def _read_whom(talk: Talk, asked: bool) -> Found | None:
    people = find_people(talk.words)
    if not people:
        return None
    person = people[-1]  # "不是我,是我妈"
    whom = {"kind": str(person.kin), "gender": person.gender}
    return Found(whom, [each.span for each in people])


def _read_name(talk: Talk, asked: bool) -> Found | None:
    name = find_name(talk.words, asked=asked)
    return Found(name.name, [name.span]) if name else None


def _read_phone(talk: Talk, asked: bool) -> Found | None:
    phone = find_phone(talk.words)
    return Found(phone.number, [phone.span]) if phone and phone.mobile else None


def _show_whom(whom: dict[str, Any]) -> str:
    words = {
        SELF: _("the writer"),
        "parent": _("a parent"),
        "child": _("a child"),
        "spouse": _("wife or husband"),
    }
    return words.get(whom.get("kind", ""), _("a family member"))


WHOM = Slot("whom", gettext_lazy("For whom"), _read_whom, clears=("name", "sure"), show=_show_whom)
NAME = Slot("name", gettext_lazy("Name"), _read_name, clears=("sure",))
PHONE = Slot("phone", gettext_lazy("Phone"), _read_phone, clears=("sure",))


def is_for_self(talk: Talk) -> bool:
    return (talk.facts.get("whom") or {"kind": SELF}).get("kind") == SELF


def find_patient(talk: Talk) -> Patient | None:
    """Whose record it is; None for a family member of whom nothing is known yet."""
    if is_for_self(talk):
        return talk.writer
    if known := talk.facts.get("patient"):
        return Patient.objects.filter(pk=known, merged_into=None, erased_at=None).first()
    return None


def know_patient(talk: Talk) -> Patient | Ask:
    """The record of whom it is for, or the question that is missing.

    A family member's is begun with a name; until a person has checked the proof, who writes for
    them sees nothing of it.
    """
    if (patient := find_patient(talk)) is not None:
        return patient
    name = talk.facts.get("name")
    if not name:
        return Ask(
            "name",
            _("What is the patient's full name?"),
            again=_("Please write only the name of the patient, as on the identity card."),
        )
    patient = _family_member(talk, name) or _begin(talk, name)
    talk.facts["patient"] = patient.pk
    return patient


def _family_member(talk: Talk, name: str) -> Patient | None:
    """Whom the same writer has written for before, by the same name."""
    written_for = Proxy.objects.filter(writer=talk.writer).select_related("patient")
    known = [proxy.patient for proxy in written_for if proxy.patient.erased_at is None]
    return next((patient for patient in known if patient.name == name), None)


def _begin(talk: Talk, name: str) -> Patient:
    kind = (talk.facts.get("whom") or {}).get("kind", "")
    gender = (talk.facts.get("whom") or {}).get("gender") or Gender.UNKNOWN
    patient = create_patient(name=name, gender=gender, language=talk.writer.language)
    Proxy.objects.create(
        writer=talk.writer,
        patient=patient,
        relationship=WRITER_IS.get(kind, Proxy.Relationship.OTHER),
    )
    return patient


def missing_of(patient: Patient, talk: Talk) -> Ask | None:
    """The question for what a booking needs and nobody has said; what was said goes on record."""
    said = {name: talk.facts.get(name) for name in ("name", "phone")}
    fresh = {name: value for name, value in said.items() if value and not getattr(patient, name)}
    if fresh:
        update_patient(patient, **fresh)
    if not patient.name:
        return Ask(
            "name",
            _("What is the patient's full name?"),
            again=_("Please write only the name of the patient, as on the identity card."),
        )
    if not (patient.phone or talk.writer.phone):
        return Ask(
            "phone",
            _("On which mobile phone can the hospital reach you?"),
            again=_("Please write a mobile number of 11 digits."),
        )
    return None
