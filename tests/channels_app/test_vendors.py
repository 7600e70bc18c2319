"""Vendors' calls that come at the same moment, and the short way to their door."""

import asyncio
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import AsyncClient

from channels_app import database

FIRST = "channels_app.vendor_views.VendorsFirst"
DOOR = "/channels/nobody/callback"
CSP = "Content-Security-Policy"


class Act:
    """Writes nothing; notes what came together, and lets the first wait."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_go_on, self.has_begun = Event(), Event()

    def __call__(self, said: Sequence[str]) -> list[str | Exception]:
        self.batches.append(list(said))
        self.has_begun.set()
        self.may_go_on.wait(5)
        if "ill" in said:
            raise OperationalError
        return [ValueError(each) if each == "bad" else each.upper() for each in said]


async def _gathered(act: Act, *said: str, at_once: int = 16) -> list[Any]:
    """The first alone, in every thread that writes; the others while those are busy."""
    gathering = database.Gathering(act, at_once=at_once)
    busy = [database.write(act.may_go_on.wait, 5) for _ in range(database.WRITERS - 1)]
    others = [asyncio.ensure_future(each) for each in busy]
    first = asyncio.ensure_future(gathering.write("first"))
    await asyncio.to_thread(act.has_begun.wait, 5)
    rest = [asyncio.ensure_future(gathering.write(each)) for each in said]
    await asyncio.sleep(0.05)
    act.may_go_on.set()
    ended = await asyncio.gather(first, *rest, return_exceptions=True)
    await asyncio.gather(*others)
    return ended


async def test_who_comes_while_one_is_written_is_written_together() -> None:
    act = Act()

    ended = await _gathered(act, "a", "b", "c")

    assert ended == ["FIRST", "A", "B", "C"]
    assert act.batches[0] == ["first"]
    assert sorted(each for batch in act.batches[1:] for each in batch) == ["a", "b", "c"]
    assert len(act.batches) < 4 or database.WRITERS > 1


async def test_not_too_many_at_once() -> None:
    act = Act()

    await _gathered(act, *"abcde", at_once=2)

    assert max(map(len, act.batches)) <= 2
    assert sum(map(len, act.batches)) == 6


async def test_what_goes_wrong_with_one_is_told_to_that_one() -> None:
    first, good, bad = await _gathered(Act(), "a", "bad")

    assert (first, good) == ("FIRST", "A")
    assert isinstance(bad, ValueError)


async def test_an_ill_database_is_told_to_all_who_came_together_and_to_nobody_later() -> None:
    act = Act()
    gathering = database.Gathering(act, at_once=16)
    act.may_go_on.set()

    with pytest.raises(OperationalError):
        await gathering.write("ill")
    assert await gathering.write("well") == "WELL"


async def test_who_goes_away_keeps_no_other_waiting() -> None:
    act = Act()
    gathering = database.Gathering(act, at_once=16)
    first = asyncio.ensure_future(gathering.write("first"))
    await asyncio.to_thread(act.has_begun.wait, 5)
    gone = asyncio.ensure_future(gathering.write("gone"))
    stays = asyncio.ensure_future(gathering.write("stays"))
    await asyncio.sleep(0.05)

    gone.cancel()
    act.may_go_on.set()

    assert await first == "FIRST"
    assert await stays == "STAYS"


@pytest.fixture
def vendors_first(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [each for each in settings.MIDDLEWARE if each != FIRST]
    monkeypatch.setattr(settings, "MIDDLEWARE", [FIRST, *others])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("vendors_first")
async def test_a_vendors_call_meets_no_other_middleware() -> None:
    called = await AsyncClient().post(DOOR, data=b"<xml/>", content_type="text/xml")
    page = await AsyncClient().get("/healthz")

    assert called.status_code == 404
    assert not called.has_header(CSP)
    assert page.has_header(CSP)


@pytest.mark.usefixtures("vendors_first")
async def test_a_vendor_who_calls_in_the_open_is_sent_where_it_is_safe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)

    called = await AsyncClient().post(DOOR, data=b"<xml/>", content_type="text/xml")

    assert (called.status_code, called["Location"]) == (301, f"https://testserver{DOOR}")
