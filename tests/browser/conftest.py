"""A whole house with its processes, a browser, and people who sit before it.

On this machine's files alone; and, where the test run names servers (DATABASE_URL, BROKER_URL,
REDIS_URL), on those, in a database of its own. Package scope, because while Playwright is at work
its event loop runs in this thread, which no other folder's test would like.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from browser.open_house import logins_of, newest_open_ticket, open_house
from browser.people import LAUNCH, Desk, Phone, Watch, open_desk, open_phone
from channels_app.rehearsal.house import OwnHouse

PATIENCE_MS = 20_000  # on a shared machine; a state that comes sooner is not waited for

expect.set_options(timeout=PATIENCE_MS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The day is played on real servers too; how a page looks does not depend on them."""
    if not os.environ.get("BROKER_URL"):
        return
    for item in items:
        if item.path == Path(__file__).with_name("test_day.py"):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="package")
def chromium() -> str:
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed: apt-get install chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return path


@pytest.fixture(scope="package")
def house(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHouse]:
    """The demo hospital with all processes, and with nurses day and night."""
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=LAUNCH)
        yield launched
        launched.close()


@pytest.fixture
def watch(house: OwnHouse) -> Iterator[Watch]:
    """Hears every page's complaints; a test that leaves one has failed."""
    watching = Watch(house.url)
    yield watching
    assert watching.troubles == []


@pytest.fixture
def contexts(browser: Browser, watch: Watch) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers of different people: nothing is shared between them."""
    opened: list[BrowserContext] = []

    def open_one(**options: object) -> BrowserContext:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        watch.over(context)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def phone(contexts: Callable[..., BrowserContext], house: OwnHouse) -> Phone:
    """A patient's phone, in Chinese; no page is open yet."""
    return open_phone(contexts, house.url)


@pytest.fixture(scope="package")
def logins(house: OwnHouse) -> dict[str, str]:
    return logins_of(house)


@pytest.fixture(scope="package")
def sessions() -> dict[str, list[object]]:
    """Cookies of those who have signed in before, by user name."""
    return {}


@pytest.fixture
def sits_down(
    contexts: Callable[..., BrowserContext],
    house: OwnHouse,
    logins: dict[str, str],
    sessions: dict[str, list[object]],
) -> Callable[[str], Desk]:
    """A member of staff signs in, the first time with her password, and sees her console."""

    def sit(username: str) -> Desk:
        known = sessions.get(username)
        desk = open_desk(contexts, house.url, cookies=known)
        if known is None:
            desk.sign_in(username, logins[username])
            sessions[username] = list(desk.page.context.cookies())
        else:
            desk.open()
        desk.is_live()
        return desk

    return sit


@pytest.fixture
def newest_ticket(house: OwnHouse) -> Callable[[], int]:
    """Which row of the queue is this test's patient: the house itself is asked."""

    return partial(newest_open_ticket, house)
