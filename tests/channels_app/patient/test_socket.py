"""The patient's socket: what a worried person with a bad connection would notice."""

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone

from channels_app import hub, tokens
from conversations.models import Author, Conversation, Message
from conversations.services import mark_seen, queue_reply, write_note
from hospital.models import Department
from live.show import conversation_group, show_on_commit
from patients.models import ContactPoint, Patient
from tickets.models import Alarm, Ticket
from tickets.services import claim_ticket, note, reply, resolve_ticket, transfer_ticket
from vault.models import DataKey


def rows() -> int:
    kinds = (Patient, ContactPoint, Conversation, Message, DataKey)
    return sum(kind.objects.count() for kind in kinds)


def say(text: str, **fields) -> Message:
    conversation = Conversation.objects.get()
    return queue_reply(
        conversation,
        text=text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        now=timezone.now(),
        **fields,
    )


async def test_a_visitor_who_only_looks_leaves_no_trace(visitor) -> None:
    await visitor.say("ping")
    await visitor.hear("pong")
    await visitor.say("pull", after=0)
    await visitor.say("typing")
    await visitor.say("seen", seq=1)
    assert (await visitor.hear("messages"))["items"] == []

    assert await sync_to_async(rows)() == 0


async def test_hello_is_answered_with_a_token_and_the_limits(browser) -> None:
    line = await browser()

    welcome = await line.hello()

    assert welcome["type"] == "welcome"
    assert (welcome["last_seq"], welcome["owner"]) == (0, "assistant")
    assert welcome["limits"]["message_chars"] == 4000
    assert tokens.read_token(welcome["token"], channel="web")


async def test_a_message_is_stored_acknowledged_and_kept_for_the_next_visit(
    visitor, browser
) -> None:
    first = await visitor.send("您好", client_id="a1")
    second = await visitor.send("在吗", client_id="a2")
    assert (first["seq"], second["seq"], first["client_id"]) == (1, 2, "a1")

    back = await browser()
    welcome = await back.hello(visitor.token)
    replay = await back.hear("messages")

    assert welcome["last_seq"] == 2
    assert [(i["seq"], i["text"], i["client_id"]) for i in replay["items"]] == [
        (1, "您好", "a1"),
        (2, "在吗", "a2"),
    ]
    assert replay["more"] is False


async def test_hello_replays_only_what_the_screen_does_not_hold(visitor, browser) -> None:
    for number in range(4):
        await visitor.send(f"第{number}条")

    back = await browser()
    await back.hello(visitor.token, after=2)

    assert [i["seq"] for i in (await back.hear("messages"))["items"]] == [3, 4]


async def test_a_repeat_gets_the_first_times_seq_and_is_stored_once(visitor, browser) -> None:
    first = await visitor.send("我要挂号", client_id="same")
    other_line = await browser()
    await other_line.hello(visitor.token, after=1)

    again = await other_line.send("我要挂号", client_id="same")

    assert (again["type"], again["seq"], again["at"]) == ("ack", first["seq"], first["at"])
    assert await Message.objects.filter(author="patient").acount() == 1


async def test_the_same_client_id_with_another_text_changes_nothing(visitor) -> None:
    await visitor.send("我要挂号", client_id="same")

    refused = await visitor.send("我要退号", client_id="same")

    assert (refused["code"], refused["client_id"]) == ("client_id_reused", "same")
    assert [i["text"] for i in await visitor.messages()] == ["我要挂号"]


async def test_an_answer_is_pushed_and_own_words_are_not_sent_back(visitor) -> None:
    await visitor.send("门诊几点开门")

    await sync_to_async(say)("早上八点", details={"choices": [], "model": "m1"})
    pushed = await visitor.hear("messages")

    assert [(i["seq"], i["author"], i["text"]) for i in pushed["items"]] == [
        (2, "assistant", "早上八点")
    ]
    assert pushed["items"][0]["details"] == {"choices": []}  # the trace is for staff


async def test_a_second_tab_sees_what_the_first_one_says(visitor, browser) -> None:
    await visitor.send("第一句")
    tab = await browser()
    await tab.hello(visitor.token, after=1)

    await visitor.send("第二句")

    assert [i["text"] for i in (await tab.hear("messages"))["items"]] == ["第二句"]


async def test_a_hundred_at_once_and_more_on_request(visitor, browser) -> None:
    await visitor.send("您好")
    for number in range(120):
        await sync_to_async(say)(f"{number}")

    back = await browser()
    await back.hello(visitor.token)
    first = await back.hear("messages")
    rest = await back.messages(after=100)

    assert (len(first["items"]), first["more"], first["last_seq"]) == (100, True, 121)
    assert [i["seq"] for i in rest] == list(range(101, 122))


async def test_taking_over_shows_the_nurses_name_and_her_notes_stay_hers(visitor, nurse) -> None:
    await visitor.send("胸口剧痛,喘不上气")  # a red flag: a ticket without any worker
    queued = await visitor.hear("owner")
    ticket = await Ticket.objects.aget()

    now = timezone.now()
    await sync_to_async(claim_ticket)(ticket.pk, nurse=nurse, now=now)
    owned = await visitor.hear("owner")
    await sync_to_async(note)(ticket.pk, nurse=nurse, text="疑似心梗", client_id="n1", now=now)
    await sync_to_async(reply)(ticket.pk, nurse=nurse, text="我在", client_id="n2", now=now)
    heard: list = []
    while not any(item.get("text") == "我在" for item in heard):
        heard += (await visitor.hear("messages"))["items"]
    everything = await visitor.messages()

    assert (queued["owner"], queued["ahead"]) == ("queue", 0)
    assert (owned["owner"], owned["nurse"]) == ("nurse", "王芳")
    assert "疑似心梗" not in str(heard) + str(everything)
    assert [i["seq"] for i in everything] == list(range(1, len(everything) + 1))
    assert next(i for i in everything if i.get("text") == "我在")["nurse"] == "王芳"

    await sync_to_async(resolve_ticket)(ticket.pk, nurse=nurse, now=now)
    assert (await visitor.hear("owner"))["owner"] == "assistant"


