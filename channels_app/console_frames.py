"""What a nurse's screen is shown, read from the rows. All of it runs in a database thread."""

from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from adapters.standing import standing_of
from channels_app.console_media import show_media
from channels_app.frames import AT_ONCE, Frame, for_staff
from conversations.models import Author, Conversation, Kind, Message
from staff.models import StaffMember
from tickets import drafts, policy
from tickets.card import readable, sign_name
from tickets.models import Alarm, Ticket
from tickets.services import OutOfScope


def about_nurse(nurse: StaffMember) -> Frame:
    return {
        "id": nurse.pk,
        "name": nurse.display_name,
        "role": nurse.role,
        "availability": nurse.availability,
    }


def find(conversation_id: int, *, nurse: StaffMember) -> Conversation:
    """A conversation that she may read and has opened before: leaves no trace of its own.

    Raises OutOfScope, Conversation.DoesNotExist.
    """
    conversation = Conversation.objects.select_related(
        "contact_point__channel", "contact_point__patient", "nurse"
    ).get(pk=conversation_id)
    if not Ticket.objects.filter(policy.scope_of(nurse), conversation=conversation).exists():
        raise OutOfScope
    return conversation


def start_of(conversation: Conversation, *, after: int) -> int:
    """After which seq to begin: where the screen stopped; for a fresh one the newest page."""
    return after or max(0, conversation.last_seq - AT_ONCE)


def messages_frame(conversation: Conversation, *, after: int) -> Frame:
    return messages_after(conversation.pk, after=after, up_to=conversation.last_seq)


def messages_after(conversation_id: int, *, after: int, up_to: int) -> Frame:
    """`up_to` is the newest that is known of; what came since is shown too."""
    found = Message.objects.filter(conversation=conversation_id, seq__gt=after)
    messages = list(found.order_by("seq").select_related("nurse")[:AT_ONCE])
    return frame_of(messages, conversation_id=conversation_id, last_seq=up_to)


def frame_of(messages: list[Message], *, conversation_id: int, last_seq: int) -> Frame:
    items = for_staff(messages)
    _name_signs(items)
    show_media(items, messages)
    _explain_answers(items, messages, conversation_id)
    last = messages[-1].seq if messages else 0
    return {
        "type": "messages",
        "conversation": conversation_id,
        "items": items,
        "last_seq": max(last_seq, last),
        "more": len(messages) == AT_ONCE and last < last_seq,
    }


def newest(page: Frame, *, otherwise: int) -> int:
    items = page["items"]
    return int(items[-1]["seq"]) if items else otherwise


def owner_frame(conversation: Conversation, *, nurse: StaffMember, now: datetime) -> Frame:
    """Who speaks, which ticket that is about, and what this person may do with it."""
    tickets = Ticket.objects.filter(conversation=conversation).select_related("claimed_by")
    ticket = tickets.order_by("-opened_at", "-pk").first()
    return {
        "type": "owner",
        "conversation": conversation.pk,
        "owner": conversation.owner,
        "nurse": conversation.nurse.display_name if conversation.nurse else "",
        "epoch": conversation.epoch,
        "language": conversation.language,
        "ticket": _ticket(ticket, nurse=nurse, now=now) if ticket else None,
        "reach": standing_of(conversation.contact_point, now=now),
    }


def seen_frame(conversation: Conversation) -> Frame:
    return {
        "type": "seen",
        "conversation": conversation.pk,
        "patient": conversation.patient_seen_seq,
        "staff": conversation.staff_seen_seq,
    }


def draft_frame(conversation: Conversation, *, nurse: StaffMember) -> Frame:
    typed = drafts.read_draft(conversation, nurse=nurse)
    return {
        "type": "draft",
        "conversation": conversation.pk,
        "text": typed.text if typed else "",
        "kind": typed.kind if typed else Kind.TEXT,
        "at": typed.at.isoformat() if typed else None,
    }


def alarms_for(nurse: StaffMember) -> list[Frame]:
    """What rings for this person: one item a ticket, the longest-ringing first."""
    ringing = Alarm.objects.ringing().filter(ticket__resolved_at=None).order_by("raised_at", "pk")
    items: dict[int, Frame] = {}
    for alarm in ringing.select_related("ticket__department"):
        ticket = alarm.ticket
        if not (policy.hears(alarm.step, nurse=nurse) and policy.in_scope(ticket, nurse=nurse)):
            continue
        item = items.setdefault(
            ticket.pk,
            {
                "ticket": ticket.pk,
                "conversation": ticket.conversation_id,
                "signs": [],
                "since": alarm.raised_at.isoformat(),
                "step": alarm.step,
                "department": _department(ticket),
                "claimed": ticket.claimed_by_id is not None,
            },
        )
        names = [sign_name(rule) for rule in alarm.rules]
        item["signs"] += [name for name in names if name not in item["signs"]]
        item["step"] = max(item["step"], alarm.step)
    return list(items.values())


def own_conversations(nurse: StaffMember) -> set[int]:
    mine = Ticket.objects.open().filter(claimed_by=nurse)
    return set(mine.values_list("conversation_id", flat=True))


def may(ticket: Ticket, *, nurse: StaffMember, now: datetime) -> list[str]:
    """The acts that her screen offers; `tickets.services` decides again when she does one."""
    if not policy.in_scope(ticket, nurse=nurse):
        return []
    if ticket.resolved_at is not None:
        fresh = now - ticket.resolved_at <= policy.REOPEN_WITHIN
        return ["reopen", "note"] if fresh else ["note"]
    offered = ["note"]
    if ticket.claimed_by_id is None:
        offered.append("claim")
    if policy.may_hand_on(ticket, nurse=nurse):
        offered += ["transfer", "return", "resolve"]
    if ticket.claimed_by_id == nurse.pk:
        offered += ["reply", "snooze"]
    return offered


def _ticket(ticket: Ticket, *, nurse: StaffMember, now: datetime) -> Frame:
    def moment(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "id": ticket.pk,
        "mine": ticket.claimed_by_id == nurse.pk,
        "nurse": ticket.claimed_by.display_name if ticket.claimed_by else "",
        "urgency": ticket.urgency,
        "reason": ticket.get_reason_display(),
        "waiting_since": moment(ticket.waiting_since),
        "snoozed_until": moment(ticket.snoozed_until),
        "resolved_at": moment(ticket.resolved_at),
        "outcome": ticket.get_outcome_display() if ticket.outcome else "",
        "may": may(ticket, nurse=nurse, now=now),
    }


def _department(ticket: Ticket) -> str:
    department = ticket.department
    return department.in_language("name", get_language() or "") if department else ""


def _name_signs(items: list[Frame]) -> None:
    for item in items:
        for flag in item["details"].get("red_flags", ()):
            flag["name"] = sign_name(flag["rule"])


def _explain_answers(items: list[Frame], messages: list[Message], conversation_id: int) -> None:
    """Set beside each of the assistant's answers how it understood the message that it answers."""
    meaning: dict[str, Any] | None = None
    if messages and messages[0].author != Author.PATIENT:
        before = Message.objects.filter(
            conversation=conversation_id, author=Author.PATIENT, seq__lt=messages[0].seq
        ).order_by("-seq")
        earlier = before.first()
        meaning = (readable(earlier).details or {}).get("understanding") if earlier else None
    for item in items:
        if item["author"] == Author.PATIENT:
            meaning = item["details"].get("understanding")
        elif item["author"] == Author.ASSISTANT and meaning:
            item["meaning"] = {
                "intent": meaning.get("intent"),
                "confidence": meaning.get("intent_confidence"),
                "abstained": meaning.get("abstained"),
            }
