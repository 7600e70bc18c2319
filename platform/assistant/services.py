"""The turn: take in what a patient wrote, attend to it, respond."""

import logging
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from assistant import policy
from assistant.danger import answer_danger, say, show_danger
from assistant.language import language_of
from assistant.policy import Act, Decision
from assistant.skills.answer import answer
from assistant.skills.clarify import clarify
from assistant.skills.greet import greet, hello
from assistant.skills.nurse import announce_nurse
from assistant.skills.suggest_department import suggest_department
from assistant.turn import Rephrase, Reply, Turn, choice
from conversations.arrivals import Arrival, Received, receive_messages
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import (
    StaleEpoch,
    announce_message,
    mark_handled,
    mark_seen,
    queue_reply,
    start_conversation,
)
from conversations.text import EmptyText, TextTooLong, clean_text
from events.logs import kind_and_place
from hospital.models import Department, Hospital
from patients.models import ContactPoint
from patients.services import hear_channel
from tickets.models import Reason
from tickets.services import ahead_of, hand_over, hear_patients, lock
from triage.labels import NOT_UNDERSTOOD, Intent, Understanding, Urgency
from vault.cipher import Unreadable
from vault.datakeys import ensure_alive

logger = logging.getLogger(__name__)

Understand = Callable[[str], Understanding]


class HeardMeanwhile(Exception):
    """A voice was put into words while we composed what to say without them."""


MAX_ATTEMPTS = 3  # to answer, while owners change underneath
UNATTENDED_AFTER = timedelta(seconds=60)  # a worker normally needs one
HEARD_WITHIN = timedelta(seconds=60)  # a voice fetched and put into words; then it is asked for
AT_ONCE = 100  # messages a sweep hands over
SURE_OF_DEPARTMENT = 0.6  # 0 to 1; a ticket in the wrong department is seen by the wrong nurses
MISSES = frozenset({Act.CLARIFY, Act.ASK_TO_TYPE})
COMPLAINTS = frozenset({Intent.SYMPTOM_TRIAGE, Intent.EMERGENCY, Intent.MEDICATION})


def ask_to_type(turn: Turn) -> Reply:
    """What a patient reads whose voice no machine here has put into words."""
    hospital = Hospital.objects.this_one()
    asked = _(
        "I can't understand voice messages yet; please type what you would like to tell me. A nurse"
        " can listen to your voice message."
    )
    worse = _("If it gets worse, call %(phone)s or go to the emergency department.") % {
        "phone": hospital.emergency_phone
    }
    return Reply(f"{asked}\n{worse}", {"choices": [choice(_("Talk to a nurse"), tap="nurse")]})


SKILLS: dict[Act, Callable[[Turn], Reply | None]] = {
    Act.GREET: greet,
    Act.CLARIFY: clarify,
    Act.ASK_TO_TYPE: ask_to_type,
    Act.ANSWER: answer,
    Act.ANSWER_OR_NURSE: answer,
    Act.SUGGEST_DEPARTMENT: suggest_department,
}


@dataclass(frozen=True)
class Said:
    """What somebody said to us. `text` is clean; see `conversations.text`."""

    contact_point: ContactPoint
    text: str
    client_id: str | None = None
    external_id: str | None = None
    tap: str = ""
    lang: str = ""
    media: dict[str, str] | None = None  # what came instead of text, or with it: its kind and where


@transaction.atomic
def take_in(
    contact_point: ContactPoint, *, text: str, now: datetime, tap: str = "", **known: Any
) -> Received:
    """Store a patient's message, look for red flags at the door, and announce it.

    The second time with the same client id or external id it returns the message stored before.
    Raises EmptyText, TextTooLong, ClientIdReused; Erased when the patient was erased meanwhile.
    """
    said = Said(contact_point, clean_text(text), tap=tap, **known)
    return take_in_all([said], now=now)[0]


