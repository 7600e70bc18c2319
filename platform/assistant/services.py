"""The turn: take in what a patient wrote, attend to it, respond."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from assistant import dialogue, policy
from assistant.danger import answer_danger, say, show_danger
from assistant.dialogue import Heard, Spoken, StaleDialogue
from assistant.guard import (
    Objection,
    acknowledge,
    find_objection,
    hold_back,
    keep_allergies,
    line_of,
    trace_of,
)
from assistant.language import language_of
from assistant.models import Dialogue
from assistant.policy import Act, Decision
from assistant.reading.allergies import besides_allergies
from assistant.reading.commands import Command
from assistant.reading.spelling import has_han
from assistant.skills import book
from assistant.skills.answer import answer, is_known
from assistant.skills.clarify import clarify
from assistant.skills.decline import decline, is_declined
from assistant.skills.greet import greet, hello, is_courtesy
from assistant.skills.nurse import announce_nurse
from assistant.skills.places import asks_plainly
from assistant.talk import BringNurse, Talk
from assistant.turn import Rephrase, Reply, Turn, choice
from conversations.arrivals import Arrival, Received, receive_messages
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import (
    StaleEpoch,
    announce_message,
    mark_handled,
    mark_seen,
    masked,
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
from vault import access
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
SHORT_ANSWER, SHORT_ANSWER_ZH = 48, 20  # characters: "药已经吃了" says nothing besides
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
    Act.ANSWER_OR_START: answer,
    Act.DECLINE: decline,
}
IN_DIALOGUE = frozenset({Act.CARRY_ON, Act.START, Act.ASK_AGAIN, Act.RESUME})


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
            _log_failure("response failed", error, message.conversation)
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
                plan = _plan(message, ear, now=now)
            except Exception as error:
                _log_failure("skill failed", error, conversation)
                plan = Plan(Decision(Act.HAND_OVER, Reason.FAILURE))
            try:
                _act(message, ear, plan, now=now)
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
                _log_failure("skill failed", error, conversation)
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


def _log_failure(sentence: str, error: Exception, conversation: Conversation) -> None:
    # Neither its message nor its traceback: both could quote the patient.
    particulars = {"conversation": conversation.pk, **kind_and_place(error)}
    logger.error(sentence, extra=particulars)


class Ear:
    """A message as it is understood: the model is asked once, and only where it has to be."""

    def __init__(
        self, message: Message, understand: Understand, rephrase: Rephrase | None = None
    ) -> None:
        self.rephrase = rephrase
        self.words = _words_of(message)
        self.tap: str = (message.details or {}).get("tap", "")
        self._conversation, self._understand = message.conversation, understand

    @cached_property
    def meaning(self) -> Understanding:
        if not self.words or (self.tap and self.tap != dialogue.ANSWER_TAP):
            return NOT_UNDERSTOOD
        try:
            return self._understand(besides_allergies(self.words))
        except Exception as error:
            _log_failure("understanding failed", error, self._conversation)
            return NOT_UNDERSTOOD

    @property
    def asked(self) -> Understanding:
        """What was understood, as far as anybody asked."""
        known: Understanding = self.__dict__.get("meaning", NOT_UNDERSTOOD)
        return known


@dataclass(frozen=True)
class Plan:
    """What is to be done with a message, before anything is written."""

    decision: Decision
    reply: Reply | None = None  # of a skill that says one thing
    talk: Talk | None = None
    at_hand: Dialogue | None = None
    heard: Heard = field(default_factory=Heard)


def _plan(message: Message, ear: Ear, *, now: datetime) -> Plan:
    """Decide, and find the words: reads only, so no transaction is held while it works."""
    conversation = message.conversation
    if conversation.owner != Owner.ASSISTANT:
        return Plan(_decide(message, ear, now=now))
    at_hand = dialogue.at_hand(conversation, now=now)
    talk = dialogue.talk_of(conversation, words=ear.words, now=now, dialogue=at_hand)
    heard = dialogue.hear(at_hand, talk) if at_hand and not _is_tile(ear.tap) else Heard()
    if heard.command is Command.HUMAN:
        decision = Decision(Act.HAND_OVER, Reason.ASKED, Urgency.ROUTINE)
    elif not _is_tile(ear.tap) and (wanted := _wanted(talk, at_hand, heard)):
        decision = _first_care(ear) or Decision(Act.START, skill=wanted)
    elif at_hand is None:
        decision = _decide(message, ear, now=now, talk=talk)
    else:
        decision = policy.decide_in_dialogue(
            NOT_UNDERSTOOD if heard.is_all else ear.meaning,
            skill=at_hand.skill,
            words=ear.words,
            tap=ear.tap,
            is_answer=heard.is_answer,
            is_all=heard.is_all,
            is_stale=dialogue.is_stale(at_hand, now=now),
            declined=not heard.is_all and is_declined(ear.words, ear.meaning),
            asks_plainly=not heard.is_answer and _asks_plainly(conversation, ear, now=now),
            hears_anger=book.SKILLS[at_hand.skill].hears_anger,
        )
    if decision.skill and decision.skill not in book.SKILLS:  # this house does without it
        decision = Decision(Act.ANSWER_OR_NURSE)
    talk.meaning = ear.asked
    plan = Plan(decision, talk=talk, at_hand=at_hand, heard=heard)
    return plan if decision.act in IN_DIALOGUE | {Act.HAND_OVER} else _worded(plan, ear)


def _wanted(talk: Talk, at_hand: Dialogue | None, heard: Heard) -> str | None:
    """The skill that these words are for, whatever a model would say of them."""
    if at_hand is None:
        return book.wanted(talk)
    return book.claimed(talk, answers=heard.is_answer)


def _first_care(ear: Ear) -> Decision | None:
    """Danger and anger in what is long enough to tell of them."""
    most = SHORT_ANSWER_ZH if has_han(ear.words) else SHORT_ANSWER
    return policy.first_care(ear.meaning) if not ear.tap and len(ear.words) > most else None


def _is_tile(tap: str) -> bool:
    return bool(tap) and tap != dialogue.ANSWER_TAP


def _decide(message: Message, ear: Ear, *, now: datetime, talk: Talk | None = None) -> Decision:
    unheard = not ear.words and _media_of(message).get("kind") == "voice"
    may_take = talk is not None and not ear.tap and policy.is_nothing(ear.meaning)
    return policy.decide(
        ear.meaning,
        words=ear.words,
        tap=ear.tap,
        misses=message.conversation.misses,
        unheard=unheard,
        declined=is_declined(ear.words, ear.meaning),
        asks_plainly=_asks_plainly(message.conversation, ear, now=now),
        is_courtesy=is_courtesy(ear.words),
        taken=book.taken(talk) if talk is not None and may_take else None,
    )


def _asks_plainly(conversation: Conversation, ear: Ear, *, now: datetime) -> bool:
    """Whether the hospital's rows answer it, or one article where the model is unsure."""
    if ear.tap or ear.meaning.urgency > Urgency.ROUTINE:
        return False
    if asks_plainly(ear.words):
        return policy.may_be_answered(ear.meaning) or ear.meaning.intent is Intent.COMPLAINT
    unsure = ear.meaning.abstained and policy.may_be_answered(ear.meaning)
    return unsure and is_known(ear.words, lang=conversation.language, now=now)


