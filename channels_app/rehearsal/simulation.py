"""Many patients at once, at a given pace, and what became of every message."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from channels_app.rehearsal.ledger import HUMAN, Findings, Sent, View, examine
from channels_app.rehearsal.patient import OPEN_WITHIN_S, HouseAway, PatientLine

THINK_S = 10.0  # a patient waits so long for an answer before writing on
PUSHED_WITHIN_S = 5.0  # after this long a screen that was not told of news pulls
PULLS_AT_ONCE = 20  # fresh pulls, so that the check is no storm

Progress = Callable[[int, int], None]  # messages sent, messages in all


@dataclass
class Case:
    """One patient when all is said: what they sent, and how it ended."""

    sent: list[Sent]
    view: View
    owner: str
    reconnects: int
    findings: Findings
    was_told: bool  # False: the last news reached the screen only because it asked

    @property
    def was_handed_over(self) -> bool:
        return self.owner in HUMAN or any(i.event == "queued" for i in self.view.items.values())

    @property
    def has_card(self) -> bool:
        return any(item.is_card for item in self.view.items.values())


@dataclass
class Outcome:
    cases: list[Case] = field(default_factory=list)
    took_s: float = 0.0  # the sending alone

    @property
    def findings(self) -> Findings:
        return sum((case.findings for case in self.cases), Findings())

    @property
    def sent(self) -> list[Sent]:
        return [sent for case in self.cases for sent in case.sent]


@dataclass(frozen=True)
class House:
    """Where patients write."""

    url: str
    channel: str = "web"
    lang: str = "zh-hans"

    def line(self, *, token: str = "", seed: int = 0) -> PatientLine:
        return PatientLine(self.url, channel=self.channel, lang=self.lang, token=token, seed=seed)


async def rehearse(
    house: House,
    dialogues: Sequence[Sequence[str]],
    *,
    patients: int,
    rate: float,
    timeout_s: float = 60.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """Have patients say their dialogues, `rate` messages a second in all, and check every promise.

    `timeout_s` bounds each wait: for an acknowledgement, and at the end for an answer or a person.
    Raises HouseAway, HouseRefuses when the house can't be reached at the start.
    """
    async with house.line() as visitor:  # who only looks, and leaves no trace
        await visitor.welcomed(within_s=min(timeout_s, OPEN_WITHIN_S))
    pace = Pace(rate, random.Random(seed))
    cast = [
        _Patient(house.line(seed=seed + number), dialogues[number % len(dialogues)])
        for number in range(patients)
    ]
    said = _Counter(sum(len(patient.turns) for patient in cast), progress)
    async with AsyncExitStack() as lines:
        for patient in cast:
            await lines.enter_async_context(patient.line)
        started = time.monotonic()
        await asyncio.gather(*(_live(each, pace, said, timeout_s=timeout_s) for each in cast))
        outcome = Outcome(took_s=time.monotonic() - started)
        gate = asyncio.Semaphore(PULLS_AT_ONCE)
        deadline = time.monotonic() + timeout_s
        outcome.cases = await asyncio.gather(
            *(_settle(each, house, gate, deadline=deadline) for each in cast)
        )
    return outcome


class Pace:
    """A door that lets `rate` a second through, at random moments, in the order they came."""

    def __init__(self, rate: float, chance: random.Random) -> None:
        self._rate, self._chance = rate, chance
        self._door = asyncio.Lock()
        self._next_at = 0.0

    async def turn(self) -> None:
        async with self._door:
            now = time.monotonic()
            # Poisson arrivals, for patients know nothing of each other; what was missed while
            # nobody was ready is not caught up in a burst.
            self._next_at = max(self._next_at, now) + self._chance.expovariate(self._rate)
            await asyncio.sleep(self._next_at - now)


@dataclass
class _Patient:
    line: PatientLine
    turns: Sequence[str]


@dataclass
class _Counter:
    messages: int
    progress: Progress | None
    said: int = 0

    def count(self) -> None:
        self.said += 1
        if self.progress:
            self.progress(self.said, self.messages)


async def _live(patient: _Patient, pace: Pace, said: _Counter, *, timeout_s: float) -> None:
    """Say one thing after another, each once the last is acknowledged and, mostly, answered."""
    line = patient.line
    for text in patient.turns:
        await pace.turn()
        said.count()
        sent = await line.say(text, within_s=timeout_s)
        if sent.acked_at is None:
            return  # lost already; more of it says nothing new
        await line.until(partial(line.is_cared_for, sent), within_s=min(THINK_S, timeout_s))


async def _settle(
    patient: _Patient, house: House, gate: asyncio.Semaphore, *, deadline: float
) -> Case:
    """Wait until the patient is cared for, and hold their screen against the whole conversation."""
    line = patient.line

    def all_cared_for() -> bool:
        return all(line.is_cared_for(sent) for sent in line.sent)

    await line.until(all_cared_for, within_s=max(0.0, deadline - time.monotonic()))
    async with gate:
        fresh, owner = await _pull_afresh(house, line.token)
        was_told = await line.until(
            lambda: line.view.last >= fresh.newest, within_s=PUSHED_WITHIN_S
        )
        if not was_told:
            await line.pull()
            await line.until(lambda: line.view.last >= fresh.newest, within_s=PUSHED_WITHIN_S)
    findings = examine(line.sent, live=line.view, fresh=fresh, owner=owner)
    return Case(line.sent, fresh, owner, line.reconnects, findings, was_told)


async def _pull_afresh(house: House, token: str) -> tuple[View, str]:
    async with house.line(token=token) as line:
        try:
            await line.welcomed(within_s=OPEN_WITHIN_S)
        except HouseAway:
            return View(), ""  # everything counts as lost, and it is
        await line.until(lambda: line.view.last >= line.promised, within_s=OPEN_WITHIN_S)
        return line.view, line.owner
