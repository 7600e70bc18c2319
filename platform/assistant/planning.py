"""What to do with a patient's message: read, weighed and put into words; nothing is written."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from assistant import dialogue, policy
from assistant.dialogue import Heard
from assistant.models import Dialogue
from assistant.policy import Act, Decision
from assistant.reading.allergies import besides_allergies, states_only_allergies
from assistant.reading.commands import Command
from assistant.reading.spelling import has_han, plain
from assistant.reading.troubles import is_everyday
from assistant.skills import book
from assistant.skills.answer import answer, is_known
from assistant.skills.ask_to_type import ask_to_type
from assistant.skills.booking import BOOKING
from assistant.skills.clarify import clarify
from assistant.skills.decline import decline, is_declined
from assistant.skills.greet import greet, is_courtesy
from assistant.skills.medicine import MEDICINE
from assistant.skills.places import asks_plainly
from assistant.talk import Talk
from assistant.turn import Rephrase, Reply, Turn
from conversations.models import Conversation, Message, Owner
from events.logs import kind_and_place
from tickets.models import Reason
from triage.labels import NOT_UNDERSTOOD, Distress, Intent, Understanding, Urgency

logger = logging.getLogger(__name__)

Understand = Callable[[str], Understanding]

SHORT_ANSWER, SHORT_ANSWER_ZH = 48, 20  # characters: "药已经吃了" says nothing besides
SKILLS: dict[Act, Callable[[Turn], Reply | None]] = {
    Act.GREET: greet,
    Act.CLARIFY: clarify,
    Act.ASK_TO_TYPE: ask_to_type,
    Act.ANSWER: answer,
    Act.ANSWER_OR_NURSE: answer,
    Act.ANSWER_OR_START: answer,
    Act.DECLINE: decline,
}
_BOOKS = re.compile(
    r"(?<![不别消])(?:挂(?:个|一个)?号|预约)(?!了)|\bbook (?:me|an|a|the)\b|\bmake an appointment\b"
)
IN_DIALOGUE = frozenset({Act.CARRY_ON, Act.START, Act.ASK_AGAIN, Act.RESUME})


class Ear:
    """A message as it is understood: the model is asked once, and only where it has to be."""

    def __init__(
        self, message: Message, understand: Understand, rephrase: Rephrase | None = None
    ) -> None:
        self.rephrase = rephrase
        self.words = words_of(message)
        self.tap: str = (message.details or {}).get("tap", "")
        self._conversation, self._understand = message.conversation, understand

    @cached_property
    def meaning(self) -> Understanding:
        if not self.words or (self.tap and self.tap != dialogue.ANSWER_TAP):
            return NOT_UNDERSTOOD
        try:
            understood = self._understand(besides_allergies(self.words))
            return _calmed(understood) if is_everyday(self.words) else understood
        except Exception as error:
            log_failure("understanding failed", error, self._conversation)
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


def plan_for(message: Message, ear: Ear, *, now: datetime) -> Plan:
    """Decide, and find the words: reads only, so no transaction is held while it works."""
    conversation = message.conversation
    if conversation.owner != Owner.ASSISTANT:
        decision = _decide(message, ear, now=now)
        # What is said while nurses have it may be more urgent than what brought them.
        urgency = min(ear.meaning.urgency, Urgency.SAME_DAY)
        return Plan(replace(decision, urgency=max(decision.urgency, urgency)))
    at_hand = dialogue.at_hand(conversation, now=now)
    talk = dialogue.talk_of(conversation, words=ear.words, now=now, dialogue=at_hand)
    heard = dialogue.hear(at_hand, talk) if at_hand and not _is_tile(ear.tap) else Heard()
    if heard.command is Command.HUMAN:
        decision = Decision(Act.HAND_OVER, Reason.ASKED, Urgency.ROUTINE)
    elif not _is_tile(ear.tap) and (wanted := _wanted(talk, at_hand, heard)):
        decision = _first_care(ear) or Decision(Act.START, skill=wanted)
    elif at_hand is None:
        decision = _decide(message, ear, now=now, talk=talk)
    elif heard.command is Command.STOP and at_hand.skill != BOOKING.name and _books(ear.words):
        decision = Decision(Act.START, skill=BOOKING.name)
    elif _only_tells_of_allergies(at_hand, heard, ear):  # they are noted; the question stands
        heard = Heard()
        is_stale = dialogue.is_stale(at_hand, now=now)
        decision = Decision(Act.RESUME if is_stale else Act.ASK_AGAIN)
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


def _calmed(understood: Understanding) -> Understanding:
    """A card left at home is no emergency, however it is cried out; the door saw no red flag."""
    calm = replace(understood, distress=Distress.CALM, distress_confidence=0.0)
    if understood.distress is Distress.ANGRY:
        calm = understood
    if understood.urgency <= Urgency.ROUTINE and understood.intent is not Intent.EMERGENCY:
        return calm
    return replace(calm, intent=Intent.VISIT_GUIDE, urgency=Urgency.NONE, abstained=True)


def _wanted(talk: Talk, at_hand: Dialogue | None, heard: Heard) -> str | None:
    """The skill that these words are for, whatever a model would say of them."""
    if at_hand is None:
        return book.wanted(talk)
    return book.claimed(talk, answers=heard.is_answer)


def _books(words: str) -> bool:
    """ "算了,给我挂号吧": what stops one thing asks for another."""
    return _BOOKS.search(plain(words)) is not None


def _only_tells_of_allergies(at_hand: Dialogue, heard: Heard, ear: Ear) -> bool:
    """ "My mother is allergic to sulfa" asks for nobody else's report, and books nobody a visit."""
    asked = at_hand.asked in heard.found or at_hand.skill == MEDICINE.name
    return not asked and heard.command is None and states_only_allergies(ear.words)


def _first_care(ear: Ear) -> Decision | None:
    """Danger and anger in what is long enough to tell of them."""
    most = SHORT_ANSWER_ZH if has_han(ear.words) else SHORT_ANSWER
    return policy.first_care(ear.meaning) if not ear.tap and len(ear.words) > most else None


def _is_tile(tap: str) -> bool:
    return bool(tap) and tap != dialogue.ANSWER_TAP


def _decide(message: Message, ear: Ear, *, now: datetime, talk: Talk | None = None) -> Decision:
    unheard = not ear.words and media_of(message).get("kind") == "voice"
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


def media_of(message: Message) -> dict[str, Any]:
    media: dict[str, Any] = (message.details or {}).get("media") or {}
    return media


def words_of(message: Message) -> str:
    """What there is to understand: of a voice what a machine heard; nothing of a picture."""
    media = media_of(message)
    return str(media.get("transcript") or "") if media else message.text


def log_failure(sentence: str, error: Exception, conversation: Conversation) -> None:
    # Neither its message nor its traceback: both could quote the patient.
    particulars = {"conversation": conversation.pk, **kind_and_place(error)}
    logger.error(sentence, extra=particulars)
