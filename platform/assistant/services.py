"""The turn: take in what a patient wrote, attend to it, respond."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation

from assistant import policy
from assistant.language import language_of
from assistant.policy import Act, Decision
from assistant.skills.answer import answer
from assistant.skills.clarify import clarify
from assistant.skills.emergency import emergency
from assistant.skills.greet import greet
from assistant.skills.nurse import announce_nurse
from assistant.skills.suggest_department import suggest_department
from assistant.turn import Reply, Turn
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import (
    Received,
    StaleEpoch,
    announce_message,
    mark_handled,
    mark_seen,
    queue_reply,
    receive_message,
    start_conversation,
)
from conversations.text import clean_text
from hospital.models import Department
from patients.models import ContactPoint
from patients.services import hear_channel
from tickets.models import Alarm, Reason, Ticket
from tickets.services import ahead_of, hand_over, hear_patient, raise_alarm
from triage.labels import NOT_UNDERSTOOD, Intent, Understanding, Urgency
from triage.redflags import RedFlag, find_red_flags

logger = logging.getLogger(__name__)

Understand = Callable[[str], Understanding]

SURE_OF_DEPARTMENT = 0.6  # 0 to 1; a ticket in the wrong department is seen by the wrong nurses
COMPLAINTS = frozenset({Intent.SYMPTOM_TRIAGE, Intent.EMERGENCY, Intent.MEDICATION})

SKILLS: dict[Act, Callable[[Turn], Reply | None]] = {
    Act.GREET: greet,
    Act.CLARIFY: clarify,
    Act.ANSWER: answer,
    Act.ANSWER_OR_NURSE: answer,
    Act.SUGGEST_DEPARTMENT: suggest_department,
}


@transaction.atomic
def take_in(
    contact_point: ContactPoint,
    *,
    text: str,
    now: datetime,
    client_id: str | None = None,
    external_id: str | None = None,
    tap: str = "",
    lang: str = "",
) -> Received:
    """Store a patient's message, look for red flags at the door, and announce it.

    The second time with the same client id or external id it returns the message stored before.
    Raises EmptyText, TextTooLong, ClientIdReused.
    """
    text = clean_text(text)
    tap = tap if tap in policy.TAPS else ""
    conversation = start_conversation(contact_point, now=now)
    received = receive_message(
        conversation,
        text=text,
        now=now,
        client_id=client_id,
        channel=contact_point.channel,
        external_id=external_id,
        details={"tap": tap} if tap else None,
    )
    if not received.is_new:
        return received
    hear_channel(contact_point.channel, now=now)
    _speak(conversation, lang or language_of(text, otherwise=conversation.language))
    if conversation.owner != Owner.ASSISTANT:
        hear_patient(conversation, now=now)
    patient = contact_point.patient
    day = timezone.localdate(now)
    flags = find_red_flags(
        text,
        age=patient.age_on(day),
        gender=patient.gender,
        pregnant=patient.is_pregnant_on(day),
    )
    if flags:
        _answer_red_flags(conversation, received.message, flags, now=now)
    announce_message(received.message)
    return received


def attend(conversation_id: int, *, understand: Understand, now: datetime) -> None:
    """Respond to every unhandled message of a conversation, oldest first. May run twice at once."""
    unhandled = Message.objects.filter(conversation=conversation_id).unhandled().order_by("seq")
    for message in unhandled.select_related("conversation__contact_point__patient"):
        # The owner may have changed while an earlier message was answered.
        message.conversation.refresh_from_db(fields=["owner", "epoch", "misses", "language"])
        respond(message, understand=understand, now=now)


def respond(message: Message, *, understand: Understand, now: datetime) -> None:
    """Decide on one message, act, and settle its debt, once. What fails hands over to a nurse."""
    conversation = message.conversation
    tap = (message.details or {}).get("tap", "")
    meaning = NOT_UNDERSTOOD if tap else _understood(understand, message.text)
    with translation.override(conversation.language):
        try:
            decision, reply = _compose(message, meaning, tap=tap, now=now)
        except Exception:
            logger.exception("skill failed", extra={"conversation": conversation.pk})
            decision, reply = Decision(Act.HAND_OVER, Reason.FAILURE), None
        _act(message, meaning, decision, reply, now=now)


def _understood(understand: Understand, text: str) -> Understanding:
    try:
        return understand(text)
    except Exception as error:
        # The traceback could quote the patient, so it stays out of the log.
        logger.error("understanding failed", extra={"error": type(error).__name__})
        return NOT_UNDERSTOOD


def _compose(
    message: Message, meaning: Understanding, *, tap: str, now: datetime
) -> tuple[Decision, Reply | None]:
    """Decide, and find the words: reads only, so no transaction is held while a skill works."""
    conversation = message.conversation
    decision = policy.decide(meaning, tap=tap, misses=conversation.misses)
    if conversation.owner != Owner.ASSISTANT or decision.act is Act.HAND_OVER:
        return decision, None
    patient = conversation.contact_point.patient
    turn = Turn(
        text=message.text,
        meaning=meaning,
        lang=conversation.language,
        now=now,
        tap=tap,
        age=patient.age_on(timezone.localdate(now)),
        gender=patient.gender,
        misses=conversation.misses,
    )
    reply = SKILLS[decision.act](turn)
    if reply is None and decision.act is Act.ANSWER:
        decision = policy.missed(meaning, misses=conversation.misses)
        reply = clarify(turn) if decision.act is Act.CLARIFY else None
    elif reply is None:
        decision = Decision(
            Act.HAND_OVER, Reason.OUT_OF_SCOPE, max(Urgency.ROUTINE, meaning.urgency)
        )
    return decision, reply


@transaction.atomic
def _act(
    message: Message,
    meaning: Understanding,
    decision: Decision,
    reply: Reply | None,
    *,
    now: datetime,
) -> None:
    conversation, epoch = message.conversation, message.conversation.epoch
    if not mark_handled(message.pk, now=now):
        return  # another worker was faster
    message.details = {**(message.details or {}), "understanding": _trace(meaning, decision)}
    message.save(update_fields=["details"])
    mark_seen(conversation, by_patient=False, seq=message.seq)
    if conversation.owner != Owner.ASSISTANT or decision.act is Act.HAND_OVER:
        _hand_over(message, meaning, decision, now=now)
        return
    assert reply is not None
    missed = decision.act is Act.CLARIFY and not (message.details or {}).get("tap")
    Conversation.objects.filter(pk=conversation.pk, epoch=epoch).update(
        misses=F("misses") + 1 if missed else 0
    )
    try:
        queue_reply(
            conversation,
            text=reply.text,
            author=Author.ASSISTANT,
            epoch=epoch,
            details={**reply.details, "skill": str(decision.act), "model": meaning.model},
            now=now,
        )
    except StaleEpoch:
        # A nurse took over while this was composed: she has the message, and speaks alone.
        logger.info("late reply refused", extra={"conversation": conversation.pk})


def _hand_over(
    message: Message, meaning: Understanding, decision: Decision, *, now: datetime
) -> None:
    """Bring a nurse, or, where one has it already, only raise the urgency."""
    conversation = message.conversation
    conversation.refresh_from_db(fields=["owner", "epoch", "last_seq"])
    was_ours = conversation.owner == Owner.ASSISTANT
    ticket = hand_over(
        conversation,
        reason=decision.reason or Reason.UNSURE,
        urgency=int(decision.urgency),
        department=_department(meaning),
        seq=message.seq,
        now=now,
    )
    if decision.in_danger:
        in_crisis = decision.reason == Reason.DISTRESS
        rule = f"model:{meaning.distress if in_crisis else Intent.EMERGENCY}"
        _show_danger(ticket, message, rules=[rule], signs=[], self_harm=in_crisis, now=now)
    elif was_ours:
        _say(conversation, announce_nurse(ahead=ahead_of(ticket), now=now), now=now)


def _answer_red_flags(
    conversation: Conversation, message: Message, flags: list[RedFlag], *, now: datetime
) -> None:
    """Card, ticket and alarm, in the transaction that stores the message."""
    department = Department.objects.filter(name=flags[0].department).first()
    ticket = hand_over(
        conversation,
        reason=Reason.RED_FLAG,
        urgency=int(Urgency.EMERGENCY),
        department=department,
        seq=message.seq,
        now=now,
    )
    message.details = {
        **(message.details or {}),
        "red_flags": [{"rule": flag.rule, "evidence": list(flag.evidence)} for flag in flags],
    }
    message.handled_at = now  # the card is the answer, and a nurse reads the rest
    message.save(update_fields=["details", "handled_at"])
    english = conversation.language == "en"
    with translation.override(conversation.language):
        _show_danger(
            ticket,
            message,
            rules=[flag.rule for flag in flags],
            signs=[flag.name_en if english else flag.name_zh for flag in flags],
            self_harm=any(flag.self_harm for flag in flags),
            now=now,
        )


def _show_danger(
    ticket: Ticket,
    message: Message,
    *,
    rules: list[str],
    signs: list[str],
    self_harm: bool,
    now: datetime,
) -> None:
    """The emergency card and the alarm, once per sign and ticket: a second card helps nobody."""
    known = {rule for alarm in Alarm.objects.filter(ticket=ticket) for rule in alarm.rules}
    if known.issuperset(rules):
        return
    conversation = ticket.conversation
    raise_alarm(ticket, rules=rules, seq=message.seq, now=now)
    card = emergency(lang=conversation.language, signs=signs, self_harm=self_harm)
    _say(conversation, card, now=now)


def _say(conversation: Conversation, reply: Reply, *, now: datetime) -> None:
    """What the house itself says: under whatever epoch is in force."""
    conversation.refresh_from_db(fields=["epoch"])
    queue_reply(
        conversation,
        text=reply.text,
        author=Author.SYSTEM,
        epoch=conversation.epoch,
        details=reply.details,
        now=now,
    )


def _speak(conversation: Conversation, lang: str) -> None:
    if lang != conversation.language:
        Conversation.objects.filter(pk=conversation.pk).update(language=lang)
        conversation.language = lang


def _department(meaning: Understanding) -> Department | None:
    """Whose ticket this is: only for a complaint, and only when sure; else it is everybody's."""
    if meaning.abstained or meaning.intent not in COMPLAINTS or not meaning.departments:
        return None
    if meaning.departments[0].confidence < SURE_OF_DEPARTMENT:
        return None
    return Department.objects.active().filter(name=meaning.departments[0].name).first()


def _trace(meaning: Understanding, decision: Decision) -> dict[str, Any]:
    """What was understood and decided, kept with the message so that it can be explained."""
    return {**asdict(meaning), "act": str(decision.act), "reason": decision.reason}
