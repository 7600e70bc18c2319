"""用药: prescriptions of the demo's people, allergies on record, and who has proven to be whom."""

from datetime import timedelta
from typing import Any

from conversations.models import Message
from dialogues.runner import Patient, Wrong
from patients.models import Patient as Record
from patients.services import index_phone
from records.demo import PEOPLE
from records.models import AllergyIntolerance, IdentityCheck
from tickets.models import Ticket
from vault.models import AccessEntry


def person(key: str) -> Record:
    return Record.objects.get(phone_index=index_phone(PEOPLE[key][1]), merged_into=None)


def prepare(patient: Patient, given: dict[str, Any]) -> dict[str, Any]:
    writer = patient.contact_point.patient
    for substance in given.get("allergies", ()):
        AllergyIntolerance.objects.create(
            patient=writer, data_key_id=writer.data_key_id, substance=substance
        )
    for state in ("pregnant", "breastfeeding"):
        if given.get(state):
            until = patient.now.date() + timedelta(days=90)
            Record.objects.filter(pk=writer.pk).update(**{f"{state}_until": until})
    if who := given.get("proven"):
        patient.says("您好")
        IdentityCheck.objects.create(
            conversation_id=patient.conversation.pk,
            asked_by=patient.contact_point,
            patient=person(who),
            started_at=patient.now,
            expires_at=patient.now + timedelta(minutes=10),
            verified_at=patient.now,
            verified_until=patient.now + timedelta(minutes=30),
            was_sent=True,
        )
        patient.turns = 0
    return {"looks": AccessEntry.objects.count()}


def check(patient: Patient, expect: dict[str, Any], world: dict[str, Any]) -> None:
    conversation = patient.conversation
    ticket = Ticket.objects.filter(conversation=conversation).first()
    if "reason" in expect and (ticket is None or ticket.reason != expect["reason"]):
        raise Wrong(f"reason {ticket and ticket.reason}")
    if "urgency" in expect and (ticket is None or ticket.urgency != expect["urgency"]):
        raise Wrong(f"urgency {ticket and ticket.urgency}")
    if "stated" in expect:
        rows = AllergyIntolerance.objects.filter(
            patient=patient.contact_point.patient, verification="unconfirmed"
        )
        stated = sorted(row.substance for row in rows)
        if stated != sorted(expect["stated"]):
            raise Wrong(f"stated {stated}")
    if "card" in expect:
        told = Message.objects.filter(conversation=conversation)
        lines = [line["value"] for m in told for line in (m.details or {}).get("collected", ())]
        if not any(expect["card"] in line for line in lines):
            raise Wrong(f"card {lines}")
    looks = AccessEntry.objects.filter(number__gt=world["looks"], reason__contains=":medicines")
    if looks.exists() != expect.get("looked", False):
        raise Wrong("a look is on the log" if looks else "a look is not on the log")