def _worded(plan: Plan, ear: Ear) -> Plan:
    """Let a skill that says one thing say it; where it has nothing to say, decide anew."""
    decision, talk, meaning = plan.decision, plan.talk, ear.asked
    assert talk is not None
    misses = talk.conversation.misses
    turn = _turn(talk, ear, decision)
    reply = SKILLS[decision.act](turn)
    if reply is not None:
        return replace(plan, reply=reply)
    if decision.act is Act.ANSWER_OR_START:
        return replace(plan, decision=Decision(Act.START, skill=decision.skill))
    if plan.at_hand is not None:
        return replace(plan, decision=Decision(Act.CARRY_ON))  # a miss: it asks differently
    if decision.act is Act.ANSWER:
        decision = policy.missed(meaning, misses=misses)
        reply = clarify(turn) if decision.act is Act.CLARIFY else None
        return replace(plan, decision=decision, reply=reply)
    urgency = max(Urgency.ROUTINE, meaning.urgency)
    return replace(plan, decision=Decision(Act.HAND_OVER, Reason.OUT_OF_SCOPE, urgency))


def _turn(talk: Talk, ear: Ear, decision: Decision) -> Turn:
    patient = talk.writer
    reworded = ear.rephrase is not None and policy.may_be_reworded(ear.asked, decision)
    return Turn(
        text=talk.words,
        meaning=ear.asked,
        lang=talk.lang,
        now=talk.now,
        tap=ear.tap,
        age=patient.age_on(timezone.localdate(talk.now)),
        gender=patient.gender,
        misses=talk.conversation.misses,
        names=(patient.name,) if reworded and patient.name else (),
        rephrase=ear.rephrase if reworded else None,
    )