@transaction.atomic(savepoint=False)
def take_in_all(said: Sequence[Said], *, now: datetime) -> list[Received]:
    """The same for what several say at the same moment: all of it is stored, or nothing.

    Raises ClientIdReused, Erased.
    """
    arrivals = [_arrival(each, now=now) for each in said]
    ensure_alive({each.conversation.data_key_id for each in arrivals})
    received = receive_messages(arrivals, now=now)
    new = [each for each, found in zip(said, received, strict=True) if found.is_new]
    messages = [found.message for found in received if found.is_new]
    hear_patients(
        {m.conversation_id for m in messages if m.conversation.owner != Owner.ASSISTANT}, now=now
    )
    for each, message in zip(new, messages, strict=True):
        conversation = message.conversation
        hear_channel(each.contact_point.channel, now=now)
        typed = "" if each.media else each.text  # the name of a picture is in our words
        _speak(conversation, each.lang or language_of(typed, otherwise=conversation.language))
        answer_danger(message, patient=each.contact_point.patient, tap=_tap(each), now=now)
        announce_message(message)
    return received


def _arrival(said: Said, *, now: datetime) -> Arrival:
    return Arrival(
        start_conversation(said.contact_point, now=now),
        said.text,
        client_id=said.client_id,
        channel=said.contact_point.channel,
        external_id=said.external_id,
        details=_brought(said) or None,
    )


def _brought(said: Said) -> dict[str, Any]:
    brought: dict[str, Any] = {"tap": tap} if (tap := _tap(said)) else {}
    return brought | ({"media": said.media} if said.media else {})


def _tap(said: Said) -> str:
    return said.tap if said.tap in policy.TAPS else ""


@transaction.atomic
def hear_voice(message: Message, *, transcript: str, now: datetime) -> None:
    """Take in what a voice says by a machine's ear, as if it were typed; empty: it can't tell.

    Looks for red flags in it, and rings, so that the assistant waits no longer. Of what was heard
    once nothing changes any more. Raises Erased when the patient was erased meanwhile.
    """
    ensure_alive({message.data_key_id})
    message = Message.objects.select_for_update().get(pk=message.pk)
    media = (message.details or {}).get("media")
    if media is None or media.get("transcript"):
        return
    try:
        transcript = clean_text(transcript)
    except (EmptyText, TextTooLong):  # two minutes hold no 4,000 characters: the ear ran in circles
        transcript = ""
    media = {name: value for name, value in media.items() if name != "waits"}
    message.details = {**(message.details or {}), "media": {**media, "transcript": transcript}}
    message.save(update_fields=["details"])
    if transcript:
        conversation = message.conversation
        _speak(conversation, language_of(transcript, otherwise=conversation.language))
        message = _look_for_danger(message, transcript, now=now)
    announce_message(message)


def _look_for_danger(message: Message, transcript: str, *, now: datetime) -> Message:
    spoken = copy(message)
    spoken.text = transcript  # never saved: the row keeps what the vendor delivered
    patient = message.conversation.contact_point.patient
    answer_danger(spoken, patient=patient, tap="", now=now)
    if flags := (spoken.details or {}).get("red_flags"):
        # Its spans are those of the transcript, and would point beside `text`.
        heard = [{"rule": flag["rule"], "heard": flag["evidence"]} for flag in flags]
        spoken.details = {**(spoken.details or {}), "red_flags": heard}
        spoken.save(update_fields=["details"])
    return spoken


@transaction.atomic
def welcome(contact_point: ContactPoint, *, now: datetime) -> None:
    """Greet somebody who has come to us and not written yet."""
    conversation = start_conversation(contact_point, now=now)
    if conversation.owner != Owner.ASSISTANT:
        return
    with translation.override(conversation.language):
        greeting = hello()
    queue_reply(
        conversation,
        text=greeting.text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        details=greeting.details,
        now=now,
    )


