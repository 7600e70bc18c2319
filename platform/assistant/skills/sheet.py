"""A visit in words and as a card: who, when, where, how much, and how to come prepared."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from appointments.models import Appointment, Slot, Status
from appointments.visits import preparation
from assistant.skills.days import moment_in_words
from assistant.talk import Talk
from hospital.in_words import yuan
from patients.models import Patient


def when(slot: Slot, talk: Talk) -> str:
    return moment_in_words(slot.starts_at.astimezone(talk.hospital.zone), english=talk.is_english)


def clinic(slot: Slot, talk: Talk) -> str:
    """ "呼吸内科 林知远 主任医师", "呼吸内科 普通门诊"."""
    department = slot.department.name_en if talk.is_english else slot.department.name
    if slot.doctor is None:
        return f"{department} {slot.get_visit_type_display()}"
    doctor = slot.doctor.in_language("name", talk.lang)
    return " ".join(
        part for part in (department, doctor, slot.doctor.in_language("title", talk.lang)) if part
    )


def label_of(slot: Slot, talk: Talk) -> str:
    """What stands on the button of one slot."""
    who = (
        slot.doctor.in_language("name", talk.lang)
        if slot.doctor is not None
        else slot.get_visit_type_display()
    )
    return f"{when(slot, talk)} {who} {yuan(slot.fee)}"


def sheet(appointment: Appointment, talk: Talk) -> str:
    """Everything that a patient has to know, line by line."""
    slot, prepared = appointment.slot, preparation(appointment, lang=talk.lang)
    ends = slot.ends_at.astimezone(talk.hospital.zone)
    lines = [
        _("For: %(who)s") % {"who": for_whom(appointment.patient, talk)},
        _("Clinic: %(clinic)s") % {"clinic": clinic(slot, talk)},
        _("Time: %(when)s–%(ends)s") % {"when": when(slot, talk), "ends": f"{ends:%H:%M}"},
        _("Place: %(where)s") % {"where": prepared.where(talk.lang)},
        _("Fee: %(fee)s, paid at the hospital") % {"fee": yuan(slot.fee)},
    ]
    return "\n".join(lines)


def prepare(appointment: Appointment, talk: Talk) -> str:
    """How to come prepared."""
    prepared = preparation(appointment, lang=talk.lang)
    lines = [
        _("Please come by %(time)s and bring identity card and insurance card.")
        % {"time": f"{prepared.comes_at:%H:%M}"}
    ]
    if prepared.bring:
        lines.append(_("Bring besides: %(what)s") % {"what": prepared.bring})
    if prepared.fasting:
        lines.append(_("Please come without breakfast; a little water is fine."))
    return "\n".join(lines)


def for_whom(patient: Patient, talk: Talk) -> str:
    """By a masked name; one that was said just now stands on no record yet."""
    name = patient.masked_name or Patient(name=talk.facts.get("name")).masked_name
    who = _("yourself") if patient.pk == talk.writer.pk else _("family member")
    return f"{name} ({who})" if name else who


def card_of(appointment: Appointment, talk: Talk) -> dict[str, Any]:
    """The same for a screen that draws it."""
    slot, prepared = appointment.slot, preparation(appointment, lang=talk.lang)
    card = {
        "id": appointment.pk,
        "number": appointment.number,
        "status": appointment.status,
        "status_name": str(appointment.get_status_display()),
        "who": for_whom(appointment.patient, talk),
        "clinic": clinic(slot, talk),
        "when": when(slot, talk),
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "where": prepared.where(talk.lang),
        "fee": yuan(slot.fee),
    }
    if appointment.status == Status.PENDING and appointment.held_until:
        card["held_until"] = appointment.held_until.isoformat()
    return card


def sentences(*parts: str, talk: Talk) -> str:
    """One after the other; Chinese has no space between them."""
    return (" " if talk.is_english else "").join(part for part in parts if part)


def until(moment: datetime, talk: Talk) -> str:
    return f"{moment.astimezone(talk.hospital.zone):%H:%M}"
