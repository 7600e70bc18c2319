"""A hospital's day over every channel, with the vendors on this machine: who saw what.

Patients say what real ones wrote; vendors deliver it signed and sealed, some of it twice or three
times, and take our answers with the faults that they are known for. Afterwards what each patient's
phone got is held against what the house believes it sent.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import httpx

from adapters.rehearsal.stand_in import Fault, Outgoing, StandIn
from channels_app.rehearsal.house import OwnHouse

AT_ONCE = 16  # callbacks in flight
TWICE, THRICE = 0.08, 0.04  # of the callbacks; WeChat repeats within 15 s
ACKNOWLEDGED_WITHIN_MS = 300  # the goal; vendors ask again after 5 s
EARLY = "早上好，你们几点上班？"
SETTLE_S = 90.0  # for the last answer to be given to its vendor


@dataclass(frozen=True)
class Line:
    """One channel of the day: its vendor, how a patient is named there, and what goes wrong."""

    kind: str
    stand_in: StandIn
    address_of: Callable[[int], str]
    faults: Sequence[Fault]
    only_notices: bool = False

    @contextmanager
    def opened(self) -> Iterator["Line"]:
        with self.stand_in:
            yield self


@dataclass
class Day:
    callbacks: int = 0
    refused: Counter[int] = field(default_factory=Counter)  # by HTTP status
    acknowledged_ms: list[float] = field(default_factory=list)
    messages: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # sent, given up, owed
    stuck: list[list[str]] = field(default_factory=list)  # a thread that owes: kind, lots
    attempts: list[list[Any]] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    out_of_bounds: int = 0  # refused by a vendor's window or quota, which we keep account of
    leaked: int = 0  # patients' words in a log
    faults: int = 0  # that happened
    took_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        broken = (self.lost, self.doubled, self.reordered, self.out_of_bounds, self.leaked)
        return not any(broken) and not self.refused and not self.answers["owed"]

    @property
    def late(self) -> int:
        """Callbacks that were acknowledged too late, as some are on a machine that is busy."""
        return sum(took_ms > ACKNOWLEDGED_WITHIN_MS for took_ms in self.acknowledged_ms)


@dataclass
class _Patient:
    line: Line
    address: str
    turns: Sequence[str]


def live_a_day(
    house: OwnHouse,
    lines: Sequence[Line],
    dialogues: Sequence[Sequence[str]],
    *,
    patients: int,
    rate: float,
    seed: int = 0,
) -> Day:
    """Have patients write, `rate` callbacks a second in all, nurses answer, and count."""
    chance, day = random.Random(seed), Day()
    cast = [
        _Patient(
            line := lines[number % len(lines)],
            line.address_of(number),
            dialogues[number % len(dialogues)],
        )
        for number in range(patients)
    ]
    for line in lines:
        line.stand_in.faults.extend(line.faults)
    told = [
        {
            "slug": line.kind,
            "kind": line.kind,
            "settings": line.stand_in.settings(),
            "secrets": line.stand_in.secrets(),
        }
        for line in lines
    ]
    house.ward("open", told=json.dumps(told))
    nurses = house.staffed()
    try:
        early = _warm_up(house, lines, after=patients)
        began_at = time.monotonic()
        _write_all(house, cast, day, rate=rate, chance=chance)
        day.took_s = time.monotonic() - began_at
        found = _settled(house)
    finally:
        assert nurses.stdin is not None
        nurses.stdin.close()
        nurses.wait(30)
    found = _settled(house)  # what the nurses said last
    _count(day, [*early, *cast], found, lines)
    day.leaked = _leaks(house, [*early, *cast])
    return day


def _warm_up(house: OwnHouse, lines: Sequence[Line], *, after: int) -> list[_Patient]:
    """One patient of each channel before the clock runs: a process that has just begun is slow."""
    early = [
        _Patient(line, line.address_of(number), [EARLY])
        for number, line in enumerate(lines, start=after)
    ]
    with httpx.Client(base_url=house.url, timeout=20) as client:
        for patient in early:
            writes = patient.line.stand_in.writes(patient.address, EARLY)
            _post(client, patient.line.kind, writes)
    _settled(house)
    return early


def _write_all(
    house: OwnHouse, cast: Sequence[_Patient], day: Day, *, rate: float, chance: random.Random
) -> None:
    """Each patient's messages in order; everybody's at once; some deliveries repeated."""
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=house.url, timeout=20))
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        next_at = time.monotonic()
        for row in zip_longest(*(patient.turns for patient in cast)):
            waiting = []
            for patient, text in zip(cast, row, strict=True):
                if text is None:
                    continue
                callback = patient.line.stand_in.writes(patient.address, text)
                drawn = chance.random()
                times = 3 if drawn < THRICE else 2 if drawn < THRICE + TWICE else 1
                day.messages += 1
                for _repeat in range(times):
                    next_at = max(next_at, time.monotonic()) + 1 / rate
                    time.sleep(max(0.0, next_at - time.monotonic()))
                    waiting.append(pool.submit(_post, client, patient.line.kind, callback))
            for each in waiting:  # a patient's next message comes after this one
                status, took_ms = each.result()
                day.callbacks += 1
                day.acknowledged_ms.append(took_ms)
                if status != httpx.codes.OK:
                    day.refused[status] += 1


def _post(client: httpx.Client, slug: str, callback: Outgoing) -> tuple[int, float]:
    began_at = time.perf_counter()
    answer = client.post(
        f"/channels/{slug}/callback",
        params=dict(callback.query),
        content=callback.body,
        headers={"Content-Type": callback.content_type, **callback.headers},
    )
    return answer.status_code, (time.perf_counter() - began_at) * 1_000


def _settled(house: OwnHouse) -> dict[str, Any]:
    """What the house has once nothing is owed any more, or after a while."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        found: dict[str, Any] = json.loads(house.ward("tell"))
        if not found["owed"] or time.monotonic() > deadline:
            return found
        time.sleep(1)


