"""What went wrong on the road out once, and must not again: deaths, detours, waits, windows."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from adapters import delivery, policy, speech
from adapters.aliyun.stand_in import AliyunStandIn
from adapters.contracts import Category, OutboundMessage, Retry, SendResult
from adapters.delivery import deliver
from adapters.lease import LASTS
from adapters.links import note_opened
from adapters.models import Account, Allowance, Attempt, Grant, Link, Result
from adapters.pulling import pull
from adapters.registry import adapter_of
from adapters.rehearsal.stand_in import Fault, Outgoing
from adapters.rendering import plain_text
from adapters.twilio.adapter import TwilioAdapter
from adapters.twilio.stand_in import TwilioStandIn
from adapters.wechat.adapter import WeChatAdapter
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.sessions import State
from adapters.wecom.stand_in import WeComStandIn
from adapters.weixin.stand_in import WeChatStandIn
from assistant.services import take_in
from conversations.models import Author, Conversation, Message
from conversations.services import mark_seen, queue_reply
from harness.accounts import open_account
from patients.models import Channel, ContactPoint, Purpose
from patients.services import close_contact_point, give_consent, meet, update_patient
from tickets.models import Reason
from tickets.services import hand_over

PHONE = "+8613800138000"
TEMPLATE = "tmpl-1"
WAY_IN = {"wechat": {"site_url": "https://wenan.example"}, "miniprogram": {"notice_page": "p/chat"}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def sms() -> Iterator[AliyunStandIn]:
    with AliyunStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_sms(db: None, sms: AliyunStandIn) -> Channel:
    """Notices alone, each with a link."""
    return open_account("aliyun", settings=sms.settings(), secrets=sms.secrets())


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_twilio(db: None, twilio: TwilioStandIn) -> Channel:
    """Free text, to phones, at any time; a repeat is a second message."""
    return open_account("twilio", settings=twilio.settings(), secrets=twilio.secrets())


@pytest.fixture
def wecom() -> Iterator[WeComStandIn]:
    with WeComStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_wecom(db: None, wecom: WeComStandIn) -> Channel:
    """A repeat with the same id is one message."""
    return open_account("wecom", settings=wecom.settings(), secrets=wecom.secrets())


@pytest.fixture
def on_wecom(wecom: WeComStandIn, by_wecom: Channel, hospital: Any) -> Conversation:
    """Somebody who has just written there."""
    wecom.writes("wm1", "你好")
    pull(by_wecom.pk, clock=timezone.now)
    return Conversation.objects.get()


@pytest.fixture
def on_wechat(wechat: WeChatStandIn, wechat_channel: Channel, call_back: Any) -> Conversation:
    call_back(wechat.writes("oFan", "你好"))
    return Conversation.objects.get()


@pytest.fixture
def on_twilio(by_twilio: Channel, hospital: Any) -> Conversation:
    return converse(meet(by_twilio, address=PHONE))


@pytest.fixture(params=["wechat", "miniprogram"])
def noticing(
    request: pytest.FixtureRequest, wechat: WeChatStandIn, hospital: Any
) -> Callable[..., Channel]:
    """A channel of either kind that can send a notice, as far as `settings` say."""

    def open_(**settings: str) -> Channel:
        wechat.templates[TEMPLATE] = {"thing1"}
        notice = {"notice_template": TEMPLATE, "notice_fields": "thing1=有新回复", **settings}
        return open_account(
            request.param, settings={**wechat.settings(), **notice}, secrets=wechat.secrets()
        )

    return open_


def converse(contact_point: ContactPoint) -> Conversation:
    now = timezone.now()
    return take_in(contact_point, text="你好", now=now).message.conversation


def answer(conversation: Conversation, text: str = "请空腹来抽血", **details: Any) -> Message:
    conversation.refresh_from_db()
    return queue_reply(
        conversation,
        text=text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        details=details or None,
        now=timezone.now(),
    )


def card(conversation: Conversation) -> Message:
    return answer(conversation, "请立即拨打120", card={"kind": "emergency"})


def later(minutes: float) -> Callable[[], datetime]:
    at = timezone.now() + timedelta(minutes=minutes)
    return lambda: at


def hear(client: Client, channel: Channel, outgoing: Outgoing) -> None:
    url = f"/channels/{channel.slug}/callback{outgoing.path}"
    answered = client.post(url, outgoing.body, outgoing.content_type)
    assert answered.status_code == 200


def also_at(conversation: Conversation, channel: Channel, address: str) -> ContactPoint:
    """The same patient has another address."""
    other = meet(channel, address=address)
    patient = conversation.contact_point.patient
    ContactPoint.objects.filter(pk=other.pk).update(patient=patient)
    return other


def close_windows() -> None:
    Allowance.objects.update(closes_at=timezone.now() - timedelta(hours=1))


def events() -> list[dict[str, Any]]:
    found = Message.objects.filter(kind="event").order_by("seq")
    return [each.details or {} for each in found]


class Killed(BaseException):
    """What ends a worker."""


def killed_once(monkeypatch: pytest.MonkeyPatch, adapter: Any, conversation: Conversation) -> None:
    """A worker of this conversation dies when the vendor has heard it, and before it knows."""
    real = adapter.send

    def send(self: Any, message: OutboundMessage) -> SendResult:
        real(self, message)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(adapter, "send", send)
        with pytest.raises(Killed):
            deliver(conversation.pk, clock=timezone.now)
    assert Attempt.objects.filter(result=Result.IN_FLIGHT).exists()


# --- what a dead worker was saying ----------------------------------------------------------------


def test_a_new_answer_does_not_go_down_with_what_a_dead_worker_said(
    wecom: WeComStandIn, on_wecom: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = [answer(on_wecom, "第一句"), answer(on_wecom, "第二句")]
    killed_once(monkeypatch, WeComAdapter, on_wecom)
    new = answer(on_wecom, "请立即停用华法林")
    deliver(on_wecom.pk, clock=later(2))

    said = [text for _user, text in wecom.sent]
    assert len(said) == 2
    assert "第一句" in said[0] and "第二句" in said[0] and "华法林" in said[1]
    for message in (*together, new):
        message.refresh_from_db()
        assert message.sent_at is not None and message.given_up_at is None


def test_what_died_on_a_detour_is_not_said_twice_there(
    twilio: TwilioStandIn,
    by_twilio: Channel,
    on_wecom: Conversation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    also_at(on_wecom, by_twilio, PHONE)
    close_windows()
    message = answer(on_wecom)
    killed_once(monkeypatch, TwilioAdapter, on_wecom)
    for minutes in (2, 4):
        deliver(on_wecom.pk, clock=later(minutes))

    assert len(twilio.sent) == 1  # it may have arrived: a nurse is told, the patient is not again
    message.refresh_from_db()
    on_wecom.refresh_from_db()
    assert message.given_up_at is not None and on_wecom.owner == "queue"
    assert [each["why"] for each in events() if each["event"] == "undelivered"] == ["unknown"]


def test_what_died_on_a_detour_to_who_knows_repeats_is_said_once(
    wechat: WeChatStandIn,
    wecom: WeComStandIn,
    by_wecom: Channel,
    on_wechat: Conversation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    close_windows()
    wecom.writes("wm1", "我也在这里")
    pull(by_wecom.pk, clock=timezone.now)
    also_at(on_wechat, by_wecom, "wm1")
    message = answer(on_wechat)
    killed_once(monkeypatch, WeComAdapter, on_wechat)
    deliver(on_wechat.pk, clock=later(2))

    message.refresh_from_db()
    assert (message.sent_at is None) != (message.given_up_at is None)
    assert len(wecom.sent) == 1 and not wechat.sent


def test_what_a_dead_worker_said_is_repeated_there_and_nowhere_else(
    wecom: WeComStandIn,
    on_wecom: Conversation,
    twilio: TwilioStandIn,
    by_twilio: Channel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    also_at(on_wecom, by_twilio, PHONE)
    answer(on_wecom, "请停用华法林")
    killed_once(monkeypatch, WeComAdapter, on_wecom)
    close_windows()  # before anybody came to repeat it
    deliver(on_wecom.pk, clock=later(2))

    assert len(wecom.sent) == 1 and not twilio.sent
    assert not Message.objects.unsent().exists()


def test_what_died_on_a_detour_is_not_said_again_where_it_began(
    wechat: WeChatStandIn,
    wecom: WeComStandIn,
    by_wecom: Channel,
    on_wechat: Conversation,
    monkeypatch: pytest.MonkeyPatch,
    call_back: Any,
) -> None:
    close_windows()
    wecom.writes("wm1", "我也在这里")
    pull(by_wecom.pk, clock=timezone.now)
    also_at(on_wechat, by_wecom, "wm1")
    answer(on_wechat, "请停用华法林")
    killed_once(monkeypatch, WeComAdapter, on_wechat)
    Allowance.objects.update(opened_at=timezone.now() - timedelta(days=3))
    call_back(wechat.writes("oFan", "我回来了"))
    deliver(on_wechat.pk, clock=later(2))

    assert sum("华法林" in text for _address, text in [*wecom.sent, *wechat.sent]) == 1


@pytest.mark.parametrize("dies_again", [False, True])
def test_what_nobody_knows_of_is_never_said_again(
    wechat: WeChatStandIn,
    on_wechat: Conversation,
    monkeypatch: pytest.MonkeyPatch,
    dies_again: bool,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("deadlock detected")

    message = answer(on_wechat)
    wechat.faults.append(Fault(breaks=True))
    with monkeypatch.context() as patched:
        patched.setattr(speech, "give_up", fail)
        with pytest.raises(OperationalError):
            deliver(on_wechat.pk, clock=timezone.now)
    assert len(wechat.sent) == 1 and Message.objects.unsent().exists()
    if dies_again:
        with monkeypatch.context() as patched:
            patched.setattr(delivery, "give_up", fail)
            with pytest.raises(OperationalError):
                deliver(on_wechat.pk, clock=later(2))
    deliver(on_wechat.pk, clock=later(4))

    assert len(wechat.sent) == 1
    message.refresh_from_db()
    assert message.given_up_at is not None
    assert [each["event"] for each in events()].count("undelivered") == 1


def test_a_worker_that_lost_its_lease_says_nothing_more(
    wechat: WeChatStandIn, on_wechat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(on_wechat, "一" * 1_500)  # in three parts
    real, other = WeChatAdapter.send, later(10)()

    def send(self: Any, message: OutboundMessage) -> SendResult:
        """It takes so long that another worker speaks here."""
        Conversation.objects.update(delivering_until=other)
        return real(self, message)

    monkeypatch.setattr(WeChatAdapter, "send", send)
    deliver(on_wechat.pk, clock=timezone.now)

    assert len(wechat.sent) == 1
    on_wechat.refresh_from_db()
    assert on_wechat.delivering_until == other  # and it gives back what is its own alone
    assert later(0)() + LASTS < other


# --- parts ----------------------------------------------------------------------------------------


def parts_of(message: Message, language: str) -> int:
    message.details = {**(message.details or {}), "lang": language}
    message.save()
    found = Message.objects.select_related("conversation__contact_point__channel").get(
        pk=message.pk
    )
    adapter = adapter_of(found.conversation.contact_point.channel)
    return len(policy.split(plain_text(found), capabilities=adapter.capabilities))


@pytest.mark.parametrize(("begun", "then"), [("en", "zh-hans"), ("zh-hans", "en")])
def test_a_message_is_cut_as_it_was_begun_whatever_language_they_write_in_since(
    wechat: WeChatStandIn,
    on_wechat: Conversation,
    monkeypatch: pytest.MonkeyPatch,
    begun: str,
    then: str,
) -> None:
    message = answer(on_wechat, "a", choices=[{"label": "好"}])
    for size in range(1_900, 2_050):  # where one language has a part more than the other
        message.text = "a" * size
        message.save()
        if parts_of(message, "zh-hans") != parts_of(message, "en"):
            break
    is_cut = parts_of(message, begun) == 2
    real, calls = WeChatAdapter.send, []

    def send(self: Any, out: OutboundMessage) -> SendResult:
        calls.append(out.text)
        is_second = len(calls) == (2 if is_cut else 1)
        return Retry(Category.PROVIDER_DOWN, "-1") if is_second else real(self, out)

    monkeypatch.setattr(WeChatAdapter, "send", send)
    deliver(on_wechat.pk, clock=timezone.now)
    Conversation.objects.update(language=then)
    card(on_wechat)
    deliver(on_wechat.pk, clock=later(2))

    assert not Message.objects.unsent().exists()
    said = [text for _openid, text in wechat.sent if "120" not in text]
    assert len(said) == 1 + is_cut
    assert sum(text.count("a") for text in said) >= size
    assert ("AI assistant" in said[0]) == (begun == "en")
    assert ("letter" in said[-1]) == (begun == "en")
    assert sum("120" in text for _openid, text in wechat.sent) == 1


def test_what_was_said_whole_and_not_noted_is_noted(
    wechat: WeChatStandIn, on_wechat: Conversation
) -> None:
    message = answer(on_wechat)
    Attempt.objects.create(
        message=message,
        channel=on_wechat.contact_point.channel,
        contact_point=on_wechat.contact_point,
        began_at=timezone.now(),
        result=Result.ACCEPTED,
        status="accepted",
    )
    deliver(on_wechat.pk, clock=timezone.now)

    message.refresh_from_db()
    assert message.sent_at is not None and not wechat.sent


# --- nurses in the vendor's own app ---------------------------------------------------------------


def test_nobody_is_passed_on_while_something_is_owed(
    wecom: WeComStandIn, by_wecom: Channel, on_wecom: Conversation
) -> None:
    account = Account.objects.get(channel=by_wecom)
    account.settings = {**account.settings, "handoff": "wecom"}
    account.save()
    hand_over(on_wecom, reason=Reason.UNSURE, urgency=1, now=timezone.now())
    wecom.faults.append(Fault("-1"))
    answer(on_wecom, "已转给护士；更痛请拨120")
    deliver(on_wecom.pk, clock=timezone.now)
    answer(on_wecom, "还有一句")
    deliver(on_wecom.pk, clock=timezone.now)  # a ring while it waits
    assert wecom.customers["wm1"].state != State.WAITING and not wecom.sent

    deliver(on_wecom.pk, clock=later(1))
    assert len(wecom.sent) == 1 and not Message.objects.filter(given_up_at__isnull=False).exists()
    assert wecom.customers["wm1"].state == State.WAITING
    assert [each["event"] for each in events()].count("passed_on") == 1


# --- what waits, and what goes ahead --------------------------------------------------------------


def test_an_emergency_card_goes_ahead_of_a_throttled_answer(
    twilio: TwilioStandIn, on_twilio: Conversation
) -> None:
    first = answer(on_twilio, "第一句")
    twilio.faults.append(Fault("20429"))
    deliver(on_twilio.pk, clock=timezone.now)
    urgent = card(on_twilio)
    deliver(on_twilio.pk, clock=timezone.now)

    assert [("120" in text) for _phone, text in twilio.sent] == [True]
    first.refresh_from_db()
    urgent.refresh_from_db()
    assert urgent.sent_at is not None and first.sent_at is None and first.send_after is not None
    deliver(on_twilio.pk, clock=later(2))
    assert [("120" in text) for _phone, text in twilio.sent] == [True, False]


def test_a_card_that_is_behind_when_the_first_is_refused_goes_in_the_same_run(
    twilio: TwilioStandIn, on_twilio: Conversation
) -> None:
    answer(on_twilio, "第一句")
    card(on_twilio)
    twilio.faults.append(Fault("20429"))
    deliver(on_twilio.pk, clock=timezone.now)

    assert [("120" in text) for _phone, text in twilio.sent] == [True]


def test_a_card_that_was_refused_itself_keeps_its_own_time(
    twilio: TwilioStandIn, on_twilio: Conversation
) -> None:
    answer(on_twilio, "第一句")
    twilio.faults.append(Fault("20429"))
    deliver(on_twilio.pk, clock=timezone.now)  # a minute
    urgent = card(on_twilio)
    twilio.faults.append(Fault("30008"))
    deliver(on_twilio.pk, clock=timezone.now)  # 15 s
    urgent.refresh_from_db()
    assert urgent.send_after is not None and urgent.send_after < later(0.4)()
    twilio.faults.append(Fault("20429"))  # the first again
    deliver(on_twilio.pk, clock=later(0.5))

    assert any("120" in text for _phone, text in twilio.sent)


def test_a_card_goes_ahead_of_what_a_dead_worker_said_and_must_wait(
    wecom: WeComStandIn, on_wecom: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = answer(on_wecom, "第一句")
    killed_once(monkeypatch, WeComAdapter, on_wecom)
    wecom.taken.clear()  # it had not arrived after all
    wecom.sent.clear()
    wecom.faults.append(Fault("45009"))
    deliver(on_wecom.pk, clock=timezone.now)
    first.refresh_from_db()
    assert first.send_after is not None
    card(on_wecom)
    deliver(on_wecom.pk, clock=timezone.now)

    assert [("120" in text) for _user, text in wecom.sent] == [True]
    deliver(on_wecom.pk, clock=later(2))
    assert len(wecom.sent) == 2 and not Message.objects.unsent().exists()


def test_at_night_a_reminder_waits_and_keeps_nothing_back(
    twilio: TwilioStandIn, on_twilio: Conversation
) -> None:
    here = timezone.localtime(timezone.now())
    night = here.replace(hour=23, minute=0, second=0, microsecond=0)
    give_consent(
        on_twilio.contact_point.patient,
        Purpose.REMINDERS,
        text_version="1",
        channel=None,
        now=night,
    )
    reminder = answer(on_twilio, "明天复诊", purpose=Purpose.REMINDERS.value)
    deliver(on_twilio.pk, clock=lambda: night)
    card(on_twilio)
    answer(on_twilio, "急诊一直开")
    deliver(on_twilio.pk, clock=lambda: night + timedelta(minutes=5))

    said = [text for _phone, text in twilio.sent]
    assert len(said) == 2 and "120" in said[0] and "急诊" in said[1]
    reminder.refresh_from_db()
    assert reminder.send_after is not None
    morning = reminder.send_after
    assert timezone.localtime(morning).hour == 8
    deliver(on_twilio.pk, clock=lambda: morning)
    assert "复诊" in twilio.sent[-1][1] and not Message.objects.unsent().exists()


def test_what_waits_for_the_vendor_waits_together_and_in_order(
    twilio: TwilioStandIn, on_twilio: Conversation
) -> None:
    for text in ("一", "二"):
        answer(on_twilio, text)
    twilio.faults.append(Fault("20429"))
    deliver(on_twilio.pk, clock=timezone.now)
    answer(on_twilio, "三")
    deliver(on_twilio.pk, clock=timezone.now)
    assert not twilio.sent

    deliver(on_twilio.pk, clock=later(2))
    assert [text[-1] for _phone, text in twilio.sent] == ["一", "二", "三"]


def test_a_gateway_that_says_wait_for_ever_is_asked_within_the_hour(
    twilio: TwilioStandIn, on_twilio: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    from adapters import vendor

    said = httpx.Response(429, headers={"retry-after": "9" * 15})
    assert vendor._wait_s(said) == vendor.MAX_WAIT_S
    monkeypatch.setattr(
        TwilioAdapter, "send", lambda *_: Retry(Category.THROTTLED, after_s=vendor._wait_s(said))
    )
    answer(on_twilio)
    deliver(on_twilio.pk, clock=timezone.now)

    until = Message.objects.unsent().get().send_after
    assert until is not None and until <= later(61)()


# --- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("noticing", ["wechat"], indirect=True)
def test_who_is_back_is_answered_at_once(
    client: Client,
    wechat: WeChatStandIn,
    noticing: Any,
    rings: list[tuple[str, dict[str, int]]],
) -> None:
    channel = noticing(**WAY_IN["wechat"])
    hear(client, channel, wechat.writes("oFan", "你好"))
    close_windows()
    conversation = Conversation.objects.get()
    for text in ("一", "二"):  # the first by a notice, the second waits ten minutes
        answer(conversation, text)
        deliver(conversation.pk, clock=timezone.now)
    assert len(wechat.notices_sent) == 1 and Message.objects.unsent().count() == 1

    rings.clear()
    Allowance.objects.update(opened_at=timezone.now() - timedelta(days=3))
    hear(client, channel, wechat.writes("oFan", "我在，请说"))
    assert ("reply.queued", {"conversation_id": conversation.pk}) in rings
    answer(conversation, "三")
    deliver(conversation.pk, clock=timezone.now)
    assert len(wechat.notices_sent) == 1 and not Message.objects.unsent().exists()
    [(_openid, text)] = wechat.sent
    assert "二" in text and "三" in text


@pytest.mark.parametrize("noticing", ["wechat"], indirect=True)
def test_who_only_writes_on_rings_for_nothing(
    client: Client,
    wechat: WeChatStandIn,
    noticing: Any,
    rings: list[tuple[str, dict[str, int]]],
) -> None:
    channel = noticing(**WAY_IN["wechat"])
    hear(client, channel, wechat.writes("oFan", "你好"))
    rings.clear()
    Allowance.objects.update(opened_at=timezone.now() - timedelta(minutes=1))
    hear(client, channel, wechat.writes("oFan", "还在"))

    assert "reply.queued" not in [name for name, _ids in rings]


def test_a_notice_without_a_way_in_is_none(
    client: Client, wechat: WeChatStandIn, noticing: Any
) -> None:
    channel = noticing()
    hear(client, channel, wechat.writes("oFan", "你好"))
    hear(client, channel, wechat.grants("oFan", TEMPLATE))
    close_windows()
    conversation = Conversation.objects.get()
    message = answer(conversation, "化验危急值：请立即来急诊")
    deliver(conversation.pk, clock=timezone.now)

    message.refresh_from_db()
    conversation.refresh_from_db()
    assert not wechat.notices_sent and message.sent_at is None
    assert message.given_up_at is not None and conversation.owner == "queue"
    [step] = [s for s in adapter_of(channel).check() if not s.works]
    assert "提醒" in str(step.hint)


def test_with_a_way_in_the_notice_goes(
    client: Client, wechat: WeChatStandIn, noticing: Any
) -> None:
    channel = noticing(**WAY_IN["wechat"], **WAY_IN["miniprogram"])
    hear(client, channel, wechat.writes("oFan", "你好"))
    hear(client, channel, wechat.grants("oFan", TEMPLATE))
    close_windows()
    conversation = Conversation.objects.get()
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    [(_openid, body)] = wechat.notices_sent
    assert body.get("url", "").startswith("https://wenan.example/s/") or body.get("page")
    assert all(step.works for step in adapter_of(channel).check())


@pytest.mark.parametrize("noticing", ["miniprogram"], indirect=True)
def test_a_grant_that_the_vendor_does_not_know_is_forgotten(
    client: Client, wechat: WeChatStandIn, noticing: Any
) -> None:
    channel = noticing(**WAY_IN["miniprogram"])
    hear(client, channel, wechat.writes("oFan", "你好"))
    close_windows()
    conversation = Conversation.objects.get()
    Grant.objects.create(contact_point=conversation.contact_point, template=TEMPLATE, left=3)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    tried = Attempt.objects.filter(is_notice=True).values_list("result", "code")
    assert list(tried) == [("rejected", "43101")]
    assert Grant.objects.get().left == 0
    contact_point = ContactPoint.objects.get()
    assert contact_point.closed_why == ""  # of the address it says nothing


# --- detours --------------------------------------------------------------------------------------


@pytest.fixture
def detoured(
    wechat: WeChatStandIn, wechat_channel: Channel, by_sms: Channel, hospital: Any
) -> Conversation:
    """On WeChat, whose window never opened; what is said goes by SMS, with a link to it."""
    conversation = converse(meet(wechat_channel, address="oFan"))
    also_at(conversation, by_sms, PHONE)
    return conversation


def test_who_is_looking_gets_no_sms_by_a_detour_either(
    sms: AliyunStandIn, detoured: Conversation
) -> None:
    answer(detoured)
    deliver(detoured.pk, clock=timezone.now)
    note_opened(Link.objects.get(), now=timezone.now())
    for number in range(3):
        message = answer(detoured, f"第{number}句")
        detoured.refresh_from_db()
        mark_seen(detoured, by_patient=True, seq=message.seq)
        deliver(detoured.pk, clock=later(1))

    assert len(sms.sent) == 1 and not Message.objects.unsent().exists()
    assert Message.objects.filter(author=Author.ASSISTANT, given_up_at__isnull=False).count() == 0


def test_who_has_not_looked_gets_no_second_sms_at_once_by_a_detour(
    sms: AliyunStandIn, detoured: Conversation
) -> None:
    for text in ("一", "二", "三"):
        answer(detoured, text)
        deliver(detoured.pk, clock=timezone.now)
    assert len(sms.sent) == 1 and Message.objects.unsent().count() == 2

    deliver(detoured.pk, clock=later(11))
    assert not Message.objects.unsent().exists()
    assert len(sms.sent) == 2
    assert not Message.objects.filter(given_up_at__isnull=False).exists()


def test_a_card_takes_the_detour_at_once(sms: AliyunStandIn, detoured: Conversation) -> None:
    answer(detoured)
    deliver(detoured.pk, clock=timezone.now)
    card(detoured)
    deliver(detoured.pk, clock=timezone.now)

    assert len(sms.sent) == 2


def test_a_vendor_that_rests_is_not_asked_by_a_detour(
    sms: AliyunStandIn, by_sms: Channel, detoured: Conversation
) -> None:
    Account.objects.filter(channel=by_sms).update(open_until=later(5)(), failures=6)
    answer(detoured)
    deliver(detoured.pk, clock=timezone.now)
    assert not sms.asked and Message.objects.unsent().exists()

    deliver(detoured.pk, clock=later(6))
    assert len(sms.sent) == 1 and not Message.objects.unsent().exists()


def test_a_phone_that_stopped_one_sms_account_gets_none_from_another(
    twilio: TwilioStandIn, sms: AliyunStandIn, by_sms: Channel, on_twilio: Conversation
) -> None:
    update_patient(on_twilio.contact_point.patient, phone="138 0013 8000")
    close_contact_point(on_twilio.contact_point, why="opted_out", at=timezone.now())
    message = answer(on_twilio)
    deliver(on_twilio.pk, clock=timezone.now)

    assert not sms.sent and not twilio.sent
    message.refresh_from_db()
    assert message.given_up_at is not None


def test_a_known_address_of_a_phone_that_stopped_gets_none_either(
    twilio: TwilioStandIn, sms: AliyunStandIn, by_sms: Channel, on_twilio: Conversation
) -> None:
    also_at(on_twilio, by_sms, PHONE)
    close_contact_point(on_twilio.contact_point, why="opted_out", at=timezone.now())
    answer(on_twilio)
    deliver(on_twilio.pk, clock=timezone.now)

    assert not sms.sent and not twilio.sent


def test_a_phone_that_was_corrected_is_written_to_no_more(
    sms: AliyunStandIn, by_sms: Channel, wechat_channel: Channel, hospital: Any
) -> None:
    conversation = converse(meet(wechat_channel, address="oFan"))
    patient = conversation.contact_point.patient
    update_patient(patient, phone="13800138000")  # a stranger's, mistyped
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    update_patient(patient, phone="13900139000")
    answer(conversation, "化验结果")
    deliver(conversation.pk, clock=later(11))

    assert [phone[-11:] for phone, _text in sms.sent] == ["13800138000", "13900139000"]


def test_a_phone_in_two_records_is_written_to_for_neither(
    sms: AliyunStandIn, by_sms: Channel, wechat_channel: Channel, hospital: Any
) -> None:
    mother = converse(meet(wechat_channel, address="oMother"))
    daughter = converse(meet(wechat_channel, address="oDaughter"))
    for each in (mother, daughter):
        update_patient(each.contact_point.patient, phone="13800138000")
    answer(mother)
    deliver(mother.pk, clock=timezone.now)

    assert not sms.sent and not ContactPoint.objects.filter(channel=by_sms).exists()
    mother.refresh_from_db()
    assert mother.owner == "queue"


# --- what never went ------------------------------------------------------------------------------


def test_a_greeting_that_came_too_late_brings_no_nurse(
    wecom: WeComStandIn, by_wecom: Channel, hospital: Any
) -> None:
    wecom.enters("wm1")
    wecom.log[-1]["send_time"] -= 60  # its code was good for 20 seconds
    pull(by_wecom.pk, clock=timezone.now)
    conversation = Conversation.objects.get()
    deliver(conversation.pk, clock=timezone.now)

    conversation.refresh_from_db()
    assert conversation.owner == "assistant" and not wecom.sent
    assert not Message.objects.unsent().exists()


def test_an_answer_that_came_too_late_does(wechat: WeChatStandIn, on_wechat: Conversation) -> None:
    close_windows()
    answer(on_wechat)
    deliver(on_wechat.pk, clock=timezone.now)

    on_wechat.refresh_from_db()
    assert on_wechat.owner == "queue" and not wechat.sent