def attend(
    conversation_id: int,
    *,
    understand: Understand,
    now: datetime,
    rephrase: Rephrase | None = None,
) -> list[int]:
    """Respond to every unhandled message of a conversation, oldest first; returns their ids.

    A voice that is still to be put into words waits, and what was written after it does not. May
    run twice at once.
    """
    attended = []
    unhandled = Message.objects.filter(conversation=conversation_id).unhandled().order_by("seq")
    for message in unhandled.select_related("conversation__contact_point__patient"):
        try:
            if _waits(message, now=now):
                continue
            respond(message, understand=understand, now=now, rephrase=rephrase)
        except DatabaseError:
            raise  # the house is ill, not the message: it stays owed, and is rung again
        except Exception as error:
            _log_failure("response failed", error, message.conversation)
            give_to_nurse(message, now=now)
        attended.append(message.pk)
    return attended


def respond(
    message: Message, *, understand: Understand, now: datetime, rephrase: Rephrase | None = None
) -> None:
    """Decide on one message, act, and settle its debt, once."""
    conversation = message.conversation
    tap = (message.details or {}).get("tap", "")
    words = _words_of(message)
    meaning = NOT_UNDERSTOOD if tap or not words else _understood(understand, words, conversation)
    with translation.override(conversation.language):
        for _attempt in range(MAX_ATTEMPTS):
            # The owner may have changed while an earlier message was answered.
            conversation.refresh_from_db(fields=["owner", "epoch", "misses", "language"])
            try:
                decision, reply = _compose(
                    message, words, meaning, tap=tap, now=now, rephrase=rephrase
                )
            except Exception as error:
                _log_failure("skill failed", error, conversation)
                decision, reply = Decision(Act.HAND_OVER, Reason.FAILURE), None
            try:
                _act(message, meaning, decision, reply, now=now)
            except StaleEpoch:
                # Somebody took over while this was composed: who owns it now decides anew.
                logger.info("late reply refused", extra={"conversation": conversation.pk})
            except HeardMeanwhile:
                return  # whoever heard it has rung
            else:
                return
    give_to_nurse(message, now=now)


@transaction.atomic
def give_to_nurse(message: Message, *, now: datetime) -> None:
    """What to do when nothing else works: no skill, no model, nothing opened. Twice is once."""
    if not mark_handled(message.pk, now=now):
        return
    conversation = message.conversation
    if conversation.data_key.destroyed_at is not None:
        return  # erased meanwhile: there is nobody to answer
    lock(conversation)
    was_ours = conversation.owner == Owner.ASSISTANT
    hand_over(
        conversation,
        reason=Reason.FAILURE,
        urgency=int(Urgency.SAME_DAY),
        seq=message.seq,
        now=now,
    )
    hear_patients([conversation.pk], now=now)
    if was_ours:
        with translation.override(conversation.language):
            text = _("I have passed your message to the nurses; they answer as soon as they can.")
            say(conversation, Reply(text), now=now)


def give_unattended_to_nurses(*, now: datetime) -> int:
    """Hand over whatever no worker has handled for too long; returns how many messages.

    Runs where no model is loaded: a message that kills every worker still reaches a person.
    """
    late = Message.objects.unhandled().filter(created_at__lt=now - UNATTENDED_AFTER)
    count = 0
    for message in late.select_related("conversation").order_by("created_at")[:AT_ONCE]:
        if _waits(message, now=now - UNATTENDED_AFTER):
            continue
        give_to_nurse(message, now=now)
        count += 1
    return count


def _waits(message: Message, *, now: datetime) -> bool:
    """Whether this is a voice that a machine may still put into words."""
    try:
        media = _media_of(message)
    except Unreadable:
        return False
    return bool(media.get("waits")) and now < message.created_at + HEARD_WITHIN


def _media_of(message: Message) -> dict[str, Any]:
    media: dict[str, Any] = (message.details or {}).get("media") or {}
    return media


