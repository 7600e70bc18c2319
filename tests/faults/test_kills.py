"""Processes die at the worst moments, and no message is lost, doubled, turned or forgotten."""

import random
import time
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from channels_app.rehearsal.house import OwnHouse
from channels_app.rehearsal.simulation import House, Outcome, rehearse

CANARY = "朱雀七号"  # in every message; outside the sealed columns it must be nowhere
PATIENTS, RATE, PATIENCE_S = 40, 20.0, 150.0  # a worker that starts anew warms its models first
DIALOGUES = [
    [f"{CANARY}你好,请问怎么挂号", "儿科周末上班吗", "谢谢"],
    [f"我昨天开始嗓子疼,{CANARY}", "没有发烧,有一点咳嗽", "那我挂什么科"],
    [f"我要找护士,{CANARY}", "在吗", "我再等等"],
    [f"门诊几点开门{CANARY}", f"停车收费吗{CANARY}", "好的"],
    [f"我父亲突然胸口剧烈疼痛,大汗淋漓{CANARY}", "已经打了120", "我们在路上"],
]

Rows = list[tuple[object, ...]]


@pytest.mark.parametrize(
    ("victims", "seed"),
    [(["web"] * 3, 1), (["worker"] * 2, 2), (["web", "worker", "clock"], 3)],
    ids=["web", "worker", "all"],
)
async def test_a_killed_process_costs_a_moment_and_no_message(
    house: OwnHouse, ask: Callable[[str], Rows], victims: list[str], seed: int
) -> None:
    together = len(set(victims)) > 1

    outcome = await _rehearse_with_kills(house, victims, seed=seed, together=together)

    assert outcome.findings.is_clean, outcome.findings
    assert len(outcome.sent) == sum(len(DIALOGUES[n % 5]) for n in range(PATIENTS))
    if "web" in victims:
        assert sum(case.reconnects for case in outcome.cases) > 0
    _wait_until_nothing_is_owed(ask)


def test_the_patients_words_are_in_no_log_ring_glance_or_metric(
    house: OwnHouse, ask: Callable[[str], Rows]
) -> None:
    messages = ask("SELECT count(*) FROM conversations_message WHERE author = 'patient'")
    assert messages[0][0] > 0  # type: ignore[operator]
    words = CANARY.encode()
    escaped = CANARY.encode("unicode_escape")

    for path in house.var.rglob("*"):  # logs, and the whole database where it is a file
        if path.is_file():
            content = path.read_bytes()
            assert words not in content, path
            assert escaped not in content, path
    rows = ask("SELECT envelope FROM workers_ring") + ask("SELECT frame FROM live_glance")
    assert not [row for row in rows if CANARY in str(row) or escaped.decode() in str(row)]
    assert words not in _page(house, "/metrics")


async def _rehearse_with_kills(
    house: OwnHouse, victims: list[str], *, seed: int, together: bool
) -> Outcome:
    """Kill and restart processes at random points of the rehearsal: after so many messages."""
    chance = random.Random(seed)
    messages = sum(len(DIALOGUES[number % len(DIALOGUES)]) for number in range(PATIENTS))
    points = sorted(chance.sample(range(messages // 8, messages * 7 // 8), len(victims)))
    if together:
        points = [points[0]] * len(victims)
    due = list(zip(points, victims, strict=True))

    def strike(said: int, _messages: int) -> None:
        struck = []
        while due and due[0][0] <= said:
            struck.append(due.pop(0)[1])
            house.kill(struck[-1])
        if struck:
            house.start(*struck)

    return await rehearse(
        House(house.url),
        DIALOGUES,
        patients=PATIENTS,
        rate=RATE,
        timeout_s=PATIENCE_S,
        seed=seed,
        progress=strike,
    )


def _wait_until_nothing_is_owed(ask: Callable[[str], Rows]) -> None:
    owed = "SELECT count(*) FROM conversations_message WHERE handled_at IS NULL OR sent_at IS NULL"
    deadline = time.monotonic() + PATIENCE_S
    while ask(owed) != [(0,)]:
        assert time.monotonic() < deadline, f"still owed: {ask(owed)}"
        time.sleep(0.2)


def _page(house: OwnHouse, path: str) -> bytes:
    line = HTTPConnection("127.0.0.1", house.port, timeout=10)
    try:
        line.request("GET", path)
        return line.getresponse().read()
    finally:
        line.close()
