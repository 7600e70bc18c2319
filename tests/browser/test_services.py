"""The services on the screen: a visit booked by tapping, a task done, a patient checked in."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.looks import (
    badly_named,
    headings,
    low_contrast,
    small_targets,
    unfocused,
    wider_than_the_screen,
)
from browser.people import Desk, Phone, open_desk, open_phone
from channels_app.rehearsal.house import OwnHouse

pytestmark = pytest.mark.once

SMALLEST_PHONE = {"width": 320, "height": 568}

Contexts = Callable[..., BrowserContext]
SitsDown = Callable[[str], Desk]


@pytest.fixture(scope="module")
def cared_for(house: OwnHouse) -> list[dict[str, int]]:
    given: list[dict[str, int]] = json.loads(house.ward("care"))
    return given


@pytest.fixture
def care(cared_for: list[dict[str, int]]) -> dict[str, int]:
    """A patient's task and visit of today, which no other test has touched."""
    return cared_for.pop()


def _answers(phone: Phone, count: int) -> None:
    expect(phone.by("assistant")).to_have_count(count)
    expect(phone.page.locator("#typing")).to_be_hidden()


def _to_the_held_seat(phone: Phone, *, department: str, name: str) -> None:
    """From the tile to the card of a seat that is kept."""
    phone.open()
    phone.page.locator(".tile-book").tap()
    _answers(phone, 1)
    phone.write(department)
    _answers(phone, 2)
    phone.page.locator(".choice-times .choice").first.tap()
    _answers(phone, 3)
    phone.write(name)
    _answers(phone, 4)
    phone.write("13812345678")
    expect(phone.log.locator(".visit-card")).to_have_count(1)


def _sound(page: Page) -> None:
    assert badly_named(page) == []
    assert low_contrast(page) == []
    assert small_targets(page) == []
    assert wider_than_the_screen(page) == []


def test_a_visit_is_booked_by_tapping_and_taken_into_the_calendar(phone: Phone) -> None:
    _to_the_held_seat(phone, department="皮肤科", name="李小红")
    card = phone.log.locator(".visit-card")
    expect(card).to_contain_text("占号中")
    expect(card.locator(".kept")).to_contain_text(re.compile(r"还剩 [34]:\d\d"))

    phone.page.get_by_role("button", name="确认预约").tap()

    booked = phone.log.locator(".visit-card").last
    expect(booked).to_contain_text("已预约")
    expect(booked).to_contain_text("皮肤科")
    # The card of the held seat says the same, and counts no more.
    expect(phone.log.locator(".visit-card .visit-status")).to_have_text(["已预约", "已预约"])
    expect(phone.log.locator(".kept")).to_have_count(0)
    with phone.page.expect_download() as download:
        booked.get_by_role("link", name="加入日历").tap()
    file = Path(download.value.path()).read_text()
    assert "BEGIN:VEVENT" in file
    assert "李小红" not in file


def test_a_cancelled_visit_is_struck_out_on_every_card(phone: Phone) -> None:
    _to_the_held_seat(phone, department="眼科", name="王小明")
    phone.page.get_by_role("button", name="确认预约").tap()
    expect(phone.log.locator(".visit-card")).to_have_count(2)

    phone.write("取消预约")
    phone.page.get_by_role("button", name="确定取消").tap()

    expect(phone.log.locator(".visit-card[data-status=cancelled]").last).to_contain_text("已取消")
    expect(phone.by("assistant").last.locator(".words").first).to_contain_text("已取消")
    expect(phone.log.locator(".visit-card:not([data-status=cancelled])")).to_have_count(0)
    expect(phone.log.locator(".card-act")).to_have_count(0)
    # And so it is when she comes back.
    phone.open()
    expect(phone.log.locator(".visit-card[data-status=cancelled]").first).to_be_visible()
    expect(phone.log.locator(".card-act")).to_have_count(0)


@pytest.mark.parametrize("is_large", [False, True], ids=["usual type", "large type"])
def test_booking_works_on_the_smallest_phone_in_english(
    contexts: Contexts, house: OwnHouse, is_large: bool
) -> None:
    phone = open_phone(contexts, house.url, locale="en-GB")
    phone.page.set_viewport_size(SMALLEST_PHONE)  # type: ignore[arg-type]
    if is_large:
        phone.open().page.locator("#large").tap()

    _to_the_held_seat(phone, department="dermatology", name="Mary Lee")

    expect(phone.log.locator(".visit-card")).to_contain_text("Kept for you")
    assert phone.page.evaluate("document.scrollingElement.scrollTop") == 0
    _sound(phone.page)