def _words_of(message: Message) -> str:
    """What there is to understand: of a voice what a machine heard; nothing of a picture."""
    media = _media_of(message)
    return str(media.get("transcript") or "") if media else message.text


def _understood(understand: Understand, words: str, conversation: Conversation) -> Understanding:
    try:
        return understand(words)
    except Exception as error:
        _log_failure("understanding failed", error, conversation)
        return NOT_UNDERSTOOD


def _log_failure(sentence: str, error: Exception, conversation: Conversation) -> None:
    # Neither its message nor its traceback: both could quote the patient.
    particulars = {"conversation": conversation.pk, **kind_and_place(error)}
    logger.error(sentence, extra=particulars)


def _compose(
    message: Message,
    words: str,
    meaning: Understanding,
    *,
    tap: str,
    now: datetime,
    rephrase: Rephrase | None,
) -> tuple[Decision, Reply | None]:
    """Decide, and find the words: reads only, so no transaction is held while a skill works."""
    conversation = message.conversation
    unheard = not words and _media_of(message).get("kind") == "voice"
    decision = policy.decide(meaning, tap=tap, misses=conversation.misses, unheard=unheard)
    if conversation.owner != Owner.ASSISTANT or decision.act is Act.HAND_OVER:
        return decision, None
    patient = conversation.contact_point.patient
    turn = Turn(
        text=words,
        meaning=meaning,
        lang=conversation.language,
        now=now,
        tap=tap,
        age=patient.age_on(timezone.localdate(now)),
        gender=patient.gender,
        misses=conversation.misses,
        names=(patient.name,) if rephrase is not None and patient.name else (),
        rephrase=rephrase if policy.may_be_reworded(meaning, decision) else None,
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
    """Settle the debt and say the reply, both or neither. Raises StaleEpoch, HeardMeanwhile."""
    conversation, epoch = message.conversation, message.conversation.epoch
    if not mark_handled(message.pk, now=now):
        return  # another worker was faster
    if _media_of(message) and not _words_of(message):
        message.refresh_from_db(fields=["details"])
        if _media_of(message).get("transcript"):
            raise HeardMeanwhile
    message.details = {**(message.details or {}), "understanding": _trace(meaning, decision)}
    message.save(update_fields=["details"])
    mark_seen(conversation, by_patient=False, seq=message.seq)
    if conversation.owner != Owner.ASSISTANT or decision.act is Act.HAND_OVER:
        _hand_over(message, meaning, decision, now=now)
        return
    assert reply is not None
    missed = decision.act in MISSES and not (message.details or {}).get("tap")
    queue_reply(
        conversation,
        text=reply.text,
        author=Author.ASSISTANT,
        epoch=epoch,
        details={**reply.details, "skill": str(decision.act), "model": meaning.model},
        now=now,
    )
    Conversation.objects.filter(pk=conversation.pk).update(misses=F("misses") + 1 if missed else 0)


def _hand_over(
    message: Message, meaning: Understanding, decision: Decision, *, now: datetime
) -> None:
    """Bring a nurse, or, where one has it already, only raise the urgency."""
    conversation = message.conversation
    lock(conversation)
    was_ours = conversation.owner == Owner.ASSISTANT
    ticket = hand_over(
        conversation,
        reason=decision.reason or Reason.UNSURE,
        urgency=int(decision.urgency),
        department=_department(meaning),
        seq=message.seq,
        now=now,
    )
    hear_patients([conversation.pk], now=now)
    if decision.in_danger:
        in_crisis = decision.reason == Reason.DISTRESS
        rule = f"model:{meaning.distress if in_crisis else Intent.EMERGENCY}"
        show_danger(ticket, message, rules=[rule], signs=[], self_harm=in_crisis, now=now)
    elif was_ours:
        say(conversation, announce_nurse(ahead=ahead_of(ticket), now=now), now=now)


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