@transaction.atomic
def _act(message: Message, ear: Ear, plan: Plan, *, now: datetime) -> None:
    """Settle the debt, and do and say what was planned, all or nothing.

    Raises StaleEpoch, StaleDialogue, HeardMeanwhile.
    """
    conversation, epoch = message.conversation, message.conversation.epoch
    if _reads_records(plan):
        access.hold_head()
    if not mark_handled(message.pk, now=now):
        return  # another worker was faster
    if _media_of(message) and not ear.words:
        message.refresh_from_db(fields=["details"])
        if _media_of(message).get("transcript"):
            raise HeardMeanwhile
    trace = {"understanding": _trace(ear.asked, plan.decision)}
    message.details = {**(message.details or {}), **trace}
    if _holds_secret(plan):
        message.text = masked(message.text)
        message.save(update_fields=["text"])
    mark_seen(conversation, by_patient=False, seq=message.seq)
    book.overhear(Talk(conversation, ear.words, now))
    said = Spoken(plan.reply)
    if conversation.owner == Owner.ASSISTANT and plan.decision.act is not Act.HAND_OVER:
        said = _said(plan)
    said, objection = _guarded(said, message, ear, now=now)
    if said.nurse is not None or said.reply is None:
        decision = _decision_of(said.nurse) if said.nurse else plan.decision
        _hand_over(message, ear.asked, decision, now=now, nurse=said.nurse, objection=objection)
        return
    message.save(update_fields=["details"])
    missed = said.missed or (plan.decision.act in MISSES and not ear.tap)
    queue_reply(
        conversation,
        text="\n\n".join(filter(None, [acknowledge(message), said.reply.text])),
        author=Author.ASSISTANT,
        epoch=epoch,
        details={**said.reply.details, **_signature(plan, ear)},
        now=now,
    )
    Conversation.objects.filter(pk=conversation.pk).update(misses=F("misses") + 1 if missed else 0)


def _reads_records(plan: Plan) -> bool:
    """Whether a skill may write the access log here: the one at hand, begun, or gone back to."""
    names = {plan.decision.skill}
    if plan.talk is not None and plan.at_hand is not None:
        names |= dialogue.open_skills(plan.talk.conversation)
    return any(book.SKILLS[name].reads_records for name in names if name in book.SKILLS)


def _holds_secret(plan: Plan) -> bool:
    skill = book.SKILLS.get(plan.at_hand.skill) if plan.at_hand else None
    return skill is not None and any(
        slot.is_secret for slot in skill.slots if slot.name in plan.heard.found
    )


