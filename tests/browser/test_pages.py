"""Every page by itself: the widget, two languages, large type, and people who see or move badly."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from browser.looks import (
    badly_named,
    headings,
    low_contrast,
    small_targets,
    unfocused,
    wider_than_the_screen,
    words_of,
)
from browser.people import DESK_SIZE, PHONE_SIZE, Desk, Phone, open_desk, open_phone
from channels_app.rehearsal.house import OwnHouse

pytestmark = pytest.mark.once

CHINESE = re.compile(r"[\u3400-\u9fff]+|[、，。：；？！]")
ENGLISH = re.compile(r"[A-Za-z]{3,}")
# What a Chinese page may say in Latin letters: the switch itself, and names of keys.
LATIN_ALLOWED = {"English", "Ctrl", "Enter", "Esc"}
CHINESE_ALLOWED = {"中文", "网页咨询", "王芳", "刘洋"}  # the switch; names of channel and nurses

Contexts = Callable[..., BrowserContext]
SitsDown = Callable[[str], Desk]
# The widget shuts its house to scripts of the page around it; tests must get in.
OPEN_DOOR = """const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function () { return attach.call(this, {mode: "open"}); };"""
LANGUAGES = pytest.mark.parametrize(
    ("lang", "locale", "html_lang"), [("zh-hans", "zh-CN", "zh"), ("en", "en-GB", "en")]
)


def test_the_widget_opens_sends_closes_with_escape_and_gives_the_focus_back(
    contexts: Contexts, house: OwnHouse
) -> None:
    page = contexts(viewport=DESK_SIZE, locale="zh-CN").new_page()
    page.add_init_script(OPEN_DOOR)
    page.goto(house.url + "/")
    assert page.context.cookies() == []
    launcher = page.get_by_role("button", name=re.compile("咨询"))

    launcher.press("Enter")
    chat = page.frame_locator("iframe")
    expect(chat.get_by_role("log")).to_have_attribute("aria-live", "polite")  # it is connected
    chat.get_by_role("textbox").fill("停车怎么收费")
    chat.get_by_role("textbox").press("Enter")
    expect(chat.get_by_role("log")).to_contain_text("地下停车场")
    chat.get_by_role("textbox").press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()

    # Opened again, the conversation is where it was.
    launcher.press("Enter")
    expect(_said_in(chat)).to_have_count(2)


def test_the_widget_fills_a_phone_and_closes_by_its_button(
    contexts: Contexts, house: OwnHouse
) -> None:
    page = contexts(viewport=PHONE_SIZE, locale="zh-CN", has_touch=True).new_page()
    page.add_init_script(OPEN_DOOR)
    page.goto(house.url + "/")

    page.get_by_role("button", name="打开在线咨询").tap()

    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (PHONE_SIZE["width"], PHONE_SIZE["height"])
    page.get_by_role("button", name="关闭在线咨询").tap()
    expect(page.get_by_role("dialog")).to_be_hidden()


@LANGUAGES
@pytest.mark.parametrize("path", ["/", "/chat/", "/console/login/"])
def test_a_page_speaks_one_language(
    contexts: Contexts, house: OwnHouse, path: str, lang: str, locale: str, html_lang: str
) -> None:
    page = contexts(viewport=PHONE_SIZE, locale=locale).new_page()

    page.goto(house.url + path)

    expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{html_lang}"))
    _speaks(page, lang)


@LANGUAGES
def test_a_conversation_and_the_console_speak_one_language(
    contexts: Contexts,
    house: OwnHouse,
    sits_down: SitsDown,
    newest_ticket: Callable[[], int],
    lang: str,
    locale: str,
    html_lang: str,
) -> None:
    questions = {
        "zh-hans": ["转人工", "我爸突然胸口剧烈疼痛,大汗淋漓"],
        "en": [
            "Talk to a nurse",
            "Sudden severe chest pain, sweating a lot",
        ],
    }
    desk = sits_down("wangfang")
    phone = open_phone(contexts, house.url, locale=locale).open()
    phone.page.locator(".tile-book").tap()
    expect(phone.by("assistant").first).to_be_visible()
    for text, outcome in zip(questions[lang], (".event", ".emergency-card"), strict=True):
        phone.write(text)
        expect(phone.log.locator(outcome).first).to_be_visible()
    if lang == "en":
        desk.page.get_by_role("button", name="EN", exact=True).click()
        expect(desk.page.locator("html")).to_have_attribute("lang", "en")
        desk.is_live()
    desk.look_at(newest_ticket(), folder="red")
    expect(desk.page.locator("#card .handoff")).to_be_visible()

    _speaks(phone.page, lang)
    _speaks(desk.page, lang, besides=".said-text, #card q, #card .lines a, .row-name, .who b")

    desk.acknowledge_all()


def test_the_language_switch_is_remembered(phone: Phone) -> None:
    phone.open()
    phone.page.get_by_role("button", name="English").tap()
    expect(phone.page.locator("html")).to_have_attribute("lang", "en")

    phone.open("/chat/")

    expect(phone.page.locator("html")).to_have_attribute("lang", "en")
    expect(phone.page.get_by_role("button", name="中文")).to_be_visible()


def test_large_type_is_large_fits_the_phone_and_is_remembered(phone: Phone) -> None:
    phone.open()
    large = phone.page.get_by_role("button", name="大字版")

    large.tap()

    expect(large).to_have_attribute("aria-pressed", "true")
    phone.page.reload()
    assert _font_px(phone.page) >= 20
    assert wider_than_the_screen(phone.page) == []
    assert small_targets(phone.page) == []


@pytest.mark.parametrize("path", ["/", "/chat/", "/chat/?lang=en", "/console/login/"])
def test_a_page_can_be_used_by_those_who_see_or_move_badly(
    contexts: Contexts, house: OwnHouse, path: str
) -> None:
    page = contexts(viewport=PHONE_SIZE, locale="zh-CN", has_touch=True).new_page()

    page.goto(house.url + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert headings(page) == 1
    assert badly_named(page) == []
    assert low_contrast(page) == []
    assert small_targets(page) == []
    assert wider_than_the_screen(page) == []
    assert unfocused(page, steps=8) == []


def test_a_conversation_can_be_used_by_those_who_see_or_move_badly(phone: Phone) -> None:
    phone.open()
    for text in ("停车怎么收费", "我爸突然胸口剧烈疼痛,大汗淋漓"):
        phone.write(text)
        phone.is_stored(text)
    expect(phone.log.locator("a[href='tel:120']")).to_be_visible()

    expect(phone.log).to_have_attribute("aria-live", "polite")
    assert badly_named(phone.page) == []
    assert low_contrast(phone.page) == []
    assert small_targets(phone.page) == []
    assert wider_than_the_screen(phone.page) == []


def test_the_console_can_be_used_by_those_who_see_or_move_badly(
    phone: Phone, sits_down: SitsDown, newest_ticket: Callable[[], int]
) -> None:
    desk = sits_down("wangfang")
    phone.open().ask_for_a_nurse()
    ticket = newest_ticket()
    phone.write("我爸突然胸口剧烈疼痛,大汗淋漓")
    expect(desk.alarm).to_be_visible()
    desk.claim(ticket)
    desk.page.keyboard.press("Escape")

    assert headings(desk.page) == 1
    assert badly_named(desk.page) == []
    assert low_contrast(desk.page) == []
    assert wider_than_the_screen(desk.page) == []
    assert unfocused(desk.page, steps=12) == []
    desk.acknowledge_all()


def test_the_console_is_usable_on_a_phone(
    contexts: Contexts, house: OwnHouse, sessions: dict[str, list[object]], sits_down: SitsDown
) -> None:
    sits_down("wangfang")
    pocket: dict[str, Any] = {"viewport": PHONE_SIZE, "has_touch": True}
    desk = open_desk(contexts, house.url, cookies=sessions["wangfang"], **pocket)
    desk.open()
    desk.is_live()

    desk.page.locator("#folder-all").tap()
    desk.page.locator(".row").first.tap()

    expect(desk.page.locator("#thread-name")).to_be_visible()
    expect(desk.page.locator("#thread .said-text").first).to_be_visible()
    assert wider_than_the_screen(desk.page) == []
    assert small_targets(desk.page) == []


def _speaks(page: Page, lang: str, *, besides: str = "") -> None:
    foreign = CHINESE if lang == "en" else ENGLISH
    found = {word for text in words_of(page, besides=besides) for word in foreign.findall(text)}
    assert found - (LATIN_ALLOWED | CHINESE_ALLOWED) == set()


def _said_in(chat: FrameLocator) -> Any:
    return chat.get_by_role("log").locator(".words")


def _font_px(page: Page) -> float:
    return float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"))
