"""Plays a recorded dialogue through the real path: stored, understood, answered, delivered.

A line of `cases/<service>.jsonl` is one dialogue:
`{"id", "lang", "voice", "given": {…}, "turns": […], "expect": {…}}`. A turn is what the patient
types ("…"), taps ({"pick": 2} or {"pick": "王"}: the option of that number, or whose label holds
that), or types after a while ({"after": "3h", "says": "…"}); after {"later": "30m"} we write of our
own accord. What `given` sets up and what `expect` looks for in the rows is up to the service's own
page (`<service>.py`); `outcome` is how the dialogue has to end: done, stopped, handed_over,
interrupted, open.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from assistant.models import Dialogue
from assistant.services import Understand, attend, take_in
from careplans.asking import ask_owed
from conversations.models import Author, Conversation, Kind, Message
from patients.models import Channel, ContactPoint
from patients.services import meet
from tickets.models import Ticket

CASES = Path(__file__).with_name("cases")
THINKING = timedelta(seconds=20)  # between two messages of a patient
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Wrong(Exception):
    """The dialogue did not go as it should; says where."""


def cases(service: str) -> list[dict[str, Any]]:
    path = CASES / f"{service}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


@dataclass
class Patient:
    """Somebody who writes in web chat, answer by answer."""

    contact_point: ContactPoint
    understand: Understand
    now: datetime
    read: int = 0  # seq of what they have read
    turns: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def conversation(self) -> Conversation:
        return Conversation.objects.get(contact_point=self.contact_point)

    def says(self, text: str, *, tap: str = "") -> str:
        """Write, and return what is answered."""
        self.now += THINKING
        self.turns += 1
        received = take_in(
            self.contact_point,
            text=text,
            now=self.now,
            client_id=f"c{next(self._numbers)}",
            tap=tap,
        )
        attend(received.message.conversation_id, understand=self.understand, now=self.now)
        return self.hears()

    def taps(self, which: int | str) -> str:
        """Take one of the options that stand below the last answer."""
        offered = self.choices()
        if isinstance(which, int):
            found = offered[which - 1 : which]
        else:
            found = [each for each in offered if which in each["label"]][:1]
        if not found:
            raise Wrong(f"no option {which!r} among {[each['label'] for each in offered]}")
        return self.says(found[0]["text"], tap=found[0]["tap"])

    def waits(self, how_long: str) -> None:
        number, unit = re.fullmatch(r"(\d+)([mhd])", how_long).groups()  # type: ignore[union-attr]
        self.now += timedelta(**{_UNITS[unit]: int(number)})

    def choices(self) -> list[dict[str, str]]:
        last = self._answers().last()
        return ((last.details or {}).get("choices") or []) if last else []

    def hears(self) -> str:
        new = list(self._answers().filter(seq__gt=self.read))
        self.read = new[-1].seq if new else self.read
        return "\n".join(message.text for message in new)

    def _answers(self) -> Any:
        messages = Message.objects.filter(conversation=self.conversation, kind=Kind.TEXT)
        return messages.exclude(author=Author.PATIENT).order_by("seq")


Words = Callable[[str, Patient], str]


@dataclass
class Played:
    """How a dialogue went."""

    turns: int
    outcome: str
    said: list[str]  # what was answered, turn by turn
    handed_over: bool


def start(channel: Channel, name: str, *, understand: Understand, now: datetime) -> Patient:
    return Patient(meet(channel, address=name), understand, now)


def play(
    patient: Patient,
    turns: list[Any],
    *,
    words: Words | None = None,
    happens: Callable[[Patient, Any], None] | None = None,
) -> Played:
    """`words` puts in what a service's patient knows only then: a code from their phone.

    `happens` lets {"happens": …} come about: a seat is taken, the hospital closes.
    """
    said = []
    for turn in turns:
        match turn:
            case str():
                said.append(patient.says(words(turn, patient) if words else turn))
            case {"pick": which}:
                said.append(patient.taps(which))
            case {"after": how_long, "says": text}:
                patient.waits(how_long)
                said.append(patient.says(words(text, patient) if words else text))
            case {"later": how_long}:
                patient.waits(how_long)
                ask_owed(now=patient.now)
                said.append(patient.hears())
            case {"tap": tap, "says": text}:
                said.append(patient.says(text, tap=tap))
            case {"happens": what} if happens is not None:
                happens(patient, what)
                said.append(patient.hears())
            case _:
                raise Wrong(f"a turn that nobody can play: {turn}")
    newest = Dialogue.objects.filter(conversation=patient.conversation).order_by("-pk")
    ended = newest.exclude(ended_at=None).first()
    still_open = newest.open().exists()
    return Played(
        turns=patient.turns,
        outcome="open" if still_open else (ended.outcome if ended else "none"),
        said=said,
        handed_over=Ticket.objects.filter(conversation=patient.conversation).exists(),
    )


def check(played: Played, expect: dict[str, Any]) -> None:
    """What every service may expect. Raises Wrong."""
    if (outcome := expect.get("outcome")) and played.outcome != outcome:
        raise Wrong(f"ended {played.outcome}, not {outcome}")
    if "handed_over" in expect and played.handed_over != expect["handed_over"]:
        raise Wrong("handed over" if played.handed_over else "not handed over")
    for number, wanted in expect.get("says", {}).items():
        answer = played.said[int(number) - 1]
        for part in [wanted] if isinstance(wanted, str) else wanted:
            if part not in answer:
                raise Wrong(f"answer {number} does not say {part!r}: {answer!r}")
    for part in expect.get("never_says", ()):
        if any(part in answer for answer in played.said):
            raise Wrong(f"says {part!r}")


Prepare = Callable[[Patient, dict[str, Any]], Any]
Check = Callable[[Patient, dict[str, Any], Any], None]
