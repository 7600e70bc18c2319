"""What one can do with a ticket. The database decides who wins; each change moves the epoch."""

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import F, Q

from conversations.models import Author, Conversation, Kind, Message, Owner
from conversations.services import change_owner, queue_reply, tell_event, write_note
from events.logs import kind_and_place
from hospital.models import Department
from live.show import CONSOLES, show_on_commit
from staff.models import StaffMember
from tickets import policy
from tickets.models import Alarm, Outcome, Reason, Step, Ticket, TicketQuerySet
from triage.labels import Urgency
from vault import access

logger = logging.getLogger(__name__)

T = TypeVar("T")

EMERGENCY = int(Urgency.EMERGENCY)


class AlreadyClaimed(Exception):
    """Another nurse was faster, or the ticket is closed."""


class NotYourTicket(Exception):
    """Somebody else owns this ticket, or nobody yet: claim it first."""


class NewMessage(Exception):
    """The patient wrote something that is not on this nurse's screen yet."""


class OutOfScope(Exception):
    """This ticket belongs to a department that this person does not look after."""


class CannotReopen(Exception):
    """Another ticket of this conversation is open, or this one ended too long ago."""


class CannotTransfer(Exception):
    """There is nobody at the other end: choose a department, or a colleague who takes tickets."""


@transaction.atomic
def hand_over(
    conversation: Conversation,
    *,
    reason: Reason,
    urgency: int,
    now: datetime,
    department: Department | None = None,
    seq: int | None = None,
) -> Ticket:
    """Bring a conversation to the nurses; an open ticket becomes more urgent, never less.

    `seq` is the message that was the cause; without it the newest. A department that nobody looks
    after is left out: then everybody sees the ticket.
    """
    lock(conversation)
    if department is not None and not _is_looked_after(department):
        department = None
    ticket = Ticket.objects.open().filter(conversation=conversation).first()
    if ticket is not None:
        return _raise_urgency(
            ticket, urgency=urgency, reason=reason, department=department, now=now
        )
    ticket = Ticket.objects.create(
        conversation=conversation,
        reason=reason,
        urgency=urgency,
        department=department,
        opened_at=now,
        opened_seq=seq or conversation.last_seq,
        waiting_since=now,
    )
    change_owner(conversation, Owner.QUEUE, now=now)
    tell_event(conversation, "queued", now=now, reason=str(reason))
    _show_ticket(ticket)
    return ticket


@transaction.atomic
def raise_alarm(ticket: Ticket, *, rules: list[str], seq: int, now: datetime) -> Alarm:
    """Ring at the nurses' screens until somebody acknowledges."""
    alarm = Alarm.objects.create(
        ticket=ticket,
        rules=rules,
        message_seq=seq,
        raised_at=now,
        next_step_at=now + policy.LADDER[Step.NURSE],
    )
    _show_alarm(alarm)
    return alarm


@transaction.atomic
def acknowledge_alarms(ticket_id: int, *, nurse: StaffMember, now: datetime) -> int:
    """Silence the ticket's alarms in one nurse's name; returns how many rang."""
    ticket = _find(ticket_id, nurse=nurse)
    rang = Alarm.objects.ringing().filter(ticket=ticket)
    count = rang.update(acknowledged_at=now, acknowledged_by=nurse, next_step_at=None)
    if count:
        tell_event(ticket.conversation, "acknowledged", now=now, nurse=nurse.display_name)
        show_on_commit(CONSOLES, {"type": "alarm.changed", "ticket": ticket.pk})
    return count


def climb_alarms(*, now: datetime) -> int:
    """Move every alarm that nobody acknowledged in time one step up; returns how many climbed."""
    due = Alarm.objects.ringing().filter(next_step_at__lte=now)
    return _each(due.select_related("ticket__conversation"), partial(_climb, now=now))


@transaction.atomic
def _climb(alarm: Alarm, *, now: datetime) -> bool:
    lock(alarm.ticket.conversation)
    step = Step(alarm.step + 1)
    wait = policy.LADDER.get(step)
    due = Alarm.objects.ringing().filter(pk=alarm.pk, step=alarm.step)
    if not due.update(step=step, next_step_at=now + wait if wait else None):
        return False
    tell_event(alarm.ticket.conversation, "alarm_climbed", now=now, step=int(step))
    _show_alarm(alarm)
    return True


