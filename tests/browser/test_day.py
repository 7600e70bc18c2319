"""A day in the house: a patient writes on her phone, a nurse reads at her desk."""

import json
import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from browser.people import Desk, Phone, Watch, exactly, open_phone
from channels_app.rehearsal.house import OwnHouse

CHEST_PAIN = "我爸突然胸口剧烈疼痛,大汗淋漓"
PARKING = "停车怎么收费"

SitsDown = Callable[[str], Desk]
NewestTicket = Callable[[], int]


def test_the_assistant_answers_with_its_source_and_says_what_it_is(phone: Phone) -> None:
    phone.open()
    expect(phone.box).to_be_visible()
    cookies_of_a_visitor = phone.page.context.cookies()

    phone.write(PARKING)

    answer = phone.by("assistant").first
    expect(answer).to_contain_text("地下停车场")
    expect(answer.locator(".source")).to_contain_text("停车场和停车收费")
    expect(answer.locator(".author")).to_contain_text("AI")
    assert cookies_of_a_visitor == []


def test_a_nurse_takes_over_writes_and_hands_back(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    desk = sits_down("wangfang")
    phone.open()

    # She asks for a person, and reads what her place is.
    phone.ask_for_a_nurse()
    expect(phone.banner).to_contain_text(re.compile("下一位|前面"))

    # The nurse sees her in the queue, and takes her.
    ticket = newest_ticket()
    expect(desk.row(ticket)).to_be_visible()
    desk.claim(ticket)
    expect(phone.banner).to_contain_text("王芳")

    # Both write, and the other reads it.
    desk.write("您好,我是王芳,请讲。")
    expect(phone.by("nurse").last).to_contain_text("您好,我是王芳,请讲。")
    expect(phone.by("nurse").last).to_contain_text("王芳")
    phone.write("我想问伤口能不能沾水")
    expect(desk.said.last).to_have_text("我想问伤口能不能沾水")

    # It is done, and the assistant answers again.
    desk.resolve()
    expect(phone.banner).to_be_hidden()
    phone.write(PARKING)
    expect(phone.by("assistant").last).to_contain_text("地下停车场")


def test_nothing_is_lost_doubled_or_turned_when_line_and_house_break(
    phone: Phone,
    sits_down: SitsDown,
    newest_ticket: NewestTicket,
    house: OwnHouse,
    watch: Watch,
) -> None:
    desk = sits_down("wangfang")
    phone.open().ask_for_a_nurse()
    desk.claim(newest_ticket())
    desk.write("我在,请说。")
    expect(phone.by("nurse")).to_have_count(1)

    # The phone loses its network, and the web process dies.
    watch.line_may_break = True
    phone.page.context.set_offline(True)
    house.kill("web")
    expect(phone.page.locator("#line-banner")).to_be_visible()
    expect(desk.page.locator("#line")).to_be_visible()
    for text in ("患者断线时第一句", "患者断线时第二句"):
        phone.write(text)
    for text in ("护士断线时第一句", "护士断线时第二句"):
        desk.write(text)
    expect(desk.page.locator("#pending .said-text")).to_have_count(2)

    # The house stands again; the phone finds its network a little later.
    house.start("web")
    house.wait_until_ready()
    desk.page.evaluate("dispatchEvent(new Event('online'))")  # or the next try comes by itself
    desk.is_live()
    expect(desk.page.locator("#pending .said-text")).to_have_count(0)
    phone.page.context.set_offline(False)

    said = [*("护士断线时第一句", "护士断线时第二句"), *("患者断线时第一句", "患者断线时第二句")]
    phone.is_stored("患者断线时第二句")
    both = re.compile("断线时")
    expect(phone.said.filter(has_text=both)).to_have_text(exactly(*said))
    expect(desk.said.filter(has_text=both)).to_have_text(exactly(*said))
    expect(phone.page.locator(".tick-waiting")).to_have_count(0)
    desk.resolve()


def test_a_red_flag_brings_the_emergency_card_and_an_alarm_until_somebody_answers(
    phone: Phone, sits_down: SitsDown
) -> None:
    desk = sits_down("wangfang")
    calm_title = desk.page.title()
    phone.open()

    phone.write(CHEST_PAIN)

    expect(phone.log.locator("a[href='tel:120']")).to_be_visible()
    expect(phone.log).to_contain_text("护士")
    expect(desk.alarm).to_be_visible()
    expect(desk.page).to_have_title(re.compile("⚠"))

    desk.acknowledge_all()

    expect(desk.alarm).to_be_hidden()
    expect(desk.page).to_have_title(calm_title)


def test_a_nurses_draft_survives_a_reload_and_follows_her_to_another_window(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    desk = sits_down("wangfang")
    phone.open().ask_for_a_nurse()
    ticket = newest_ticket()
    desk.claim(ticket)
    desk.box.fill("我先问一下医生,")
    expect(desk.page.locator("#saved")).to_have_text(re.compile("已保存|saved"))

    desk.page.reload()

    desk.is_live()
    expect(desk.box).to_have_value("我先问一下医生,")

    window = Desk(desk.page.context.new_page(), desk.page.url.removesuffix("/console/"))
    window.open()
    window.is_live()
    window.look_at(ticket, folder="mine")
    expect(window.box).to_have_value("我先问一下医生,")


def test_what_an_allergy_speaks_against_is_sent_only_with_a_reason(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    desk = sits_down("wangfang")
    phone.open().write("我对青霉素过敏")
    expect(phone.by("assistant").last).to_contain_text("您对青霉素过敏")
    phone.ask_for_a_nurse()
    desk.claim(newest_ticket())
    expect(desk.page.locator("#card .allergies")).to_contain_text("待核实")

    # She is asked before it leaves, and may take it back by the keyboard alone.
    asked = desk.page.locator("#objection")
    desk.write("可以先吃阿莫西林")
    expect(asked).to_be_visible()
    expect(asked).to_contain_text("阿莫西林")
    expect(asked.get_by_role("textbox")).to_be_focused()
    expect(phone.by("nurse")).to_have_count(0)
    desk.page.keyboard.press("Escape")
    expect(desk.box).to_have_value("可以先吃阿莫西林")

    # Without a reason it does not go; with one it does, and the reason stays with her.
    desk.box.press("Control+Enter")
    expect(asked).to_be_visible()
    desk.page.keyboard.press("Control+Enter")
    expect(asked).to_be_visible()
    desk.page.keyboard.type("皮试阴性,医生已同意")
    desk.page.keyboard.press("Control+Enter")
    expect(asked).to_be_hidden()
    expect(phone.by("nurse").last).to_contain_text("可以先吃阿莫西林")
    expect(phone.log).not_to_contain_text("皮试阴性")
    desk.resolve()


def test_of_two_nurses_who_claim_the_second_is_told(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    desk, other = sits_down("wangfang"), sits_down("liuyang")
    phone.open().ask_for_a_nurse()
    ticket = newest_ticket()
    late = _hears_late(other.page)
    other.look_at(ticket)
    expect(other.act("claim")).to_be_visible()
    late["now"] = True
    desk.claim(ticket)

    other.act("claim").click()

    expect(other.page.locator("#toasts .bad")).to_be_visible()
    expect(other.page.locator("#owner")).not_to_have_attribute("data-state", "mine")
    expect(phone.banner).to_contain_text("王芳")


def test_a_click_counts_also_when_the_queue_moves_under_the_finger(
    phone: Phone,
    contexts: Callable[..., BrowserContext],
    sits_down: SitsDown,
    newest_ticket: NewestTicket,
    house: OwnHouse,
) -> None:
    desk = sits_down("wangfang")
    phone.open().ask_for_a_nurse()
    first = desk.row(newest_ticket())
    other = open_phone(contexts, house.url).open()
    expect(other.box).to_be_visible()

    first.hover()
    desk.page.mouse.down()
    with desk.page.expect_response(re.compile("/console/lists/")):
        other.ask_for_a_nurse()
    desk.page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping')")
    desk.page.mouse.up()

    expect(desk.page.locator("#thread-head")).to_be_visible()
    expect(first).to_have_attribute("aria-current", "true")


def test_patient_and_nurse_need_no_mouse(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    desk = sits_down("liuyang")
    phone.open()
    expect(phone.box).to_be_visible()

    _tab_to(phone.page, "#words")
    phone.page.keyboard.type("转人工")
    phone.page.keyboard.press("Enter")
    expect(phone.page.locator("body")).to_have_attribute("data-owner", "queue")
    row = desk.row(newest_ticket())
    expect(row).to_be_visible()
    for _ in range(desk.page.locator(".row").count()):
        desk.page.keyboard.press("j")
        if row.evaluate("row => row === document.activeElement"):
            break
    desk.page.keyboard.press("Enter")
    expect(desk.act("claim")).to_be_visible()
    desk.page.keyboard.press("a")
    desk.owns_it()
    expect(desk.box).to_be_focused()
    desk.page.keyboard.type("没有鼠标也可以。")
    desk.page.keyboard.press("Control+Enter")

    expect(phone.by("nurse").last).to_contain_text("没有鼠标也可以。")
    expect(phone.banner).to_contain_text("刘洋")


def test_what_looks_like_code_is_shown_as_text(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket
) -> None:
    code = (
        """<img src=x onerror="window.broken=1"><script>window.broken=1</script><b>粗</b> {{7*7}}"""
    )
    desk = sits_down("wangfang")
    phone.open().ask_for_a_nurse()
    desk.claim(newest_ticket())

    phone.write(code)

    expect(desk.said.last).to_have_text(code)
    expect(phone.by("patient").last.locator(".words")).to_have_text(code)
    expect(desk.page.locator("#card")).to_contain_text("<script>")
    for page in (phone.page, desk.page):
        assert page.evaluate("window.broken") is None


def test_the_chat_works_where_web_sockets_are_blocked(
    phone: Phone, sits_down: SitsDown, newest_ticket: NewestTicket, watch: Watch
) -> None:
    desk = sits_down("wangfang")
    watch.line_may_break = True
    _block_sockets(phone.page.context)
    phone.open()

    phone.write(PARKING)
    expect(phone.by("assistant").first).to_contain_text("地下停车场")
    phone.ask_for_a_nurse()
    desk.claim(newest_ticket())
    desk.write("收到,请稍等。")

    expect(phone.by("nurse").last).to_contain_text("收到,请稍等。")
    expect(phone.said.filter(has_text=PARKING)).to_have_count(1)


def _hears_late(page: Page) -> dict[str, bool]:
    """From `now` on, what others do no longer reaches this screen; its own acts are answered."""
    late = {"now": False}

    def route(line: WebSocketRoute) -> None:
        house = line.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            told = json.loads(frame)["type"] in ("error", "pong", "welcome")
            if told or not late["now"]:
                line.send(frame)

        house.on_message(pass_on)

    page.route_web_socket(re.compile("/ws/console/"), route)
    page.reload()
    expect(page.locator("#live-mark")).to_have_attribute("data-state", "open")
    return late


def _block_sockets(context: BrowserContext) -> None:
    """As some hospital's proxy does: the handshake never succeeds."""
    context.route_web_socket(re.compile("/ws/"), lambda line: line.close())


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate("box => box === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {selector}")
