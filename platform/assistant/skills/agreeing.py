"""Consent to be written to unasked: told in plain words where it is given, and kept."""

from assistant.talk import Talk
from patients.models import Patient, Purpose
from patients.services import give_consent

ASKED_IN_TALK = "talk-1"  # the version of what we say before somebody agrees in a dialogue


def has_agreed(patient: Patient) -> bool:
    return bool(patient.consents.in_force().filter(purpose=Purpose.REMINDERS).exists())


def agree(patient: Patient, talk: Talk) -> None:
    give_consent(
        patient,
        Purpose.REMINDERS,
        text_version=ASKED_IN_TALK,
        channel=talk.conversation.contact_point.channel,
        now=talk.now,
    )