def ring_again(*, now: datetime) -> int:
    """Ring for emergencies that somebody acknowledged and nobody claimed; returns how many."""
    heard_lately = Alarm.objects.filter(
        Q(acknowledged_at=None) | Q(acknowledged_at__gt=now - policy.RING_AGAIN_AFTER)
    )
    forgotten = Ticket.objects.waiting().filter(urgency__gte=EMERGENCY, alarms__isnull=False)
    forgotten = forgotten.exclude(alarms__in=heard_lately).distinct()
    return _each(forgotten.select_related("conversation"), partial(_ring_again, now=now))


@transaction.atomic
def _ring_again(ticket: Ticket, *, now: datetime) -> bool:
    lock(ticket.conversation)
    last = Alarm.objects.filter(ticket=ticket).latest("raised_at")
    if last.acknowledged_at is None or not Ticket.objects.waiting().filter(pk=ticket.pk).exists():
        return False
    raise_alarm(ticket, rules=last.rules, seq=last.message_seq, now=now)
    return True


@transaction.atomic
def claim_ticket(ticket_id: int, *, nurse: StaffMember, now: datetime) -> Ticket:
    """Give an open ticket to one nurse. Raises AlreadyClaimed, OutOfScope, Ticket.DoesNotExist."""
    _find(ticket_id, nurse=nurse)
    free = Ticket.objects.waiting().filter(pk=ticket_id)
    if not free.update(claimed_by=nurse, claimed_at=now, snoozed_until=None):
        raise AlreadyClaimed
    ticket = _get(ticket_id)
    change_owner(ticket.conversation, Owner.NURSE, nurse_id=nurse.pk, now=now)
    tell_event(ticket.conversation, "claimed", now=now, nurse=nurse.display_name)
    acknowledge_alarms(ticket_id, nurse=nurse, now=now)
    _show_ticket(ticket)
    return ticket


@transaction.atomic
def access_ticket(ticket_id: int, *, nurse: StaffMember) -> Ticket:
    """The open ticket that this nurse owns. Raises NotYourTicket, Ticket.DoesNotExist."""
    ticket = _get_locked(ticket_id)
    if ticket.claimed_by_id != nurse.pk or ticket.resolved_at is not None:
        raise NotYourTicket
    return ticket


@transaction.atomic
def reply(
    ticket_id: int,
    *,
    nurse: StaffMember,
    text: str,
    client_id: str,
    now: datetime,
    seen: int | None = None,
    details: dict[str, Any] | None = None,
) -> Message:
    """Answer the patient. Raises NotYourTicket, StaleEpoch, ClientIdReused.

    `seen` is the newest seq on her screen: what the patient wrote after it still waits.

    A repeat of what is stored gets the same message, even when the ticket has since changed hands:
    she must not learn that it failed, and send it twice.
    """
    conversation = _get_locked(ticket_id).conversation
    stored = Message.objects.filter(
        conversation=conversation, client_id=client_id, nurse=nurse, kind=Kind.TEXT
    ).first()
    if stored is not None and stored.text == text:
        return stored
    ticket = access_ticket(ticket_id, nurse=nurse)
    message = queue_reply(
        ticket.conversation,
        text=text,
        author=Author.NURSE,
        epoch=ticket.conversation.epoch,
        nurse_id=nurse.pk,
        client_id=client_id,
        details=details,
        now=now,
    )
    crossed = _unseen(ticket, seen=seen, before=message.seq)
    waiting_since = crossed.created_at if crossed else None
    Ticket.objects.filter(pk=ticket.pk).update(waiting_since=waiting_since)
    _show_ticket(ticket)
    return message


@transaction.atomic
def note(
    ticket_id: int, *, nurse: StaffMember, text: str, client_id: str, now: datetime
) -> Message:
    """Write for colleagues only; who may read the ticket may add to it. Raises OutOfScope."""
    ticket = _find(ticket_id, nurse=nurse)
    return write_note(
        ticket.conversation, text=text, nurse_id=nurse.pk, client_id=client_id, now=now
    )


