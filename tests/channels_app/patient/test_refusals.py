"""What comes over the line that should not, and what must come of it: a sentence, never a crash."""

import json
import time
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core import signing
from django.utils import timezone

from channels_app import intake, tokens, visit
from channels_app.limits import Buckets
from channels_app.visit import MAX_FRAME
from conversations.models import Message
from patients.models import Channel, Patient
from patients.services import erase_patient

NO_FRAMES = [
    "",
    "not json",
    "[]",
    "[1, 2]",
    "null",
    "7",
    '"hello"',
    "{",
    "{}",
    '{"type": null}',
    '{"type": 7}',
    '{"type": ["send"]}',
    '{"type": {"a": 1}}',
    '{"type": "fly"}',
    '{"type": "conversation.news"}',
    '{"type": "send"}',
    '{"type": "send", "client_id": "a"}',
    '{"type": "send", "text": "hi"}',
    '{"type": "send", "client_id": 1, "text": "hi"}',
    '{"type": "send", "client_id": "", "text": "hi"}',
    '{"type": "send", "client_id": "a b", "text": "hi"}',
    '{"type": "send", "client_id": "a\\n", "text": "hi"}',
    '{"type": "send", "client_id": "a", "text": ["hi"]}',
    '{"type": "send", "client_id": "a", "text": "hi", "tap": 3}',
    json.dumps({"type": "send", "client_id": "a" * 65, "text": "hi"}),
    '{"type": "pull"}',
    '{"type": "pull", "after": -1}',
    '{"type": "pull", "after": "1"}',
    '{"type": "pull", "after": 1.5}',
    '{"type": "pull", "after": true}',
    '{"type": "pull", "after": 99999999999999999999}',
    '{"type": "pull", "after": NaN}',
    '{"type": "seen", "seq": null}',
    '{"type": "hello", "token": 7}',
    '{"type": "hello", "after": "x"}',
    "[" * 50_000,
    '{"a":' * 10_000,
    "9" * 5_000,
]


async def test_what_is_no_frame_is_told_so_and_the_socket_stays(browser) -> None:
    for text in NO_FRAMES:
        line = await browser()
        await line.hello()

        await line.say_text(text)

        assert (await line.hear("error"))["code"] == "bad_frame", text[:60]
        assert (await line.hello())["type"] == "welcome", text[:60]


async def test_a_binary_frame_is_a_bad_frame(visitor) -> None:
    await visitor.line.give(data=b"\x00\xff" * 100)

    assert (await visitor.hear("error"))["code"] == "bad_frame"
    assert (await visitor.send("还在吗"))["type"] == "ack"


@pytest.mark.parametrize("size", [MAX_FRAME + 1, 5_000_000])
async def test_a_frame_over_64_kib_closes_the_socket(visitor, size) -> None:
    await visitor.say("send", client_id="big", text="x" * size)

    closed = await visitor.line.take()

    assert (closed["type"], closed["code"]) == ("websocket.close", 1009)
    assert await Message.objects.acount() == 0


async def test_what_nobody_could_read_is_refused_with_a_sentence(visitor) -> None:
    for text, code in (
        ("", "empty"),
        (" \n\t　", "empty"),
        ("\x00\x01\x02", "empty"),
        ("\u202e\u2066", "empty"),
        ("\ud800", "empty"),
        ("长" * 10_000, "too_long"),
        ("a" * 4_001, "too_long"),
    ):
        refused = await visitor.send(text, client_id="c1")

        assert (refused["type"], refused["code"], refused["client_id"]) == ("error", code, "c1")
        assert refused["message"]
    assert await Patient.objects.acount() == 0


