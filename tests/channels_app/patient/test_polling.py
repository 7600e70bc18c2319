"""Long-polling: the same visit, for networks that let no WebSocket through."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone

from channels_app import polling
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply
from patients.models import Channel, Patient

Frame = dict[str, Any]
Ask = Callable[..., Awaitable[list[Frame]]]
OURS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


async def post(body: Any, *, channel: str = "web", headers: dict[str, str] | None = None) -> Any:
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return await AsyncClient().post(
        f"/chat/{channel}/poll",
        text,
        content_type="application/json",
        headers=OURS if headers is None else headers,
    )


@pytest.fixture
def ask(browser: Any) -> Ask:
    async def ask_(*frames: Frame, token: str = "", after: int = 0, **body: Any) -> list[Frame]:
        answer = await post({"token": token, "after": after, "frames": list(frames), **body})
        said: list[Frame] = answer.json()["frames"]
        return said

    return ask_


def message(text: str, client_id: str) -> Frame:
    return {"type": "send", "text": text, "client_id": client_id}


def words(frames: list[Frame]) -> list[tuple[int, str]]:
    items = [item for frame in frames if frame["type"] == "messages" for item in frame["items"]]
    return [(item["seq"], item["text"]) for item in items if item["kind"] == "text"]


async def test_a_conversation_by_polling_is_the_conversation_by_socket(ask, browser) -> None:
    welcome, first, *_ = await ask(message("第一句", "p1"))
    token = welcome["token"]
    repeat = await ask(message("第一句", "p1"), token=token, after=1)

    line = await browser()
    await line.hello(token, after=1)
    second = await line.send("第二句", client_id="s2")
    polled = await ask(token=token)

    assert (welcome["type"], first["type"], first["seq"], second["seq"]) == ("welcome", "ack", 1, 2)
    assert next(f for f in repeat if f["type"] == "ack")["seq"] == 1
    assert (
        words(polled)
        == [(1, "第一句"), (2, "第二句")]
        == [(item["seq"], item["text"]) for item in await line.messages()]
    )


async def test_it_is_held_until_there_is_news(ask) -> None:
    token = (await ask(message("您好", "p1")))[0]["token"]
    held = asyncio.create_task(ask(token=token, after=1, wait=True))
    await asyncio.sleep(0.5)
    assert not held.done()

    conversation = await Conversation.objects.aget()
    await sync_to_async(queue_reply)(
        conversation, text="在", author=Author.ASSISTANT, epoch=0, now=timezone.now()
    )

    said = await asyncio.wait_for(held, 30)
    assert words(said) == [(2, "在")], said


async def test_it_ends_without_news_too(ask, monkeypatch) -> None:
    monkeypatch.setattr(polling, "HOLD_S", 0.2)

    assert [frame["type"] for frame in await ask(wait=True)] == ["welcome"]


async def test_a_held_poll_hears_of_the_first_message_that_another_request_brought(
    ask, monkeypatch
) -> None:
    monkeypatch.setattr(polling, "LOOK_AGAIN_S", 0.2)
    token = (await ask())[0]["token"]
    held = asyncio.create_task(ask(token=token, wait=True))
    await asyncio.sleep(0.3)

    await ask(message("胸口剧痛,喘不上气", "p1"), token=token)

    assert words(await asyncio.wait_for(held, 30))[0] == (1, "胸口剧痛,喘不上气")


async def test_errors_are_those_of_the_socket(ask) -> None:
    token = (await ask())[0]["token"]

    said = await ask(
        {"type": "fly"}, {}, message(" ", "p1"), message("长" * 4001, "p2"), token=token
    )
    expired = await ask(message("您好", "p3"), token="forged")

    assert [f.get("code") for f in said[1:]] == ["bad_frame", "bad_frame", "empty", "too_long"]
    assert [f.get("code") for f in expired] == ["bad_token"]
    assert await Message.objects.acount() == await Patient.objects.acount() == 0


async def test_what_is_no_poll_is_refused(ask) -> None:
    for body in ("", "[]", "{", b"\xff", "null", '{"frames": 7}', '{"frames": [7]}',
                 '{"frames": [], "wait": 1}', json.dumps({"frames": [{}] * 51})):  # fmt: skip
        assert (await post(body)).status_code == 400, body
    assert (await post({"frames": [], "x": "x" * 70_000})).status_code == 413
    assert (await AsyncClient().get("/chat/web/poll")).status_code == 405


async def test_only_our_own_pages_may_call_it(ask, settings) -> None:
    settings.WIDGET_ORIGINS = ["https://www.hospital.cn"]

    for headers in (
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://www.hospital.cn"},  # it embeds our page, and asks nothing itself
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"},
    ):
        answer = await post({"frames": []}, headers=headers)
        assert answer.status_code == 403, headers
        assert "Access-Control-Allow-Origin" not in answer


async def test_a_channel_that_is_switched_off_is_not_found(ask) -> None:
    await Channel.objects.aupdate(is_active=False)

    assert (await post({"frames": []})).status_code == 404
