"""Who comes by a link from an SMS: into one conversation, for three days, and nowhere else."""

import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from adapters.links import last_opened, new_link
from adapters.models import Link
from assistant.services import take_in
from channels_app import tokens
from conversations.models import Author, Conversation
from conversations.services import queue_reply
from patients.models import Channel, ContactPoint
from patients.services import erase_patient, meet


def converse(address: str = "+8613800000001") -> ContactPoint:
    """Somebody who wrote by SMS, and has an answer."""
    channel, _ = Channel.objects.get_or_create(slug="sms", kind="aliyun", name="短信")
    contact_point = meet(channel, address=address)
    conversation = take_in(contact_point, text="几点上班", now=timezone.now()).message.conversation
    queue_reply(
        conversation,
        text="八点",
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        now=timezone.now(),
    )
    return contact_point


@sync_to_async
def link_to(address: str = "+8613800000001") -> str:
    return new_link(converse(address), now=timezone.now())


async def come(browser: Any, link: str, slug: str = "sms") -> tuple[Any, dict[str, Any]]:
    line = await browser(channel=slug)
    await line.say("hello", link=link, after=0, lang="zh-hans")
    return line, await line.hear("welcome", "error")


async def test_a_link_opens_its_conversation_and_a_reply_goes_there(browser: Any) -> None:
    line, welcome = await come(browser, await link_to())
    assert [item["text"] for item in (await line.hear("messages"))["items"]] == ["几点上班", "八点"]

    assert (await line.send("谢谢"))["type"] == "ack"

    conversation = await Conversation.objects.aget()
    assert conversation.last_seq == 3
    assert await sync_to_async(last_opened)(await ContactPoint.objects.aget()) is not None
    again = await browser(channel="sms")  # the page was loaded anew
    assert (await again.hello(welcome["token"], after=2))["last_seq"] == 3
    assert [i["text"] for i in (await again.hear("messages"))["items"]] == ["谢谢"]


async def test_what_is_no_link_of_this_channel_opens_nothing(browser: Any) -> None:
    link = await link_to()
    await sync_to_async(converse)("+8613800000002")
    for wrong, slug in (
        (link[:-1] + "2", "sms"),
        ("x" * 12, "sms"),
        (link, "web"),
        ("'" * 12, "sms"),
    ):
        _line, told = await come(browser, wrong, slug)
        assert told["code"] == "link_expired"


async def test_a_link_ends(browser: Any) -> None:
    link = await link_to()
    await Link.objects.aupdate(expires_at=timezone.now() - timedelta(seconds=1))

    assert (await come(browser, link))[1]["code"] == "link_expired"


async def test_who_was_erased_is_met_by_nobody(browser: Any) -> None:
    link = await link_to()
    _line, welcome = await come(browser, link)
    contact_point = await ContactPoint.objects.select_related("patient").aget()
    await sync_to_async(erase_patient)(contact_point.patient, now=timezone.now())

    assert (await come(browser, link))[1]["code"] == "link_expired"
    line = await browser(channel="sms")
    assert (await line.hello(welcome["token"]))["code"] == "bad_token"


async def test_a_stranger_can_begin_nothing_on_a_channel_of_sms(browser: Any) -> None:
    await link_to()
    line = await browser(channel="sms")

    assert (await line.hello())["code"] == "not_found"


async def test_a_token_of_one_channel_opens_no_other(browser: Any) -> None:
    _line, welcome = await come(browser, await link_to())
    line = await browser(channel="web")

    assert (await line.hello(welcome["token"]))["code"] == "bad_token"


async def test_a_link_of_a_channel_that_is_switched_off_opens_nothing(browser: Any) -> None:
    link = await link_to()
    _line, welcome = await come(browser, link)
    await Channel.objects.filter(slug="sms").aupdate(is_active=False)

    assert (await come(browser, link))[1]["code"] == "link_expired"
    line = await browser(channel="sms")
    assert (await line.hello(welcome["token"]))["code"] == "not_found"

    await Channel.objects.filter(slug="sms").aupdate(is_active=True)
    assert (await come(browser, link))[1]["type"] == "welcome"


async def test_a_token_renewed_at_each_hello_ends_with_its_visit(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _line, welcome = await come(browser, await link_to())
    token, opened_at = welcome["token"], time.time()

    def at(hours: float) -> None:
        monkeypatch.setattr(tokens.time, "time", lambda: opened_at + hours * 3_600)

    for hours in (3, 6, 9, 11.9):
        at(hours)
        line = await browser(channel="sms")
        token = (await line.hello(token))["token"]
    at(12.1)
    line = await browser(channel="sms")
    assert (await line.hello(token))["code"] == "bad_token"


def test_a_token_says_when_its_link_was_opened_however_often_it_is_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened_at = time.time()
    token = tokens.make_token(tokens.visitor_by_link(7), channel="sms")
    ordinary = tokens.make_token(tokens.new_visitor(), channel="web")
    for hours in range(0, 12, 3):
        monkeypatch.setattr(time, "time", lambda h=hours: opened_at + h * 3_600)
        visitor = tokens.read_token(token, channel="sms")
        assert tokens.contact_point_of(visitor) == 7
        token = tokens.make_token(visitor, channel="sms")
    monkeypatch.setattr(time, "time", lambda: opened_at + tokens.BY_LINK_S + 60)
    with pytest.raises(tokens.BadToken):
        tokens.read_token(token, channel="sms")

    monkeypatch.setattr(time, "time", lambda: opened_at + 29 * 24 * 3_600)
    assert tokens.read_token(ordinary, channel="web")  # who came by no link stays


def test_a_token_from_before_they_said_when_the_link_was_opened_is_bad() -> None:
    with pytest.raises(tokens.BadToken):
        tokens.read_token(tokens.make_token("~7", channel="sms"), channel="sms")


def test_a_visit_by_link_lasts_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.make_token(tokens.visitor_by_link(7), channel="sms")
    assert tokens.contact_point_of(tokens.read_token(token, channel="sms")) == 7

    monkeypatch.setattr(tokens, "BY_LINK_S", -1)
    with pytest.raises(tokens.BadToken):
        tokens.read_token(token, channel="sms")
    assert tokens.contact_point_of(tokens.new_visitor()) is None


@pytest.mark.django_db
def test_the_page_tells_nobody_where_it_is(client: Client, hospital: Any) -> None:
    link = new_link(converse(), now=timezone.now())
    page = client.get(f"/s/{link}")

    assert page.status_code == 200
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store" and "noindex" in page["X-Robots-Tag"]
    assert "+86138" not in page.content.decode()
    assert not Link.objects.filter(opened_at__isnull=False).exists()  # a look opens nothing


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["x", "a" * 12, "%00", "'", "0" * 12, "中" * 12])
def test_a_dead_link_says_what_to_do(client: Client, hospital: Any, code: str) -> None:
    page = client.get(f"/s/{code}")

    assert page.status_code == 410
    assert "链接已失效" in page.content.decode()
    assert "This link has expired" in client.get(f"/s/{code}?lang=en").content.decode()