async def test_every_script_and_every_sign_comes_through_as_words(visitor, browser) -> None:
    said = [
        ("a\x00b\x07c\x1b[31m", "abc[31m"),
        ("发\u202e烧\u2066了", "发烧了"),
        ("שלום \u200fעולם", "שלום \u200fעולם"),
        ("👨‍👩‍👧‍👦🏥🩺👍🏽", "👨‍👩‍👧‍👦🏥🩺👍🏽"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("<img src=x onerror=alert(1)>&amp;", "<img src=x onerror=alert(1)>&amp;"),
        ("'; DROP TABLE patients_patient; --", "'; DROP TABLE patients_patient; --"),
        ("{{ 7*7 }} {% debug %} %s %(x)s", "{{ 7*7 }} {% debug %} %s %(x)s"),
        ("头痛\ud800了", "头痛了"),
        ("长" * 4_000, "长" * 4_000),
    ]
    for text, _ in said:
        assert (await visitor.send(text))["type"] == "ack"

    tab = await browser()
    await tab.hello(visitor.token)

    assert [i["text"] for i in (await tab.hear("messages"))["items"]] == [kept for _, kept in said]


async def test_frames_before_hello_are_not_ready(browser) -> None:
    line = await browser()

    refused = await line.send("您好", client_id="c1")

    assert (refused["code"], refused["client_id"]) == ("not_ready", "c1")


def _forge() -> list[str]:
    token = tokens.make_token("visitor", channel="web")
    return [
        "x",
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token + "=",
        "x" * 100_00,
        signing.dumps(["visitor", "web"], salt="another.salt"),
        signing.dumps("visitor", salt="wenan.visitor"),
        signing.dumps([7, "web"], salt="wenan.visitor"),
        tokens.make_token("visitor", channel="other"),
    ]


async def test_a_token_that_is_not_ours_is_refused_and_a_new_hello_is_welcome(browser) -> None:
    for token in _forge():
        line = await browser()

        assert (await line.hello(token))["code"] == "bad_token"
        assert (await line.send("您好"))["code"] == "not_ready"
        assert (await line.hello())["type"] == "welcome"


async def test_a_token_is_good_for_thirty_days(browser, monkeypatch) -> None:
    token = tokens.make_token("visitor", channel="web")
    real = time.time
    monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 29 * 24 * 3600)
    assert (await (await browser()).hello(token))["type"] == "welcome"
    monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 31 * 24 * 3600)
    assert (await (await browser()).hello(token))["code"] == "bad_token"


async def test_no_token_shows_another_visitors_words(visitor, browser) -> None:
    await visitor.send("只有我能看")
    stranger = await browser()
    await stranger.hello()

    assert await stranger.messages() == []
    await stranger.send("我是别人")
    await visitor.send("第二句")

    assert [i["text"] for i in await stranger.messages()] == ["我是别人"]
    assert "只有我能看" not in str(await stranger.messages())


async def test_after_a_hello_as_somebody_else_the_first_ones_news_stay_away(
    visitor, browser
) -> None:
    await visitor.send("只有我能看")
    line = await browser()
    await line.hello(visitor.token)
    await line.hear("messages")

    await line.hello()
    await visitor.send("第二句")

    assert await line.silence()
    assert await line.messages() == []


async def test_other_sites_get_no_socket(browser) -> None:
    for origin in (
        None,
        "null",
        "",
        "http://evil.example",
        "http://testserver.evil.example",
        "http://testserver:8000",
        "ftp://testserver",
        "testserver",
        "http://testserver:port",
    ):
        assert not (await browser(origin=origin)).is_open, origin


async def test_sites_of_the_hospital_get_a_socket(browser, settings) -> None:
    settings.WIDGET_ORIGINS = ["https://www.hospital.cn"]

    for origin in ("https://www.hospital.cn", "http://testserver", "https://testserver"):
        assert (await (await browser(origin=origin)).hello())["type"] == "welcome"


