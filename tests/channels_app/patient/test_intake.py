"""What several browsers send at the same moment shares a transaction, and nothing else."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from channels_app import intake
from channels_app.visit import Visit
from conversations.models import Message
from live.show import conversation_group, screens


async def test_one_who_is_refused_takes_no_other_with_it(browser) -> None:
    lines = [await browser() for _ in range(4)]
    for line in lines:
        await line.hello()
    await lines[0].send("在吗", client_id="c1")

    said = [("别的", "c1"), ("您好", "c2"), ("喂", "c3"), ("早", "c4")]
    answers = await asyncio.gather(
        *(
            line.send(text, client_id=client_id)
            for line, (text, client_id) in zip(lines, said, strict=True)
        )
    )

    assert [each.get("code", each["type"]) for each in answers] == [
        "client_id_reused",
        "ack",
        "ack",
        "ack",
    ]
    assert await Message.objects.filter(author="patient").acount() == 4


async def test_a_database_that_fails_answers_each_and_keeps_the_line(visitor, monkeypatch) -> None:
    def ill(*_args, **_fields):
        raise ConnectionError

    monkeypatch.setattr(intake, "take_in_all", ill)
    failed = await visitor.send("在吗", client_id="c1")
    monkeypatch.undo()

    assert failed["code"] == "failed"
    assert (await visitor.send("在吗", client_id="c1"))["type"] == "ack"


async def test_an_ill_database_is_asked_once_for_all(monkeypatch, transactional_db) -> None:
    asked = []

    def ill(said, **_fields):
        asked.append(said)
        raise OperationalError

    monkeypatch.setattr(intake, "take_in_all", ill)
    store = intake.Intake(asyncio.get_running_loop())._outcomes
    with pytest.raises(OperationalError):
        await sync_to_async(store)([lambda: "一", lambda: "二", lambda: "三"])

    assert asked == [["一", "二", "三"]]


async def test_a_second_page_of_the_same_visitor_hears_what_the_first_one_says(browser) -> None:
    first, second = await browser(), await browser()
    await first.hello()
    await first.send("在吗")
    await second.hello(first.token)
    await second.hear("messages")

    await first.send("有人吗")

    assert [i["text"] for i in (await second.hear("messages"))["items"]] == ["有人吗"]


async def test_what_rings_while_a_message_is_stored_is_shown_after_its_acknowledgement(
    visitor, monkeypatch
) -> None:
    await visitor.send("在吗")
    store = Visit._store

    async def rung_meanwhile(self, frame):
        answer = await store(self, frame)
        await visitor_writes_elsewhere(self)
        return answer

    async def visitor_writes_elsewhere(visit):
        # Another line of the same conversation is stored and rings, before our answer is out.
        message = await Message.objects.select_related("conversation").alatest("seq")
        await Message.objects.acreate(
            conversation=message.conversation,
            data_key_id=message.data_key_id,
            seq=message.seq + 1,
            author="nurse",
            text="我在",
            created_at=message.created_at,
            sent_at=message.created_at,
            handled_at=message.created_at,
        )
        conversation = message.conversation
        conversation.last_seq = message.seq + 1
        await conversation.asave(update_fields=["last_seq"])
        frame = {
            "type": "conversation.news",
            "conversation": conversation.pk,
            "seq": message.seq + 1,
        }
        for show in screens:
            show([(conversation_group(conversation.pk), frame)])
        await asyncio.sleep(0.05)

    monkeypatch.setattr(Visit, "_store", rung_meanwhile)
    assert (await visitor.send("有人吗"))["type"] == "ack"

    assert [i["text"] for i in (await visitor.hear("messages"))["items"]][-1] == "我在"