def test_a_tile_of_the_front_page_begins_its_service(phone: Phone) -> None:
    phone.open("/")

    phone.page.locator("main").get_by_role("link", name=re.compile("挂号")).tap()

    expect(phone.by("patient")).to_contain_text("挂号")
    _answers(phone, 1)
    phone.page.reload()  # says it once
    expect(phone.by("patient")).to_have_count(1)


def test_a_link_from_elsewhere_says_nothing_in_anybodys_name(phone: Phone) -> None:
    phone.open("/chat/?start=nurse")
    expect(phone.box).to_be_visible()
    expect(phone.log).to_have_attribute("aria-live", "polite")  # it is connected

    expect(phone.by("patient")).to_have_count(0)


@pytest.fixture
def drawn(phone: Phone) -> Callable[..., Page]:
    """Cards of services, drawn by the chat's own code from what a skill may say."""

    def draw(*all_details: dict[str, Any], text: str = "第一行\n最后一行") -> Page:
        phone.open()
        expect(phone.box).to_be_visible()
        phone.page.evaluate(
            """async ([text, all]) => {
              const source = document.querySelector('script[src*="chat"]').src;
              const {Bubbles} = await import(source.replace(/chat\\.[^/]*js$/, "bubbles.js"));
              const settings = JSON.parse(document.getElementById("chat-settings").textContent);
              const say = (name, values = {}) => (settings.words[name] ?? "")
                .replace(/\\{(\\w+)\\}/g, (_all, key) => values[key] ?? "");
              const log = document.getElementById("log");
              const bubbles = new Bubbles(log, say, settings);
              all.forEach((details, number) => bubbles.show({seq: number + 1, kind: "text",
                author: "assistant", at: new Date().toISOString(), text, details}));
            }""",
            [text, list(all_details)],
        )
        return phone.page

    return draw


def test_a_report_says_in_words_what_its_bars_show(drawn: Callable[..., Page]) -> None:
    rows = [
        {"name": "血红蛋白", "value": "134", "unit": "g/L", "range": "115–150", "at": 0.52,
         "in_range": [0.25, 0.75], "mark": "N", "word": "在参考范围内", "about": "",
         "trend": [{"date": "2026-08-20", "value": 131.0}, {"date": "2026-11-17", "value": 134.0}]},
        {"name": "白细胞计数", "value": "11.2", "unit": "10^9/L", "range": "3.5–9.5", "at": 0.9,
         "in_range": [0.25, 0.75], "mark": "H", "word": "偏高", "about": "", "trend": []},
    ]  # fmt: skip

    page = drawn(
        {"report": {"name": "血常规", "for": "陈**", "date": "2026-11-17", "rows": rows}},
        text="血常规 · 2026-11-17\n• 血红蛋白 134 g/L\n• 白细胞计数 11.2\n"
        "超出参考范围：白细胞计数。请让医生看一看。",
    )

    card = page.locator(".report-card")
    for words in ("血红蛋白", "134", "115–150", "在参考范围内", "偏高", "131 → 134"):
        expect(card).to_contain_text(words)
    expect(card.locator("svg.range-bar")).to_have_count(2)
    expect(page.locator(".bubble > .words")).to_have_text(
        ["超出参考范围：白细胞计数。请让医生看一看。"]
    )
    _sound(page)


def test_a_triage_says_how_urgent_in_a_word_and_a_colour(drawn: Callable[..., Page]) -> None:
    triage = {
        "departments": [{"name": "呼吸内科", "reason": "咳嗽伴发热", "location": "二层"}],
        "examinations": [{"name": "血常规", "prepare": "无需空腹"}],
        "watch": ["呼吸困难", "高热不退"],
    }

    page = drawn(
        *(
            {"triage": {**triage, "level": level, "level_name": name}, "progress": [3, 5]}
            for level, name in enumerate(("立即", "尽快", "今天就诊", "近日就诊", "可以等"), 1)
        )
    )

    cards = page.locator(".triage-card")
    expect(cards).to_have_count(5)
    for words in ("今天就诊", "第 3 级", "呼吸内科", "无需空腹", "呼吸困难", "120"):
        expect(cards.nth(2)).to_contain_text(words)
    expect(page.locator(".progress").first).to_contain_text("第 3 问")
    colours = (
        "cards => new Set(cards.map((c) => getComputedStyle(c.firstChild).backgroundColor)).size"
    )
    assert cards.evaluate_all(colours) == 5
    _sound(page)


