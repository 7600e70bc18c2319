"""The rehearsal's own honesty: it finds what is broken, and nothing where nothing is."""

import asyncio
from dataclasses import asdict

import pytest
from websockets.asyncio.server import serve

from channels_app.rehearsal import patient, simulation
from channels_app.rehearsal.patient import HouseAway, HouseRefuses, chat_address
from channels_app.rehearsal.report import simulation_rows, table
from channels_app.rehearsal.simulation import House, Outcome, rehearse

TALK = [["你好", "怎么挂号", "几点开门"], ["头有点疼", "我要找护士", "在吗"]]


@pytest.fixture(autouse=True)
def quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(patient, "LATER_S", (0.1, 0.2))


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what never comes. What comes is waited for as long as a busy machine needs."""
    monkeypatch.setattr(simulation, "THINK_S", 0.2)
    monkeypatch.setattr(simulation, "OPEN_WITHIN_S", 4)
    monkeypatch.setattr(simulation, "PUSHED_WITHIN_S", 0.3)


async def _rehearse(house, patients: int = 2, timeout_s: float = 60) -> Outcome:
    house = House(house.url)
    return await rehearse(house, TALK, patients=patients, rate=200, timeout_s=timeout_s)


async def test_a_house_that_keeps_its_promises_is_clean(fake_house) -> None:
    async with fake_house().running() as house:
        outcome = await _rehearse(house, patients=10)

    assert outcome.findings.is_clean, outcome.findings
    assert len(outcome.sent) == 30
    assert sum(case.was_handed_over for case in outcome.cases) == 5
    assert all(case.was_told for case in outcome.cases)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("loses the second", "lost"),
        ("leaves a gap", "lost"),
        ("stores twice", "duplicated"),
        ("answers twice", "duplicated"),
        ("never answers", "unanswered"),
        ("shows other words", "misshown"),
    ],
)
async def test_a_broken_promise_is_found(
    fake_house, little_patience, fault: str, finding: str
) -> None:
    async with fake_house(fault).running() as house:
        outcome = await rehearse(House(house.url), [TALK[0]], patients=2, rate=200, timeout_s=1)

    assert asdict(outcome.findings)[finding] > 0


async def test_a_message_without_its_ack_is_said_again_and_stored_once(fake_house) -> None:
    async with fake_house("dies before the ack").running() as house:
        outcome = await _rehearse(house)

    assert outcome.findings.is_clean, outcome.findings
    assert sum(case.reconnects for case in outcome.cases) == 1
    assert house.sends == len(outcome.sent) + 1


async def test_a_repeat_that_is_stored_again_counts_as_duplicated(fake_house) -> None:
    async with fake_house("dies before the ack", "forgets client ids").running() as house:
        outcome = await _rehearse(house)

    assert outcome.findings.duplicated == 2  # stored again, and answered again


async def test_who_is_told_that_they_are_too_fast_says_it_again_later(fake_house) -> None:
    async with fake_house("too fast once").running() as house:
        outcome = await _rehearse(house)

    assert outcome.findings.is_clean, outcome.findings


async def test_a_screen_that_is_never_told_still_gets_everything(
    fake_house, little_patience
) -> None:
    async with fake_house("shows nothing live").running() as house:
        outcome = await _rehearse(house, timeout_s=4)

    assert outcome.findings.is_clean, outcome.findings
    assert not any(case.was_told for case in outcome.cases)


async def test_patients_come_back_when_the_house_does(fake_house) -> None:
    house = fake_house()
    async with house.running():
        rehearsal = asyncio.create_task(
            rehearse(House(house.url), TALK, patients=6, rate=20, timeout_s=60)
        )
        await asyncio.sleep(0.3)
        await house.drop_everybody()
    await asyncio.sleep(0.3)
    async with house.running():
        outcome = await rehearsal

    assert outcome.findings.is_clean, outcome.findings
    assert sum(case.reconnects for case in outcome.cases) >= 6


async def test_a_house_that_is_away_is_said_to_be(fake_house) -> None:
    async with fake_house().running() as house:
        pass

    with pytest.raises(HouseAway):
        await rehearse(House(house.url), TALK, patients=1, rate=1, timeout_s=0.3)


async def test_a_house_that_lets_nobody_in_says_why() -> None:
    async def refuse(connection: object, request: object) -> object:
        return connection.respond(403, "")

    async with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HouseRefuses) as refusal:
            await rehearse(House(f"http://127.0.0.1:{port}"), TALK, patients=1, rate=1, timeout_s=1)

    assert refusal.value.status == 403


@pytest.mark.parametrize(
    ("url", "socket", "origin"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/chat/web/", "http://127.0.0.1:8000"),
        ("https://wenan.example/", "wss://wenan.example/ws/chat/web/", "https://wenan.example"),
        ("localhost:80", "ws://localhost:80/ws/chat/web/", "http://localhost:80"),
    ],
)
def test_the_address_of_the_socket(url: str, socket: str, origin: str) -> None:
    assert chat_address(url, "web") == (socket, origin)


async def test_the_table_shows_each_count_and_its_columns_are_in_line(fake_house) -> None:
    async with fake_house().running() as house:
        outcome = await _rehearse(house)

    rows = simulation_rows(outcome, {"要求人工": 1})
    lines = table(rows).splitlines()
    assert len(lines) == len(rows)
    assert any("要求人工" in line for line in lines)
    assert "头有点疼" not in table(rows)