@transaction.atomic
def transfer_ticket(
    ticket_id: int,
    *,
    nurse: StaffMember,
    now: datetime,
    to: StaffMember | None = None,
    department: Department | None = None,
) -> Ticket:
    """Hand a ticket to a colleague, or back to the queue of a department.

    Raises NotYourTicket, CannotTransfer.
    """
    ticket = _hand_on(ticket_id, nurse=nurse)
    if to is None and department is None:
        raise CannotTransfer
    if to is not None and (not to.is_caring or to.pk == ticket.claimed_by_id):
        raise CannotTransfer
    if to is None and department is not None and not _is_looked_after(department):
        raise CannotTransfer
    Ticket.objects.filter(pk=ticket.pk).update(
        claimed_by=to,
        claimed_at=now if to else None,
        department=department or ticket.department,
        waiting_since=ticket.waiting_since or now,
        snoozed_until=None,
    )
    ticket = _get(ticket_id)
    owner = Owner.NURSE if to else Owner.QUEUE
    change_owner(ticket.conversation, owner, nurse_id=to.pk if to else None, now=now)
    tell_event(
        ticket.conversation,
        "transferred",
        now=now,
        nurse=to.display_name if to else "",
        department=department.name if department else "",
        department_en=department.name_en if department else "",
    )
    _show_ticket(ticket)
    return ticket


def return_to_assistant(
    ticket_id: int, *, nurse: StaffMember, now: datetime, seen: int | None = None
) -> Ticket:
    """End the human stretch without more; the assistant answers from here on."""
    return resolve_ticket(ticket_id, nurse=nurse, outcome=Outcome.RETURNED, now=now, seen=seen)


@transaction.atomic
def snooze_ticket(ticket_id: int, *, nurse: StaffMember, until: datetime, now: datetime) -> Ticket:
    """Put a ticket aside until a moment, or until the patient writes. Raises NotYourTicket."""
    ticket = access_ticket(ticket_id, nurse=nurse)
    Ticket.objects.filter(pk=ticket.pk).update(snoozed_until=until)
    tell_event(ticket.conversation, "snoozed", now=now, until=until.isoformat())
    _show_ticket(ticket)
    return _get(ticket_id)


@transaction.atomic
def resolve_ticket(
    ticket_id: int,
    *,
    nurse: StaffMember,
    outcome: Outcome = Outcome.HELPED,
    now: datetime,
    seen: int | None = None,
) -> Ticket:
    """End the stretch of help; the assistant owns the conversation again.

    `seen` is the newest seq on her screen. Raises NotYourTicket; NewMessage when the patient wrote
    something after it, which nobody would ever answer.
    """
    ticket = _hand_on(ticket_id, nurse=nurse)
    if _unseen(ticket, seen=seen):
        raise NewMessage
    Ticket.objects.filter(pk=ticket.pk).update(
        resolved_at=now,
        resolved_by=nurse,
        outcome=outcome,
        waiting_since=None,
        snoozed_until=None,
    )
    acknowledge_alarms(ticket_id, nurse=nurse, now=now)
    ticket = _get(ticket_id)
    change_owner(ticket.conversation, Owner.ASSISTANT, now=now)
    tell_event(ticket.conversation, "resolved", now=now, outcome=str(outcome))
    _show_ticket(ticket)
    return ticket


@transaction.atomic
def end_elsewhere(conversation: Conversation, *, now: datetime) -> None:
    """A nurse ended it in the vendor's own app. One that a nurse here has claimed stays hers."""
    lock(conversation)
    ticket = Ticket.objects.open().filter(conversation=conversation, claimed_by=None).first()
    if ticket is None or Alarm.objects.ringing().filter(ticket=ticket).exists():
        return  # an alarm ends only when a nurse says that she has seen it
    Ticket.objects.filter(pk=ticket.pk).update(
        resolved_at=now, outcome=Outcome.HELPED, waiting_since=None, snoozed_until=None
    )
    ticket = _get(ticket.pk)
    change_owner(ticket.conversation, Owner.ASSISTANT, now=now)
    tell_event(ticket.conversation, "resolved", now=now, outcome=str(Outcome.HELPED))
    _show_ticket(ticket)


