"""What is told or prescribed against the guard: with a reason, and the doctor hears of it."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from careplans.models import TaskKind
from careplans.tasks import open_task
from conversations.models import Conversation, Message
from conversations.text import TextTooLong
from events.logs import kind_and_place
from patients.models import Patient
from records.guard import Concern, Questioned, Watch
from records.medications import objections, weigh_new_allergies
from records.models import MedicationRequest
from staff.models import StaffMember
from tickets.models import Ticket
from tickets.services import reply
from vault import access

logger = logging.getLogger(__name__)

MAX_REASON = 500  # characters; a sentence or two
AT_ONCE = 100
PRIORITY = 2  # of a task: today, within hours
AT_ONCE_PRIORITY = 3


def objections_to(text: str, conversation: Conversation, *, now: datetime) -> list[Concern]:
    """What the guard says against telling this in a conversation, as far as it stops anybody."""
    watch = Watch(
        conversation.pk,
        writer=conversation.contact_point.patient,
        subject_id=conversation.subject_id,
        now=now,
    )
    return [each for each in watch.check(text) if each.is_serious]


@transaction.atomic
def reply_with_care(
    ticket_id: int,
    *,
    nurse: StaffMember,
    text: str,
    client_id: str,
    now: datetime,
    seen: int | None = None,
    reason: str = "",
) -> Message:
    """`tickets.services.reply`, once it is held against what this patient must not get.

    Raises records.guard.Questioned while there is no reason; TextTooLong for a reason without end.
    """
    ticket = _find(ticket_id)
    conversation = ticket.conversation
    known = Message.objects.filter(conversation=conversation, client_id=client_id).exists()
    concerns = [] if known else objections_to(text, conversation, now=now)
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise TextTooLong
    if concerns and not reason:
        raise Questioned(concerns)
    details = {"guard": {"reason": reason, **in_words(concerns, text)}} if concerns else None
    patient = conversation.subject or conversation.contact_point.patient
    if concerns:  # before the conversation's row is locked: so do all who write the log
        _log(patient, nurse=nurse, now=now)
    message = reply(
        ticket_id, nurse=nurse, text=text, client_id=client_id, now=now, seen=seen, details=details
    )
    if concerns:
        _tell_of_message(message, patient, ticket, concerns, nurse=nurse, reason=reason, now=now)
    return message


def warn_of_reply_elsewhere(message: Message, *, now: datetime) -> None:
    """A nurse answered in a vendor's own app, where the guard stops nobody: colleagues hear of it.

    It is said already, and must be on record: whatever fails here stops nothing.
    """
    conversation = message.conversation
    try:
        with transaction.atomic():
            concerns = objections_to(message.text, conversation, now=now)
            if concerns:
                _tell_of_reply_elsewhere(message, conversation, concerns, now=now)
    except Exception as error:  # its message may quote what was said
        logger.error("reply elsewhere not checked", extra=kind_and_place(error))


def tell_doctors(*, now: datetime) -> int:
    """Put each prescription that the guard spoke against before its doctor; returns how many."""
    weigh_new_allergies(now=now)
    owed = MedicationRequest.objects.filter(warning_owed_at__isnull=False)
    count = 0
    for request in owed.order_by("warning_owed_at", "pk")[:AT_ONCE]:
        try:
            count += _tell_of_prescription(request.pk, now=now)
        except Exception as error:  # one that does not open stops no other
            logger.error("warning not told", extra=kind_and_place(error))
    return count


def in_words(concerns: list[Concern], text: str) -> dict[str, Any]:
    """What was objected to, as it is kept with a message: sealed, in both languages."""
    return {
        "concerns": [
            {
                "kind": str(each.kind),
                "risk": each.risk,
                "what": each.named_in(text),
                "zh": each.zh,
                "en": each.en,
            }
            for each in concerns
        ]
    }


def shown(concerns: list[Concern], text: str) -> list[dict[str, str]]:
    """The same for a screen, in the language in force; each thing once."""
    english = (get_language() or "").startswith("en")
    lines = {
        (each.named_in(text), each.en if english else each.zh): str(each.risk)
        for each in reversed(concerns)  # of two that read alike the worse stays
    }
    return [
        {"what": what, "why": why, "risk": risk} for (what, why), risk in reversed(lines.items())
    ]


def _find(ticket_id: int) -> Ticket:
    tickets = Ticket.objects.select_related("conversation__contact_point__patient", "department")
    return tickets.get(pk=ticket_id)


def _log(patient: Patient, *, nurse: StaffMember, now: datetime) -> None:
    access.record(
        access.Action.CHANGE,
        actor_id=nurse.pk,
        subject="patient",
        subject_id=patient.pk,
        reason="guard:overruled",
        now=now,
    )


def _tell_of_message(
    message: Message,
    patient: Patient,
    ticket: Ticket,
    concerns: list[Concern],
    *,
    nurse: StaffMember,
    reason: str,
    now: datetime,
) -> None:
    words = _(
        "%(nurse)s told the patient of %(what)s. The record says: %(why)s. Her reason: %(reason)s"
    )
    given = {"nurse": nurse.display_name, "reason": reason, **_summary(concerns, message.text)}
    open_task(
        patient,
        kind=TaskKind.WARNED,
        about=f"guard:message:{message.pk}",
        words=words % given,
        department=ticket.department,
        priority=PRIORITY,
        created_by=nurse,
        now=now,
    )


def _tell_of_reply_elsewhere(
    message: Message, conversation: Conversation, concerns: list[Concern], *, now: datetime
) -> None:
    words = _(
        "In another app the patient was told of %(what)s. The record says: %(why)s. Nobody was "
        "asked why: please look at the conversation, and call the patient if need be."
    )
    ticket = Ticket.objects.filter(conversation=conversation).order_by("-opened_at").first()
    open_task(
        conversation.subject or conversation.contact_point.patient,
        kind=TaskKind.WARNED,
        about=f"guard:message:{message.pk}",
        words=words % _summary(concerns, message.text),
        department=ticket.department if ticket else None,
        priority=AT_ONCE_PRIORITY if any(each.is_critical for each in concerns) else PRIORITY,
        now=now,
    )


@transaction.atomic
def _tell_of_prescription(request_id: int, *, now: datetime) -> bool:
    owed = MedicationRequest.objects.filter(pk=request_id, warning_owed_at__isnull=False)
    if not owed.update(warning_owed_at=None):
        return False
    request = MedicationRequest.objects.select_related("patient", "doctor", "medication").get(
        pk=request_id
    )
    concerns = objections(request, now=now)
    if request.patient.erased_at is not None or not concerns:
        return False
    doctor = request.doctor
    words = _(
        "%(doctor)s prescribed %(what)s. The record says: %(why)s. The reason given: %(reason)s"
    )
    given = {
        "doctor": doctor.name if doctor else _("A doctor"),
        "reason": request.override_reason or _("no reason given"),
        **_summary(concerns, request.drug),
        "what": request.drug,
    }
    open_task(
        request.patient,
        kind=TaskKind.WARNED,
        about=f"guard:prescription:{request.pk}",
        words=words % given,
        department=doctor.department if doctor else None,
        priority=PRIORITY,
        now=now,
    )
    return True


def _summary(concerns: list[Concern], text: str) -> dict[str, str]:
    lines = shown(concerns, text)
    return {
        "what": _(", ").join(dict.fromkeys(each["what"] for each in lines)),
        "why": _("; ").join(dict.fromkeys(each["why"] for each in lines)),
    }