async def test_a_channel_that_is_not_there_says_so_and_closes(browser) -> None:
    await Channel.objects.acreate(slug="off", kind="web", name="x", is_active=False)
    await Channel.objects.acreate(slug="wechat", kind="wechat", name="x")

    for slug in ("off", "wechat", "nowhere"):
        line = await browser(channel=slug)
        assert (await line.hello())["code"] == "not_found"
        assert (await line.line.take())["code"] == 4404


async def test_too_many_messages_wait_and_a_red_flag_never_does(visitor) -> None:
    answers = [await visitor.send(f"第{n}句") for n in range(25)]
    flagged = await visitor.send("我喘不上气,胸口剧痛")

    codes = [answer.get("code") for answer in answers]
    assert codes[:20] == [None] * 20
    assert codes[20:] == ["too_fast"] * 5
    assert flagged["type"] == "ack"


async def test_too_many_frames_are_told_so_and_a_red_flag_passes(visitor) -> None:
    for _ in range(40):
        await visitor.say("ping")
    assert (await visitor.hear("error"))["code"] == "too_fast"

    await visitor.say("send", client_id=str(uuid4()), text="我喘不上气,胸口剧痛")

    assert (await visitor.hear("ack"))["seq"] == 1


async def test_even_red_flags_have_a_ceiling(visitor, monkeypatch) -> None:
    monkeypatch.setattr(visit, "_messages_allowed", Buckets(rate=0.001, burst=2))
    monkeypatch.setattr(visit, "_pressing_allowed", Buckets(rate=0.001, burst=3))

    codes = [(await visitor.send("我喘不上气,胸口剧痛")).get("code") for _ in range(6)]

    assert codes == [None] * 5 + ["too_fast"]


async def test_the_emergency_button_never_waits(visitor) -> None:
    for n in range(20):
        await visitor.send(f"第{n}句")

    assert (await visitor.send("那个"))["code"] == "too_fast"
    assert (await visitor.send("我需要紧急帮助", tap="emergency"))["type"] == "ack"


async def test_one_address_brings_so_many_newcomers_and_no_more(browser, monkeypatch) -> None:
    monkeypatch.setattr(visit, "_newcomers_allowed", Buckets(rate=0.001, burst=2))
    lines = [await browser(address="8.8.4.4") for _ in range(4)]
    known = await lines[0].hello()

    assert [(await line.hello()).get("code") for line in lines[1:]] == [
        None,
        "too_fast",
        "too_fast",
    ]
    assert (await lines[3].hello(known["token"]))["type"] == "welcome"
    assert (await (await browser(address="8.8.8.8")).hello())["type"] == "welcome"
    assert (await (await browser()).hello())["type"] == "welcome"


async def test_our_own_fault_is_logged_without_words_and_the_socket_stays(
    visitor, monkeypatch, caplog
) -> None:
    def broken(said, **_fields):
        raise RuntimeError(f"could not store {said[0].text}")

    monkeypatch.setattr(intake, "take_in_all", broken)
    failed = await visitor.send("我的秘密", client_id="c1")
    monkeypatch.undo()
    stored = await visitor.send("我的秘密", client_id="c1")

    assert (failed["code"], failed["client_id"], stored["type"]) == ("failed", "c1", "ack")
    line = next(r for r in caplog.records if r.message == "chat frame failed")
    assert line.error == "RuntimeError"
    assert "我的秘密" not in caplog.text
    assert "我的秘密" not in str(line.__dict__)


async def test_a_silent_socket_is_closed(browser, monkeypatch) -> None:
    monkeypatch.setattr("channels_app.patient.IDLE_S", 0.2)
    line = await browser()
    await line.hello()

    assert (await line.line.take())["code"] == 4000


async def test_a_message_of_an_erased_patient_begins_a_new_record(visitor) -> None:
    await visitor.send("您好")
    patient = await Patient.objects.aget()
    await sync_to_async(erase_patient)(patient, now=timezone.now())

    again = await visitor.send("我又来了")

    assert again["type"] == "ack"
    assert await Patient.objects.acount() == 2