def _said(plan: Plan) -> Spoken:
    """What a dialogue makes of it; something else in between comes back to what was asked."""
    at_hand, talk, decision = plan.at_hand, plan.talk, plan.decision
    assert talk is not None
    if decision.act is Act.START:
        return dialogue.begin(book.SKILLS[decision.skill], talk, facts=_next(plan))
    if at_hand is None:
        return Spoken(plan.reply)
    if decision.act is Act.CARRY_ON:
        return dialogue.carry_on(at_hand, talk, plan.heard)
    if decision.act is Act.RESUME:
        return dialogue.offer_to_resume(at_hand, talk)
    return dialogue.ask_again(at_hand, talk, after=plan.reply)


def _next(plan: Plan) -> dict[str, Any]:
    """What else the same message asks for, to come to later."""
    assert plan.talk is not None
    wished = [policy.SKILL_BY_INTENT.get(intent) for intent in plan.talk.meaning.also]
    others = [name for name in wished if name and name != plan.decision.skill]
    return {dialogue.NEXT: others} if others else {}


def _signature(plan: Plan, ear: Ear) -> dict[str, Any]:
    """Which skill and which model a reply comes from."""
    skill = plan.decision.skill or (plan.at_hand.skill if plan.at_hand else "")
    act = plan.decision.act
    return {
        "skill": skill if act in IN_DIALOGUE and skill else str(act),
        "model": ear.asked.model,
    }


def _guarded(
    said: Spoken, message: Message, ear: Ear, *, now: datetime
) -> tuple[Spoken, Objection | None]:
    """A nurse in place of what this patient must not just be told; and why, for the card."""
    conversation = message.conversation
    objection = find_objection(conversation, words=ear.words, reply=said.reply, now=now)
    if objection is None:
        return said, None
    stopped = said.reply.text if said.reply and said.nurse is None else ""
    message.details = {**(message.details or {}), **trace_of(objection, stopped=stopped)}
    if said.reply is not None and said.nurse is None:
        said = Spoken(nurse=hold_back(conversation, objection, now=now))
    return said, objection


def _decision_of(nurse: BringNurse) -> Decision:
    return Decision(Act.HAND_OVER, nurse.reason, nurse.urgency, nurse.in_danger)


def _hand_over(
    message: Message,
    meaning: Understanding,
    decision: Decision,
    *,
    now: datetime,
    nurse: BringNurse | None = None,
    objection: Objection | None = None,
) -> None:
    """Bring a nurse, or, where one has it already, only raise the urgency."""
    conversation = message.conversation
    lock(conversation)
    was_ours = conversation.owner == Owner.ASSISTANT
    if was_ours:
        collected = nurse.collected if nurse else dialogue.interrupt(conversation, now=now)
        if objection is not None:
            collected = [*collected, line_of(objection)]
        if collected:
            message.details = {**(message.details or {}), "collected": collected}
    message.save(update_fields=["details"])
    department = nurse.department if nurse and nurse.department else _department(meaning)
    ticket = hand_over(
        conversation,
        reason=decision.reason or Reason.UNSURE,
        urgency=int(decision.urgency),
        department=department,
        seq=message.seq,
        now=now,
    )
    hear_patients([conversation.pk], now=now)
    if decision.in_danger:
        in_crisis = decision.reason == Reason.DISTRESS
        rule = f"model:{meaning.distress if in_crisis else Intent.EMERGENCY}"
        rules = list(nurse.rules) if nurse and nurse.rules else [rule]
        signs = nurse.signs if nurse else ()
        show_danger(ticket, message, rules=rules, signs=signs, self_harm=in_crisis, now=now)
        if nurse and nurse.text:
            say(conversation, Reply(nurse.text, dict(nurse.details)), now=now)
    elif was_ours:
        announced = announce_nurse(ahead=ahead_of(ticket), now=now)
        before = [acknowledge(message), nurse.text if nurse else ""]
        text = "\n\n".join(filter(None, [*before, announced.text]))
        details = {**nurse.details, **announced.details} if nurse else announced.details
        announced = Reply(text, details)
        say(conversation, announced, now=now)


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
