"""Danger: what the house does at once, before any worker and whatever else is broken.

Everything here runs in the transaction that stores the message. So a fault of ours must not take
the message with it: a rule that breaks rings the alarm, a broken card gives way to a plain one.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from assistant.dialogue import interrupt
from assistant.skills.emergency import CRISIS_LINE, POLICE, emergency
from assistant.turn import Reply
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply
from events.logs import kind_and_place
from hospital.models import Department
from patients.models import Patient
from tickets.models import Alarm, Reason, Ticket
from tickets.services import hand_over, raise_alarm
from triage.labels import Urgency
from triage.redflags import RedFlag, find_red_flags

logger = logging.getLogger(__name__)

EMERGENCY_BUTTON = "emergency"  # the tap of a patient who asks for help at once
BUTTON_RULE = "tap:emergency"
BROKEN_RULES = "rules:failed"  # nobody knows, so somebody looks
VIOLENCE = "violence"  # the rule of those whom somebody hurts: the police, too
CARD_AGAIN_AFTER = timedelta(minutes=10)  # the same sign, said again later, is news


def answer_danger(message: Message, *, patient: Patient, tap: str, now: datetime) -> None:
    """Look for red flags in a message just stored; on one: card, ticket and alarm, here and now."""
    try:
        flags = _flags(message, patient=patient, now=now)
        rules = [flag.rule for flag in flags]
    except Exception as error:  # the rules themselves broke; their message may quote the patient
        logger.error("red flags failed", extra=kind_and_place(error))
        flags, rules = [], [BROKEN_RULES]
    if tap == EMERGENCY_BUTTON:
        rules.append(BUTTON_RULE)
    if not rules:
        return
    conversation = message.conversation
    ticket = hand_over(
        conversation,
        reason=Reason.RED_FLAG if flags or tap else Reason.FAILURE,
        urgency=int(Urgency.EMERGENCY),
        department=Department.objects.filter(name=flags[0].department).first() if flags else None,
        seq=message.seq,
        now=now,
    )
    evidence = [{"rule": flag.rule, "evidence": list(flag.evidence)} for flag in flags]
    message.details = {**(message.details or {}), "red_flags": evidence}
    if collected := interrupt(conversation, now=now):
        message.details["collected"] = collected
    message.handled_at = now  # the card is the answer, and a nurse reads the rest
    message.save(update_fields=["details", "handled_at"])
    english = conversation.language == "en"
    with translation.override(conversation.language):
        show_danger(
            ticket,
            message,
            rules=rules,
            signs=[flag.name_en if english else flag.name_zh for flag in flags],
            self_harm=any(flag.self_harm for flag in flags),
            now=now,
        )


def show_danger(
    ticket: Ticket,
    message: Message,
    *,
    rules: list[str],
    signs: Sequence[str],
    self_harm: bool,
    now: datetime,
) -> None:
    """The emergency card and the alarm; not again while the same one rings, or was just heard."""
    heard = Q(raised_at__gt=now - CARD_AGAIN_AFTER, ticket__claimed_by__isnull=False)
    fresh = Alarm.objects.filter(Q(acknowledged_at=None) | heard, ticket=ticket)
    if {rule for alarm in fresh for rule in alarm.rules}.issuperset(rules):
        return
    violence = VIOLENCE in rules or _rang(ticket, VIOLENCE)
    raise_alarm(ticket, rules=rules, seq=message.seq, now=now)
    card = _card(message, signs=signs, self_harm=self_harm, violence=violence)
    say(message.conversation, card, now=now)


def _rang(ticket: Ticket, rule: str) -> bool:
    return any(rule in alarm.rules for alarm in Alarm.objects.filter(ticket=ticket))


def say(
    conversation: Conversation, reply: Reply, *, now: datetime, client_id: str | None = None
) -> None:
    """What the house itself says: under whatever epoch is in force; of one client id once.

    Raises ClientIdReused where it was said before in other words.
    """
    conversation.refresh_from_db(fields=["epoch"])
    queue_reply(
        conversation,
        text=reply.text,
        author=Author.SYSTEM,
        epoch=conversation.epoch,
        details=reply.details,
        client_id=client_id,
        now=now,
    )


def _flags(message: Message, *, patient: Patient, now: datetime) -> list[RedFlag]:
    day = timezone.localdate(now)
    return find_red_flags(
        message.text,
        age=patient.age_on(day),
        gender=patient.gender,
        pregnant=patient.is_pregnant_on(day),
    )


def _card(message: Message, *, signs: Sequence[str], self_harm: bool, violence: bool) -> Reply:
    lang = message.conversation.language
    try:
        with transaction.atomic():
            return emergency(lang=lang, signs=signs, self_harm=self_harm, violence=violence)
    except Exception as error:
        logger.error("emergency card failed", extra=kind_and_place(error))
        card = {"kind": "emergency", "phone": "120", "signs": [], "self_harm": self_harm}
        if self_harm:
            card["crisis_line"] = CRISIS_LINE
        if violence:
            card["police"] = POLICE
        return Reply(_("This may be an emergency. Call 120 now."), {"card": card})
