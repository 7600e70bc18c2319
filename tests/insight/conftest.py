"""Patients write, a model understands, a nurse acts: whatever a sweep may find afterwards."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from conftest import NOON, Model, PatientWrites
from conversations.models import Message
from hospital.models import Department
from insight.models import Review
from staff.models import StaffMember
from tickets.models import Outcome, Ticket
from tickets.services import claim_ticket, resolve_ticket, transfer_ticket
from triage.labels import DepartmentScore

MODEL = "test 1 abc"
SOON = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)

NurseEnds = Callable[..., Ticket]


@pytest.fixture
def model() -> Model:
    """A model with a name: what no model said cannot differ from what people do."""
    stand_in = Model()
    means = stand_in.means

    def named(intent: str, **fields: object) -> None:
        means(intent, **{"model": MODEL, **fields})

    stand_in.means = named  # type: ignore[method-assign]
    named("chitchat")
    return stand_in


@pytest.fixture
def nurse_ends(nurse: StaffMember, other_nurse: StaffMember) -> NurseEnds:
    """A nurse claims the open ticket, hands it on if so told, and it is resolved."""

    def end(
        outcome: Outcome = Outcome.HELPED,
        *,
        to_department: str = "",
        claimed_at: datetime = SOON,
        resolved_at: datetime = LATER,
    ) -> Ticket:
        ticket = Ticket.objects.get(resolved_at=None)
        claim_ticket(ticket.pk, nurse=nurse, now=claimed_at)
        hands = nurse
        if to_department:
            transfer_ticket(
                ticket.pk,
                nurse=nurse,
                to=None,
                department=Department.objects.get(name=to_department),
                now=claimed_at,
            )
            claim_ticket(ticket.pk, nurse=other_nurse, now=claimed_at)
            hands = other_nurse
        return resolve_ticket(ticket.pk, nurse=hands, outcome=outcome, now=resolved_at)

    return end


@pytest.fixture
def unsure_review(model: Model, patient_writes: PatientWrites, nurse: StaffMember) -> Review:
    """A review of a message that the model was not sure of."""
    model.means(
        "symptom_triage",
        abstained=True,
        intent_confidence=0.41,
        departments=(DepartmentScore("呼吸内科", 0.62),),
    )
    message: Message = patient_writes("我这个情况不知道该找谁").message
    ticket = Ticket.objects.get()
    return Review.objects.create(
        message=message,
        data_key=message.data_key,
        kind="abstained",
        ticket=ticket,
        model=MODEL,
        found_at=NOON,
    )