@transaction.atomic
def reopen_ticket(ticket_id: int, *, nurse: StaffMember, now: datetime) -> Ticket:
    """Take up a resolved ticket again, in this nurse's hands. Raises CannotReopen, OutOfScope."""
    ticket = _find(ticket_id, nurse=nurse)
    lock(ticket.conversation)
    other = Ticket.objects.open().filter(conversation=ticket.conversation).exists()
    if other or ticket.resolved_at is None or now - ticket.resolved_at > policy.REOPEN_WITHIN:
        raise CannotReopen
    Ticket.objects.filter(pk=ticket.pk).update(
        resolved_at=None,
        resolved_by=None,
        outcome="",
        claimed_by=nurse,
        claimed_at=now,
        waiting_since=_waits_since(ticket.conversation),
        reopened=F("reopened") + 1,
    )
    ticket = _get(ticket_id)
    change_owner(ticket.conversation, Owner.NURSE, nurse_id=nurse.pk, now=now)
    tell_event(ticket.conversation, "reopened", now=now, nurse=nurse.display_name)
    _show_ticket(ticket)
    return ticket


# Runs for every message that a nurse owns, so it is one statement, written out.
_HEAR_PATIENTS = """
UPDATE tickets_ticket SET waiting_since = coalesce(waiting_since, %s), snoozed_until = NULL
WHERE conversation_id IN ({places}) AND resolved_at IS NULL
AND (waiting_since IS NULL OR snoozed_until IS NOT NULL)
RETURNING conversation_id
"""


def hear_patients(conversation_ids: Collection[int], *, now: datetime) -> None:
    """Let open tickets know that their patients wrote: the waiting starts, a snooze ends."""
    if not conversation_ids:
        return
    statement = _HEAR_PATIENTS.format(places=", ".join(["%s"] * len(conversation_ids)))
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(statement, [at, *conversation_ids])
        moved = cursor.fetchall()  # the second word in a row changes no list
    for (conversation_id,) in moved:
        frame = {"type": "queue.changed", "conversation": conversation_id, "same_owner": True}
        show_on_commit(CONSOLES, frame)


@transaction.atomic
def wake_snoozed(*, now: datetime) -> int:
    """Bring back the tickets whose moment has come; returns how many woke."""
    due = Ticket.objects.open().filter(snoozed_until__lte=now).order_by("pk")
    # Waits for nobody: whoever holds one, as its patient who writes, wakes it too.
    free = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True))
    woken = Ticket.objects.filter(pk__in=free).update(snoozed_until=None)
    if woken:
        show_on_commit(CONSOLES, {"type": "queue.changed"})
    return woken


def requeue_abandoned(*, now: datetime) -> int:
    """Bring patients back to the queue whose nurse has gone; returns how many.

    Gone: a patient waits for her, and her console has been closed for a while.
    """
    since = now - policy.ABANDONED_AFTER
    gone = Q(claimed_by__last_seen_at__lt=since) | Q(claimed_by__last_seen_at=None)
    left_alone = Ticket.objects.open().filter(gone, waiting_since__lt=since, claimed_at__lt=since)
    return _each(
        left_alone.select_related("conversation"),
        lambda ticket: _requeue(ticket, left_alone.filter(pk=ticket.pk), now=now),
    )


@transaction.atomic
def _requeue(ticket: Ticket, still: TicketQuerySet, *, now: datetime) -> bool:
    lock(ticket.conversation)
    still = still.filter(claimed_by=ticket.claimed_by_id)
    if not still.update(claimed_by=None, claimed_at=None, snoozed_until=None):
        return False
    if ticket.department is not None and not _is_looked_after(ticket.department):
        Ticket.objects.filter(pk=ticket.pk).update(department=None)
    change_owner(ticket.conversation, Owner.QUEUE, now=now)
    tell_event(ticket.conversation, "requeued", now=now)
    last = Alarm.objects.filter(ticket=ticket).order_by("raised_at").last()
    if last is not None and last.acknowledged_at is not None:
        raise_alarm(ticket, rules=last.rules, seq=last.message_seq, now=now)
    _show_ticket(ticket)
    return True


def _each(rows: Iterable[T], act: Callable[[T], bool]) -> int:
    """How many rows an act changed. A row that breaks stops no other patient's."""
    count = 0
    for row in rows:
        try:
            count += act(row)
        except Exception as error:
            logger.error("sweep failed for one row", extra=kind_and_place(error))
    return count


