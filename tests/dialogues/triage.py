"""智能导诊 in recorded dialogues: who writes, and what has to come of it.

given: `record` {name, birth_date, gender, phone} of who writes; `family` [{relationship, name,
birth_date, gender}] whom they are known to write for; `at` an hour of that Wednesday ("23:30");
`booked_out` a department where nobody is seen any more today.
expect: `level`, `first` and `departments` of the last outcome; `no_level` where there must be none;
`questions` asked at most; `alarm`; `rang` a part of what rang it; `booked` the department of the
visit and `booked_for` whose; `nothing_booked`; `card` what the nurse's card says.
"""

from datetime import datetime
from typing import Any

from appointments.models import Appointment, Slot, Status
from conversations.models import Author, Message
from dialogues.runner import Patient, Wrong
from hospital.models import Hospital
from patients.models import Proxy
from patients.services import create_patient, update_patient
from tickets.card import build_card
from tickets.models import Alarm, Ticket

LONGEST = 2048  # bytes of one message on WeChat
MOST_QUESTIONS = 6
MOST_CHOICES = 8  # letters of a channel without buttons


def prepare(patient: Patient, given: dict[str, Any]) -> None:
    writer = patient.contact_point.patient
    if record := given.get("record"):
        update_patient(writer, **record)
    for member in given.get("family", ()):
        relationship = member.pop("relationship")
        Proxy.objects.create(
            writer=writer,
            patient=create_patient(**member),
            relationship=relationship,
            verified_at=patient.now,
        )
    if hour := given.get("at"):
        zone = Hospital.objects.this_one().zone
        wall = datetime.strptime(hour, "%H:%M").time()
        patient.now = datetime.combine(patient.now.astimezone(zone).date(), wall, tzinfo=zone)
    if name := given.get("booked_out"):
        slots = Slot.objects.filter(department__name=name, day=patient.now.date())
        slots.update(closed_at=patient.now)


def check(patient: Patient, expect: dict[str, Any], world: None) -> None:
    said = list(
        Message.objects.filter(conversation=patient.conversation)
        .exclude(author=Author.PATIENT)
        .order_by("seq")
    )
    _check_each(said)
    told = [message.details["triage"] for message in said if "triage" in (message.details or {})]
    if expect.get("no_level") and told:
        raise Wrong(f"says a level: {told[-1]['level_name']}")
    if "level" in expect:
        _same("level", told[-1]["level"] if told else None, expect["level"])
    names = [each["name"] for each in told[-1]["departments"]] if told else []
    if "first" in expect:
        _same("first department", names[:1], [expect["first"]])
    for name in expect.get("departments", ()):
        if name not in names:
            raise Wrong(f"does not name {name} but {names}")
    if "questions" in expect:
        asked = [m.details["progress"][0] for m in said if "progress" in (m.details or {})]
        _same("questions", max(asked, default=0), expect["questions"])
    _check_danger(patient, expect)
    _check_visit(patient, expect)
    if parts := expect.get("card"):
        card = build_card(Ticket.objects.get(conversation=patient.conversation), patient.now)
        lines = "\n".join(f"{line.label}: {line.value}" for line in card.collected)
        for part in parts:
            if part not in lines:
                raise Wrong(f"the card does not say {part!r}: {lines!r}")


def _check_each(said: list[Message]) -> None:
    for message in said:
        details = message.details or {}
        if len(message.text.encode()) > LONGEST:
            raise Wrong(f"too long: {message.text}")
        if len(details.get("choices", ())) > MOST_CHOICES:
            raise Wrong(f"more choices than letters: {details['choices']}")
        number, expected = details.get("progress", (1, 1))
        if not 1 <= number <= expected <= MOST_QUESTIONS:
            raise Wrong(f"counts {number} of {expected}")


def _check_danger(patient: Patient, expect: dict[str, Any]) -> None:
    rules = [
        rule
        for alarm in Alarm.objects.filter(ticket__conversation=patient.conversation)
        for rule in alarm.rules
    ]
    _same("alarm", bool(rules), bool(expect.get("alarm")))
    if (part := expect.get("rang")) and not any(part in rule for rule in rules):
        raise Wrong(f"rang {rules}")


def _check_visit(patient: Patient, expect: dict[str, Any]) -> None:
    booked = list(
        Appointment.objects.filter(
            contact_point=patient.contact_point, status=Status.BOOKED
        ).select_related("slot__department", "patient")
    )
    if name := expect.get("booked"):
        _same("booked", [each.slot.department.name for each in booked], [name])
    if name := expect.get("booked_for"):
        _same("booked for", [each.patient.name for each in booked], [name])
    if expect.get("nothing_booked") and booked:
        raise Wrong(f"booked {len(booked)}")


def _same(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Wrong(f"{what} is {found!r}, not {wanted!r}")