def _count(
    day: Day, cast: Sequence[_Patient], found: Mapping[str, Any], lines: Sequence[Line]
) -> None:
    threads = {(each["slug"], each["address"]): each for each in found["threads"]}
    for patient in cast:
        thread = threads.get((patient.line.kind, patient.address))
        said = thread["said"] if thread else []
        day.lost += sum((Counter(patient.turns) - Counter(said)).values())
        day.doubled += sum((Counter(said) - Counter(patient.turns)).values())
        day.reordered += Counter(said) == Counter(patient.turns) and said != list(patient.turns)
        lots = [lot for _text, lot, _is_card in thread["answers"]] if thread else []
        day.answers.update(lots)
        if "owed" in lots:
            day.stuck.append([patient.line.kind, *lots])
        if thread is not None and not patient.line.only_notices:
            _compare(day, thread["answers"], got=_got(patient))
    day.attempts = found["attempts"]
    ours = {"45015", "45047", "95018"}
    injected = {fault.code for line in lines for fault in line.faults}
    day.out_of_bounds = sum(row[-1] for row in day.attempts if row[3] in ours - injected)
    day.faults = sum(len(line.faults) - len(line.stand_in.faults) for line in lines)


def _got(patient: _Patient) -> str:
    texts = (text for address, text in patient.line.stand_in.sent if address == patient.address)
    return "\n\n".join(texts)


def _compare(day: Day, answers: Sequence[tuple[str, str, bool]], *, got: str) -> None:
    """Hold what a phone got against what we believe: each once, in order, and nothing else.

    An emergency card may go ahead of what waits; what was given up may have arrived all the same.
    """
    at, rest = 0, got
    for text, lot, is_card in answers:
        if lot != "sent":
            continue
        found = got.find(text, 0 if is_card else at)
        if found < 0:
            day.reordered += text in got
            day.lost += text not in got
        elif not is_card:
            at = found + len(text)
        rest = rest.replace(text, "", 1)
    for text, lot, _is_card in answers:
        if lot == "given up":
            rest = rest.replace(text, "", 1)
    day.doubled += bool(rest.strip())


def _leaks(house: OwnHouse, cast: Sequence[_Patient]) -> int:
    logs = "".join(path.read_text(errors="replace") for path in house.var.glob("*.log"))
    words = {text for patient in cast for text in patient.turns if len(text) > 6}
    names = {patient.address for patient in cast}
    return sum(word in logs for word in words | names)