async def test_a_note_alone_keeps_its_number_and_nothing_else(visitor, nurse) -> None:
    await visitor.send("您好")
    conversation = await Conversation.objects.aget()

    await sync_to_async(write_note)(
        conversation, text="机密", nurse_id=nurse.pk, now=timezone.now()
    )

    assert (await visitor.hear("messages"))["items"] == [{"seq": 2, "kind": "hidden"}]


async def test_a_red_flag_brings_the_emergency_card_without_a_worker(visitor) -> None:
    await visitor.send("我爸突然胸口剧烈疼痛,大汗淋漓")

    items = await visitor.messages()

    card = next(i["details"]["card"] for i in items if i.get("details", {}).get("card"))
    assert (card["kind"], card["phone"]) == ("emergency", "120")
    assert card["place"]["location"] == "1号楼一层"


async def test_the_emergency_button_shows_the_card_and_rings(visitor) -> None:
    await visitor.send("我需要紧急帮助", tap="emergency")

    items = (await visitor.hear("messages"))["items"]

    assert [i["details"]["card"]["kind"] for i in items if "card" in i.get("details", {})] == [
        "emergency"
    ]
    assert (await Alarm.objects.aget()).rules == ["tap:emergency"]


@pytest.mark.parametrize(
    ("lang", "mark"),
    [
        ("zh-hans", "这条消息无法读取，已通知管理员。"),
        ("en", "This message can't be read. The administrators have been told."),
    ],
)
async def test_one_row_that_does_not_open_hides_no_other(browser, lang, mark, caplog) -> None:
    line = await browser()
    token = (await line.hello(lang=lang))["token"]
    for text in ("第一句", "第二句", "第三句"):
        await line.send(text)
    broken = await Message.objects.aget(seq=2)
    await Message.objects.filter(pk=broken.pk).aupdate(uid=uuid4())  # as if it were another's

    back = await browser()
    await back.hello(token, lang=lang)
    items = (await back.hear("messages"))["items"]

    assert [(i["seq"], i["text"]) for i in items] == [(1, "第一句"), (2, mark), (3, "第三句")]
    told = next(record for record in caplog.records if record.message == "message unreadable")
    assert (told.levelname, told.message_id) == ("ERROR", broken.pk)


async def test_who_has_handed_over_where_to_is_said_in_both_languages(visitor, nurse) -> None:
    await visitor.send("胸口剧痛,喘不上气")
    ticket = await Ticket.objects.aget()
    department = await Department.objects.aget(code="respiratory")
    now = timezone.now()
    await sync_to_async(claim_ticket)(ticket.pk, nurse=nurse, now=now)

    await sync_to_async(transfer_ticket)(ticket.pk, nurse=nurse, department=department, now=now)

    told: dict = {}
    while told.get("event") != "transferred":
        for item in (await visitor.hear("messages"))["items"]:
            told = item.get("details", {}) if item["kind"] == "event" else told
    assert (told["department"], told["department_en"]) == ("呼吸内科", "Respiratory medicine")


async def test_seen_travels_both_ways(visitor) -> None:
    await visitor.send("您好")
    conversation = await Conversation.objects.aget()

    await visitor.say("seen", seq=1)
    await visitor.say("seen", seq=99)  # beyond what exists
    await visitor.messages()
    await conversation.arefresh_from_db()
    assert conversation.patient_seen_seq == 1

    await sync_to_async(mark_seen)(conversation, by_patient=False, seq=1)
    assert (await visitor.hear("seen"))["seq"] == 1


async def test_typing_reaches_the_other_side_and_no_echo_comes_back(visitor, nurse) -> None:
    await visitor.send("您好")
    conversation = await Conversation.objects.aget()
    layer = get_channel_layer()
    screen = await layer.new_channel()
    await layer.group_add(conversation_group(conversation.pk), screen)

    async def typing() -> str:
        while (frame := await layer.receive(screen))["type"] != "conversation.typing":
            pass
        return str(frame["author"])

    for _ in range(3):
        await visitor.say("typing")
    assert await asyncio.wait_for(typing(), 30) == "patient"
    with pytest.raises(TimeoutError):  # once in three seconds
        await asyncio.wait_for(typing(), 0.3)

    frame = {"type": "conversation.typing", "conversation": conversation.pk, "author": "nurse"}
    await sync_to_async(show_on_commit)(conversation_group(conversation.pk), frame)
    assert await visitor.hear("typing") == {"type": "typing", "author": "nurse"}


async def test_a_bell_that_got_lost_is_made_good_by_the_next_ping(visitor) -> None:
    await visitor.send("您好")
    await visitor.hear("owner")
    await hub.stop_watching()
    await sync_to_async(say)("没有铃声")
    assert await visitor.silence()

    await visitor.say("ping")

    assert (await visitor.hear("messages"))["items"][0]["text"] == "没有铃声"


async def test_a_screen_that_holds_more_than_we_do_is_told_so(visitor, browser) -> None:
    await visitor.send("您好")
    back = await browser()

    welcome = await back.hello(visitor.token, after=50)

    assert welcome["last_seq"] == 1


async def test_errors_are_said_in_the_visitors_language(visitor) -> None:
    chinese = await visitor.send("   ")
    await visitor.say("lang", lang="en")
    english = await visitor.send("   ")

    assert english["message"] == "Please write something first."
    assert chinese["code"] == english["code"] == "empty"
