"""Words that end what is sent unasked, and machines that talk to ours."""

from typing import Any

import pytest
from django.utils import timezone

from adapters.arrivals import receive
from adapters.contracts import Capabilities, EventKind, InboundEvent
from adapters.keywords import Keyword, keyword_in
from conversations.models import Conversation, Message
from patients.models import Channel, ContactPoint, Purpose
from patients.services import give_consent, meet

SMS = Capabilities(template_only=True, stops_by_word=True)
CARRIER = Capabilities(stops_by_word=True, confirms_stop=True)


@pytest.mark.parametrize(
    "text",
    [
        *("退订", "TD", "ｔｄ", " Stop! ", "【退订】", "R", "r。", "STOPALL", "opt-out", "拒收"),
        *("退訂", "退订，谢谢", "回复TD", "TD退订", "Stop. Thank you", "T D"),
    ],
)
def test_a_word_that_ends_it(text: str) -> None:
    assert keyword_in(text) is Keyword.STOP


@pytest.mark.parametrize("text", ["START", "恢复", "订阅。"])
def test_a_word_that_begins_it_again(text: str) -> None:
    assert keyword_in(text) is Keyword.START


@pytest.mark.parametrize(
    "text",
    ["should I stop the pills?", "我想退订住院餐", "好", "yes", "A", "", "退", "stop taking"],
)
def test_what_only_holds_such_a_word(text: str) -> None:
    assert keyword_in(text) is None


@pytest.mark.parametrize(
    "text", ["我想退订住院餐", "怎么退订呀", "不想收了，退订", "stop texting me", "Unsubscribe me"]
)
def test_what_may_mean_it_is_read_by_a_nurse(text: str, channel: Channel) -> None:
    contact_point = say(channel, text, "k1")

    assert not contact_point.closed_why
    assert Conversation.objects.get().owner == "queue"


@pytest.mark.parametrize(
    "text",
    [
        *("should I stop the pills?", "stop the pills before surgery or not?", "好", "几点开门"),
        "我上次拒收了快递寄来的药品，现在还能不能再寄一次给我",
    ],
)
def test_what_does_not_is_the_assistants(text: str, channel: Channel) -> None:
    say(channel, text, "k1")

    assert Conversation.objects.get().owner == "assistant"


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(slug="sms", kind="sms", name="短信")


def say(channel: Channel, text: str, key: str, capabilities: Capabilities = SMS) -> ContactPoint:
    now = timezone.now()
    event = InboundEvent(EventKind.TEXT, "+8613800000009", key, now, text=text)
    receive(channel, [event], capabilities=capabilities, now=now)
    return meet(channel, address="+8613800000009")


def agreed(contact_point: ContactPoint) -> set[str]:
    return set(contact_point.patient.consents.in_force().values_list("purpose", flat=True))


def test_stop_ends_each_purpose_that_is_unasked_and_is_confirmed_once(channel: Channel) -> None:
    contact_point = meet(channel, address="+8613800000009")
    for purpose in Purpose:
        give_consent(
            contact_point.patient, purpose, text_version="1", channel=None, now=timezone.now()
        )
    for _delivered_again in range(3):
        say(channel, "退订", "k1")

    assert agreed(contact_point) == {Purpose.HEALTH_DATA, Purpose.AI_PROCESSING}
    answers = Message.objects.exclude(author="patient").filter(kind="text")
    assert [each.text for each in answers] == [
        "您将不再收到提醒和健康资讯，仍可随时在此给我们留言。"
    ]
    assert not Message.objects.unhandled().exists()
    assert not ContactPoint.objects.get().closed_why

    say(channel, "恢复", "k2")
    assert Purpose.REMINDERS in agreed(contact_point)


def test_start_gives_nobody_a_consent_that_they_never_gave(channel: Channel) -> None:
    assert agreed(say(channel, "START", "k1")) == set()


def test_where_the_carrier_blocks_only_start_opens_again(channel: Channel) -> None:
    say(channel, "你好", "k1", CARRIER)
    say(channel, "STOP", "k2", CARRIER)
    assert ContactPoint.objects.get().closed_why == "opted_out"
    say(channel, "在吗", "k3", CARRIER)
    assert ContactPoint.objects.get().closed_why == "opted_out"
    assert not Message.objects.filter(kind="text", author="system").exists()  # it answers itself
    say(channel, "START", "k4", CARRIER)
    assert ContactPoint.objects.get().closed_why == ""


def test_a_machine_that_answers_ours_is_left_to_a_nurse(channel: Channel) -> None:
    for number in range(3):
        say(channel, "您好,我正在开车,稍后回复。", f"k{number}")

    assert Conversation.objects.get().owner == "queue"
    before = Message.objects.count()
    say(channel, "您好,我正在开车,稍后回复。", "k9")
    assert Message.objects.count() == before + 1  # taken in, and nothing said


def test_a_patient_with_much_to_say_is_no_machine(channel: Channel) -> None:
    for number in range(10):
        say(channel, f"第{number}天还在咳", f"k{number}")

    assert Conversation.objects.get().owner == "assistant"


def test_any_value_is_a_word(channel: Channel) -> None:
    values: list[Any] = ["\0", "🚑" * 400, "\ud800"]
    assert [keyword_in(str(value)) for value in values] == [None, None, None]
