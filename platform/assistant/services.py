"""The turn: take in what a patient wrote, attend to it, respond."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from assistant import dialogue, policy
from assistant.acting import HeardMeanwhile, act_on
from assistant.danger import answer_danger, say
from assistant.dialogue import StaleDialogue
from assistant.guard import (
    keep_allergies,
)
from assistant.language import language_of
from assistant.planning import Ear, Plan, Understand, log_failure, media_of, plan_for
from assistant.policy import Act, Decision
from assistant.skills.greet import hello
from assistant.turn import Rephrase, Reply
from conversations.arrivals import Arrival, Received, receive_messages
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import (
    StaleEpoch,
    announce_message,
    mark_handled,
    queue_reply,
    start_conversation,
)
from conversations.text import EmptyText, TextTooLong, clean_text
from patients.models import ContactPoint
from patients.services import hear_channel
from tickets.models import Reason
from tickets.services import hand_over, hear_patients, lock
from triage.labels import Urgency
from vault.cipher import Unreadable
from vault.datakeys import ensure_alive

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3  # to answer, while owners change underneath
UNATTENDED_AFTER = timedelta(seconds=60)  # a worker normally needs one
HEARD_WITHIN = timedelta(seconds=60)  # a voice fetched and put into words; then it is asked for
AT_ONCE = 100  # messages a sweep hands over


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
        in_our_words = each.media or _tap(each) == dialogue.ANSWER_TAP  # a picture's name, a label
        typed = "" if in_our_words else each.text
        _speak(conversation, each.lang or language_of(typed, otherwise=conversation.language))
        answer_danger(message, patient=each.contact_point.patient, tap=_tap(each), now=now)
        if not _tap(each) and not each.media:
            keep_allergies(message, each.text, writer=each.contact_point.patient)
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
    return said.tap if said.tap in policy.TAPS or said.tap in policy.SKILL_TAPS else ""


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
    keep_allergies(spoken, transcript, writer=patient)
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
            log_failure("response failed", error, message.conversation)
            give_to_nurse(message, now=now)
        attended.append(message.pk)
    return attended


def respond(
    message: Message, *, understand: Understand, now: datetime, rephrase: Rephrase | None = None
) -> None:
    """Decide on one message, act, and settle its debt, once."""
    conversation = message.conversation
    ear = Ear(message, understand, rephrase)
    with translation.override(conversation.language):
        for _attempt in range(MAX_ATTEMPTS):
            # The owner may have changed while an earlier message was answered.
            conversation.refresh_from_db(fields=["owner", "epoch", "misses", "language"])
            try:
                plan = plan_for(message, ear, now=now)
            except Exception as error:
                log_failure("skill failed", error, conversation)
                plan = Plan(Decision(Act.HAND_OVER, Reason.FAILURE))
            try:
                act_on(message, ear, plan, now=now)
            except StaleEpoch:
                # Somebody took over while this was composed: who owns it now decides anew.
                logger.info("late reply refused", extra={"conversation": conversation.pk})
            except StaleDialogue:
                logger.info("dialogue moved on", extra={"conversation": conversation.pk})
            except HeardMeanwhile:
                return  # whoever heard it has rung
            except DatabaseError:
                raise
            except Exception as error:
                log_failure("skill failed", error, conversation)
                break
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
    if collected := dialogue.interrupt(conversation, now=now):
        with suppress(Unreadable):  # its row does not open: the card does without
            message.details = {**(message.details or {}), "collected": collected}
            message.save(update_fields=["details"])
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
        media = media_of(message)
    except Unreadable:
        return False
    return bool(media.get("waits")) and now < message.created_at + HEARD_WITHIN


def _speak(conversation: Conversation, lang: str) -> None:
    if lang != conversation.language:
        Conversation.objects.filter(pk=conversation.pk).update(language=lang)
        conversation.language = lang
