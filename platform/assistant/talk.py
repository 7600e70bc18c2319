"""What a skill is given of a dialogue, and what it gives back.

A skill says what it has to know (slots), in what order it asks, and what it does. It reads and
writes rows of the rooms below, inside the transaction that stores its answer; it knows no channel,
no model and no network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise

from assistant.reading.choices import Answer, consent
from conversations.models import Conversation
from hospital.models import Department, Hospital
from patients.models import Patient
from tickets.models import Reason
from triage.labels import NOT_UNDERSTOOD, Understanding, Urgency

ANY = "_any"  # "both will do"
UNSURE = "_unsure"  # of an option: "I don't know"
NONE_OF_THEM = "_none"  # "none of these": the slot stays open, and something else is offered

Facts = dict[str, Any]  # slot → what was found out, as JSON


@dataclass(frozen=True)
class Option:
    """One answer that can be tapped, or typed by its number."""

    label: str
    value: Any  # JSON; what the slot holds when it is taken


@dataclass(frozen=True)
class Found:
    """What somebody's words say of one slot, and where they say it."""

    value: Any  # JSON
    spans: Sequence[tuple[int, int]] = ()


@dataclass
class Talk:
    """A patient's message, and how the dialogue stands when it comes."""

    conversation: Conversation
    words: str
    now: datetime
    meaning: Understanding = NOT_UNDERSTOOD
    facts: Facts = field(default_factory=dict)
    asked: str = ""  # the slot that was asked for
    misses: int = 0  # times in a row that the answer was not understood
    read: dict[str, Any] = field(default_factory=dict)  # what several readers look for, found once

    @cached_property
    def hospital(self) -> Hospital:
        return Hospital.objects.this_one()

    @property
    def today(self) -> date:
        return timezone.localdate(self.now, self.hospital.zone)

    @property
    def lang(self) -> str:
        return self.conversation.language

    @property
    def is_english(self) -> bool:
        return self.lang == "en"

    @property
    def writer(self) -> Patient:
        return self.conversation.contact_point.patient


@dataclass(frozen=True)
class Slot:
    """One thing that a skill has to know."""

    name: str
    label: str | Promise  # for the nurse's card: "Department"
    # What words say of it. `asked`: they answer this very question, so that a bare "5" may do.
    read: "Callable[[Talk, bool], Found | None]" = lambda talk, asked: None
    clears: Sequence[str] = ()  # what was found out before, and holds no longer when this changes
    show: Callable[[Any], str] | None = str  # for the card; None: not shown there
    # Read before the options that were shown and before "stop": "取消" is about the visit there.
    first: bool = False
    is_secret: bool = False  # a code: its figures are masked in the thread once they were read
    # False: it reads its options itself; a number may be a value, and several may be taken.
    picks: bool = True


@dataclass(frozen=True)
class Ask:
    """Say something, and wait for one slot."""

    slot: str
    text: str
    options: Sequence[Option] = ()  # seven at most: a channel without buttons has eight letters
    again: str = ""  # the same question in other words, for an answer that was not understood
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """Say something; the skill has done its work."""

    text: str
    choices: Sequence[Mapping[str, str]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    then: str = ""  # the skill that goes on, where one tap leads there
    with_facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BringNurse:
    """A person has to go on; what was found out is on her card."""

    reason: Reason = Reason.OUT_OF_SCOPE
    urgency: Urgency = Urgency.ROUTINE
    department: Department | None = None
    text: str = ""  # said before the nurse is announced
    in_danger: bool = False  # show the emergency card and ring the alarm
    rules: Sequence[str] = ()  # what rang it
    signs: Sequence[str] = ()  # the same in the patient's language, for the emergency card
    details: Mapping[str, Any] = field(default_factory=dict)  # of what is said
    collected: Sequence[Mapping[str, Any]] = ()  # for the card; the dialogue fills it in


Step = Ask | Done | BringNurse


def _nothing(talk: Talk) -> None:
    return None


def _never(talk: Talk) -> bool:
    return False


def _not_between(talk: Talk, answers: bool) -> bool:
    return False


@dataclass(frozen=True)
class Skill:
    """One thing that the assistant can do in a dialogue."""

    name: str
    title: str | Promise  # as a patient reads it: "booking"
    slots: Sequence[Slot]
    proceed: Callable[[Talk], Step]  # runs in a transaction: rows only; may run again after a clash
    let_go: Callable[[Talk], None] = _nothing  # give back what is held, when it ends undone
    wants: Callable[[Talk], bool] = _never  # whether these words are for it, though nothing is open
    reads_records: bool = False  # it writes the access log, whose head is locked before all else
    # Whether they may be for it: asked only where the model could make nothing of them.
    takes: Callable[[Talk], bool] = _never
    # The same while another skill waits for an answer; `answers`: and can read these words as one.
    claims: Callable[[Talk, bool], bool] = _not_between
    hears_anger: bool = False  # keeps what was said in anger, and brings the nurse itself
    overhear: Callable[[Talk], None] = _nothing  # note what words tell it that go elsewhere

    def slot(self, name: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.name == name), None)


def read_agreement(talk: Talk, asked: bool) -> Found | None:
    """A yes or a no to what was asked; "perhaps" is neither, and a question is no yes."""
    answered = consent(talk.words) if asked else None
    if answered is None or answered.answer is Answer.UNSURE:
        return None
    return Found(answered.answer is Answer.YES, [answered.span])
