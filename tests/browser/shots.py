"""python tests/browser/shots.py [FOLDER]: take the README's pictures, and look at every screen.

Without a folder the two pictures go to docs/images; with one, every other screen goes there too.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.open_house import logins_of, newest_open_ticket, open_house
from browser.people import LAUNCH, Desk, Phone, open_desk, open_phone
from channels_app.rehearsal.house import OwnHouse

IMAGES = Path(__file__).parents[2] / "docs/images"
TABLET_SIZE = {"width": 820, "height": 1180}
CHROMIUM = "/usr/bin/chromium"


def main(folder: Path | None) -> None:
    expect.set_options(timeout=20_000)
    with (
        tempfile.TemporaryDirectory(prefix="wenan-shots-") as var,
        open_house(Path(var)) as house,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=LAUNCH)
        take_readme(browser, house)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            take_all(browser, house, folder)
        browser.close()


def take_readme(browser: Browser, house: OwnHouse) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    desk = open_desk(browser.new_context, house.url)
    desk.sign_in("wangfang", logins_of(house)["wangfang"])
    desk.is_live()

    phone = _phone(browser, house)
    phone.page.locator(".tile-book").tap()
    expect(phone.by("assistant")).to_have_count(1)
    phone.ask_for_a_nurse()
    desk.claim(newest_open_ticket(house))
    desk.write("您好,我是王芳。您想看哪一科?我帮您看看号源。")
    expect(phone.by("nurse")).to_have_count(1)
    phone.page.set_viewport_size({"width": 390, "height": 1130})  # the whole talk in one picture
    phone.page.locator("#words").blur()
    _shoot(phone, IMAGES / "chat-phone.png")

    for words in (
        ("术后第三天,伤口有点发红,能不能洗澡", "转人工"),
        ("你们态度太差了,我等了两个小时都没人理我,我要投诉!",),
        ("我妈的降压药吃完了,能不能代开", "找护士"),
    ):
        other = _phone(browser, house)
        for text in words:
            other.write(text)
            other.is_stored(text)
        expect(other.page.locator("body")).to_have_attribute("data-owner", "queue")
    patient = _phone(browser, house)
    for text in ("我爸今年62岁,有高血压", "我爸突然胸口剧烈疼痛,大汗淋漓"):
        patient.write(text)
        patient.is_stored(text)
    expect(desk.alarm).to_be_visible()
    desk.look_at(newest_open_ticket(house), folder="queue")
    expect(desk.page.locator("#card .handoff")).to_be_visible()
    desk.page.locator("#thread-name").blur()
    _shoot(desk, IMAGES / "console.png")


def take_all(browser: Browser, house: OwnHouse, folder: Path) -> None:
    for lang, question in (
        ("zh-CN", "我嗓子疼三天了,有点发烧"),
        ("en-GB", "My throat hurts for three days"),
    ):
        phone = open_phone(browser.new_context, house.url, locale=lang).open("/")
        _shoot(phone, folder / f"home-{lang}.png")
        phone.open()
        expect(phone.box).to_be_visible()
        _shoot(phone, folder / f"chat-new-{lang}.png")
        phone.page.locator("#emergency-open").tap()
        _shoot(phone, folder / f"chat-emergency-{lang}.png")
        phone.page.locator("#emergency-close").tap()
        phone.write(question)
        expect(phone.log.locator(".message.assistant, .message.system").first).to_be_visible()
        _shoot(phone, folder / f"chat-unwell-{lang}.png")
        phone.page.locator("#large").tap()
        _shoot(phone, folder / f"chat-large-{lang}.png")
        phone.page.locator("#menu").tap()
        _shoot(phone, folder / f"chat-menu-{lang}.png")
        phone.page.set_viewport_size(TABLET_SIZE)  # type: ignore[arg-type]
        _shoot(phone, folder / f"chat-tablet-{lang}.png")

        door = open_desk(browser.new_context, house.url, locale=lang)
        door.open()
        _shoot(door, folder / f"login-{lang}.png")
        door.sign_in("liuyang", logins_of(house)["liuyang"])
        door.is_live()
        _shoot(door, folder / f"console-empty-{lang}.png")
        door.look_at(newest_open_ticket(house), folder="all")
        expect(door.page.locator("#card .handoff")).to_be_visible()
        _shoot(door, folder / f"console-{lang}.png")
        door.page.keyboard.press("?")
        _shoot(door, folder / f"console-help-{lang}.png")
        door.page.keyboard.press("Escape")
        door.page.set_viewport_size(TABLET_SIZE)  # type: ignore[arg-type]
        _shoot(door, folder / f"console-tablet-{lang}.png")
        door.page.set_viewport_size({"width": 390, "height": 844})
        for view in ("lists", "thread", "card"):
            door.page.locator(f"[data-view={view}]").click()
            _shoot(door, folder / f"console-phone-{view}-{lang}.png")


def _phone(browser: Browser, house: OwnHouse) -> Phone:
    phone = open_phone(browser.new_context, house.url).open()
    expect(phone.box).to_be_visible()
    return phone


def _shoot(person: Phone | Desk, path: Path) -> None:
    person.page.screenshot(path=path, scale="css", animations="disabled")
    print(path, path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