def ahead_of(ticket: Ticket) -> int:
    """How many patients a nurse will see before this one."""
    waiting = Ticket.objects.waiting()
    more_urgent = Q(urgency__gt=ticket.urgency)
    longer = Q(urgency=ticket.urgency, waiting_since__lt=ticket.waiting_since or ticket.opened_at)
    return waiting.filter(more_urgent | longer).count()


@transaction.atomic
def read_conversation(
    conversation_id: int, *, nurse: StaffMember, reason: str, now: datetime
) -> Conversation:
    """Open a conversation for a staff member's eyes, and leave the trace.

    `reason` names the screen. Raises OutOfScope, Conversation.DoesNotExist.
    """
    conversation = Conversation.objects.select_related("contact_point__patient").get(
        pk=conversation_id
    )
    tickets = Ticket.objects.filter(conversation=conversation)
    if not any(policy.in_scope(ticket, nurse=nurse) for ticket in tickets):
        raise OutOfScope
    access.record(
        access.Action.READ,
        actor_id=nurse.pk,
        subject="conversation",
        subject_id=conversation.pk,
        reason=reason,
        now=now,
    )
    return conversation


def _find(ticket_id: int, *, nurse: StaffMember) -> Ticket:
    ticket = _get_locked(ticket_id)
    if not policy.in_scope(ticket, nurse=nurse):
        raise OutOfScope
    return ticket


def _unseen(ticket: Ticket, *, seen: int | None, before: int | None = None) -> Message | None:
    """The first thing that a patient wrote beyond what a nurse's screen had."""
    if seen is None:
        return None
    theirs = Message.objects.filter(
        conversation=ticket.conversation_id, author=Author.PATIENT, seq__gt=seen
    )
    if before is not None:
        theirs = theirs.filter(seq__lt=before)
    return theirs.order_by("seq").first()


def _waits_since(conversation: Conversation) -> datetime | None:
    """When the patient wrote what nobody answered; None when the last word is ours."""
    last = Message.objects.filter(conversation=conversation, kind=Kind.TEXT).latest("seq")
    return last.created_at if last.author == Author.PATIENT else None


def _hand_on(ticket_id: int, *, nurse: StaffMember) -> Ticket:
    ticket = _find(ticket_id, nurse=nurse)
    if ticket.resolved_at is not None or not policy.may_hand_on(ticket, nurse=nurse):
        raise NotYourTicket
    return ticket


def _get(ticket_id: int) -> Ticket:
    return Ticket.objects.select_related("conversation", "department", "claimed_by").get(
        pk=ticket_id
    )


def _get_locked(ticket_id: int) -> Ticket:
    # Always the conversation first, then its ticket, then its alarms: one order, no deadlock.
    lock(_get(ticket_id).conversation)
    return _get(ticket_id)


def lock(conversation: Conversation) -> None:
    """Queue behind every other writer of this conversation, and see what they left."""
    list(Conversation.objects.select_for_update().filter(pk=conversation.pk).values_list("pk"))
    conversation.refresh_from_db(fields=["owner", "nurse", "epoch", "last_seq"])


def _is_looked_after(department: Department) -> bool:
    found: bool = StaffMember.objects.looking_after(department.pk).exists()
    return found


def _raise_urgency(
    ticket: Ticket,
    *,
    urgency: int,
    reason: Reason,
    department: Department | None,
    now: datetime,
) -> Ticket:
    if urgency > ticket.urgency:
        ticket.urgency, ticket.reason = urgency, reason
        ticket.department = department or ticket.department
        ticket.save(update_fields=["urgency", "reason", "department"])
        tell_event(ticket.conversation, "more_urgent", now=now, reason=str(reason))
        _show_ticket(ticket)
    return ticket


def _show_ticket(ticket: Ticket) -> None:
    frame = {"type": "queue.changed", "ticket": ticket.pk, "conversation": ticket.conversation_id}
    show_on_commit(CONSOLES, frame)


def _show_alarm(alarm: Alarm) -> None:
    show_on_commit(CONSOLES, {"type": "alarm.changed", "ticket": alarm.ticket_id})