# --- the nurses' side ----------------------------------------------------------------------------


def test_a_nurse_takes_a_task_and_finishes_it_without_a_mouse(
    sits_down: SitsDown, care: dict[str, int]
) -> None:
    desk = sits_down("wangfang")
    row = desk.page.locator(f"#task-{care['task']}")

    desk.page.keyboard.press("t")
    expect(row).to_be_visible()
    row.focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("#task")).to_contain_text("何美")
    desk.page.keyboard.press("a")
    expect(desk.page.locator(".task-said")).to_have_text("任务归您了。")
    desk.page.keyboard.press("e")
    expect(desk.page.locator("#task-note")).to_be_focused()
    desk.page.keyboard.type("已电话联系。")
    desk.page.keyboard.press("Control+Enter")

    expect(desk.page.locator("#task")).to_contain_text("已电话联系。")
    expect(row).to_have_count(0)
    desk.page.locator("#folder-tasks-done").click()
    expect(row).to_be_visible()


def test_of_two_nurses_the_second_is_told_plainly(
    sits_down: SitsDown, care: dict[str, int]
) -> None:
    desks = [sits_down("wangfang"), sits_down("liuyang")]
    for desk in desks:
        desk.page.locator("#folder-board").click()
        desk.page.locator(f"#task-{care['task']}").click()
        expect(desk.page.get_by_role("button", name="接下这项任务")).to_be_visible()

    for desk in desks:
        desk.page.get_by_role("button", name="接下这项任务").click()
        expect(desk.page.locator(".task-said")).to_be_visible()

    expect(desks[1].page.get_by_role("alert")).to_contain_text("同事先了一步")
    expect(desks[1].page.locator("#task")).to_contain_text("王芳")
    row = desks[1].page.locator(f"#task-{care['task']}")
    expect(row).to_contain_text("王芳")  # the list heard of it


def test_the_task_board_can_be_used_by_those_who_see_or_move_badly(
    sits_down: SitsDown, care: dict[str, int]
) -> None:
    desk = sits_down("wangfang")
    desk.page.locator("#folder-board").click()
    desk.page.locator(f"#task-{care['task']}").click()
    desk.page.get_by_role("button", name="接下这项任务").click()
    expect(desk.page.locator("#task-note")).to_be_visible()

    assert headings(desk.page) == 1
    assert unfocused(desk.page, steps=12) == []
    assert badly_named(desk.page) == []
    assert low_contrast(desk.page) == []
    assert wider_than_the_screen(desk.page) == []


def test_a_patient_is_checked_in_at_the_desk(
    sits_down: SitsDown, house: OwnHouse, care: dict[str, int]
) -> None:
    page = sits_down("liuyang").page
    page.goto(f"{house.url}/console/visits/")
    row = page.locator(f"#visit-{care['visit']}")
    expect(row).to_contain_text("何**")

    row.get_by_role("button").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("何美")
    expect(page.locator("#visit-arrived")).to_be_focused()
    page.keyboard.press("Enter")

    expect(dialog.get_by_role("status")).to_have_text("已签到。")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("已到诊")
    expect(page.locator("body")).not_to_contain_text("何美")


def test_the_desk_books_for_who_stands_there(sits_down: SitsDown, house: OwnHouse) -> None:
    page = sits_down("liuyang").page
    page.goto(f"{house.url}/console/visits/book/")

    page.locator("#phone").fill("139 0000 0103")
    page.locator("#phone").press("Enter")
    expect(page.locator("#found")).to_contain_text("孙丽")
    page.locator("select[name=department]").select_option(label="骨科")
    expect(page.locator("#slots .slot").first).to_be_visible()
    page.locator("#slots .slot").first.click()
    page.get_by_role("button", name="确认").click()

    expect(page.locator("#booked")).to_contain_text("骨科")
    assert "0103" not in page.url


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_visits_pages_fit_the_smallest_phone(
    contexts: Contexts,
    house: OwnHouse,
    sits_down: SitsDown,
    sessions: dict[str, list[object]],
    locale: str,
) -> None:
    sits_down("liuyang")
    pocket: dict[str, Any] = {"viewport": SMALLEST_PHONE, "has_touch": True}
    desk = open_desk(contexts, house.url, cookies=sessions["liuyang"], locale=locale, **pocket)

    for path in ("", "book/", "waitlist/"):
        desk.page.goto(f"{house.url}/console/visits/{path}")

        expect(desk.page.get_by_role("heading", level=1)).to_be_visible()
        assert headings(desk.page) == 1
        _sound(desk.page)
