"""What a nurse does to a ticket from her screen: from a frame to an act of `tickets`."""

from datetime import datetime, timedelta
from typing import Any

from channels_app.frames import Frame
from conversations.models import Conversation
from conversations.services import ClientIdReused, StaleEpoch
from conversations.text import EmptyText, TextTooLong
from hospital.models import Department
from staff.models import StaffMember
from tickets import services as acts
from tickets.models import Outcome, Ticket

MAX_SNOOZE_MIN = 7 * 24 * 60
MAX_ID = 2**31 - 1

# What goes wrong as expected, and how the screen is told; the sentences stand in `frames`.
CODES: dict[type[Exception], str] = {
    acts.AlreadyClaimed: "already_claimed",
    acts.NotYourTicket: "not_your_ticket",
    StaleEpoch: "not_your_ticket",
    acts.NewMessage: "new_message",
    acts.OutOfScope: "out_of_scope",
    acts.CannotReopen: "cannot_reopen",
    acts.CannotTransfer: "cannot_transfer",
    Ticket.DoesNotExist: "not_found",
    Conversation.DoesNotExist: "not_found",
    ClientIdReused: "client_id_reused",
    EmptyText: "empty",
    TextTooLong: "too_long",
}


class BadFrame(Exception):
    """Not a frame of the protocol, or one with a field missing."""


def perform(act: str, ticket_id: int, frame: Frame, nurse: StaffMember, now: datetime) -> None:
    match act:
        case "claim":
            acts.claim_ticket(ticket_id, nurse=nurse, now=now)
        case "resolve":
            outcome = frame.get("outcome", Outcome.HELPED.value)
            if outcome not in Outcome.values:
                raise BadFrame
            acts.resolve_ticket(
                ticket_id, nurse=nurse, outcome=Outcome(outcome), now=now, seen=seen_in(frame)
            )
        case "return":
            acts.return_to_assistant(ticket_id, nurse=nurse, now=now, seen=seen_in(frame))
        case "snooze":
            minutes = min(max(number(frame.get("minutes")), 1), MAX_SNOOZE_MIN)
            until = now + timedelta(minutes=minutes)
            acts.snooze_ticket(ticket_id, nurse=nurse, until=until, now=now)
        case "reopen":
            acts.reopen_ticket(ticket_id, nurse=nurse, now=now)
        case "transfer":
            acts.transfer_ticket(ticket_id, nurse=nurse, now=now, **_receiver(frame))
        case "acknowledge":
            acts.acknowledge_alarms(ticket_id, nurse=nurse, now=now)
        case _:
            raise BadFrame


def _receiver(frame: Frame) -> dict[str, Any]:
    """The colleague or the department to which a ticket goes. Raises CannotTransfer."""
    to, department = frame.get("to"), frame.get("department")
    if (to is None) == (department is None):
        raise acts.CannotTransfer
    found: StaffMember | Department | None
    if to is not None:
        found = StaffMember.objects.filter(pk=number(to)).first()
    else:
        found = Department.objects.active().filter(pk=number(department)).first()
    if found is None:
        raise acts.CannotTransfer
    return {"to": found} if to is not None else {"department": found}


def number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_ID:
        raise BadFrame
    return value


def seen_in(frame: Frame) -> int | None:
    """The newest seq on her screen; older pages don't say."""
    return None if frame.get("seen") is None else number(frame["seen"])


def reason_in(frame: Frame) -> str:
    """Why she sends what the guard speaks against; empty at the first try."""
    reason = frame.get("reason", "")
    if not isinstance(reason, str):
        raise BadFrame
    return reason
