"""A patient at her phone and a nurse at her desk: what they do, and what they look at."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    expect,
)

LAUNCH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE_SIZE = {"width": 390, "height": 844}
DESK_SIZE = {"width": 1440, "height": 900}

_BROKEN_LINE = ("WebSocket connection to", "net::ERR_", "Failed to load resource", "htmx:")


class Watch:
    """What a page should never do: complain, break its own policy, or talk to another host."""

    def __init__(self, home: str) -> None:
        self.troubles: list[str] = []
        self.line_may_break = False  # a test that cuts the line says so
        self._host = urlsplit(home).netloc

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", self._break)
        context.on("request", self._ask)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if self.line_may_break and any(sign in message.text for sign in _BROKEN_LINE):
            return
        self.troubles.append(f"error: {message.text} ({message.location.get('url', '')})")

    def _break(self, error: WebError) -> None:
        self.troubles.append(f"uncaught: {error.error}")

    def _ask(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.troubles.append(f"another host: {request.url}")


class Phone:
    """The chat as a patient has it before her."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self._home = page, home

    def open(self, path: str = "/chat/") -> "Phone":
        self.page.goto(self._home + path)
        return self

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox")

    @property
    def banner(self) -> Locator:
        """Who looks after her, and her place in the queue."""
        return self.page.locator("#owner-banner")

    @property
    def said(self) -> Locator:
        """All messages, in the order in which she reads them."""
        return self.log.locator(".words")

    def by(self, author: str) -> Locator:
        return self.log.locator(f".message.{author}")

    def write(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def is_stored(self, text: str) -> None:
        """The tick that tells her that the hospital has it."""
        mine = self.by("patient").filter(has_text=text)
        expect(mine.locator(".tick-stored, .tick-read")).to_have_count(1)

    def ask_for_a_nurse(self) -> None:
        self.write("转人工")
        expect(self.page.locator("body")).to_have_attribute("data-owner", "queue")


class Desk:
    """The console as a nurse has it before her."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self._home = page, home

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto(f"{self._home}/console/")
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("input[name=password]").press("Enter")

    def open(self) -> None:
        self.page.goto(f"{self._home}/console/")

    def is_live(self) -> None:
        expect(self.page.locator("#live-mark")).to_have_attribute("data-state", "open")

    @property
    def alarm(self) -> Locator:
        return self.page.get_by_role("alertdialog")

    @property
    def box(self) -> Locator:
        return self.page.locator("#text")

    @property
    def said(self) -> Locator:
        """All messages of the open conversation, in the order in which she reads them."""
        return self.page.locator("#thread .said-text, #pending .said-text")

    def row(self, ticket: int) -> Locator:
        return self.page.locator(f"#row-{ticket}")

    def act(self, name: str) -> Locator:
        return self.page.locator(f"[data-act={name}]")

    def look_at(self, ticket: int, folder: str = "") -> None:
        if folder:
            self.page.locator(f"#folder-{folder}").click()
        self.row(ticket).click()
        expect(self.page.locator("#owner")).not_to_be_empty()

    def claim(self, ticket: int) -> None:
        self.look_at(ticket, folder="queue")
        self.act("claim").click()
        self.owns_it()

    def owns_it(self) -> None:
        """The conversation that she has open is hers."""
        expect(self.page.locator("#owner")).to_have_attribute("data-state", "mine")

    def write(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Control+Enter")

    def resolve(self) -> None:
        self.act("resolve").click()
        self.page.get_by_role("dialog").locator("button.good").click()
        expect(self.page.locator("#owner")).to_have_attribute("data-state", "ended")

    def acknowledge_all(self) -> None:
        """Leave no alarm to the next test."""
        while self.alarm.is_visible():
            before = self.alarm.locator(".alarm-row").count()
            self.alarm.locator(".alarm-ok").first.click()
            expect(self.alarm.locator(".alarm-row")).not_to_have_count(before)


def open_phone(
    contexts: Callable[..., BrowserContext], home: str, *, locale: str = "zh-CN", **options: Any
) -> Phone:
    context = contexts(
        viewport=PHONE_SIZE, locale=locale, timezone_id="Asia/Shanghai", has_touch=True, **options
    )
    return Phone(context.new_page(), home)


def open_desk(
    contexts: Callable[..., BrowserContext],
    home: str,
    *,
    cookies: Sequence[object] | None = None,
    locale: str = "zh-CN",
    **options: Any,
) -> Desk:
    context = contexts(
        **{"viewport": DESK_SIZE, "locale": locale, "timezone_id": "Asia/Shanghai", **options}
    )
    if cookies:
        context.add_cookies(cookies)  # type: ignore[arg-type]
    return Desk(context.new_page(), home)


def exactly(*texts: str) -> list[re.Pattern[str]]:
    """Patterns for elements that say these texts and nothing else."""
    return [re.compile(rf"^{re.escape(text)}$") for text in texts]
