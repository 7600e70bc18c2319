"""One road out: by which channel, when, and why not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapters.aliyun.stand_in import AliyunStandIn
from adapters.arrivals import receive
from adapters.contracts import Category, EventKind, InboundEvent
from adapters.delivery import deliver
from adapters.links import find_link, note_opened
from adapters.models import Attempt, Link, Result
from adapters.policy import NOT_AGAIN, morning_after
from adapters.registry import adapter_of
from adapters.rehearsal.stand_in import Fault
from adapters.ways import in_e164
from adapters.weixin.stand_in import WeChatStandIn
from assistant.services import take_in
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import mark_seen, queue_reply
from harness.accounts import open_account
from patients.models import Channel, ContactPoint, Purpose
from patients.services import (
    find_contact_point,
    give_consent,
    meet,
    merge_patients,
    mute_contact_point,
    update_patient,
    withdraw_consent,
)

PHONE = "+8613800138000"
pytestmark = pytest.mark.django_db


@pytest.fixture
def sms() -> Iterator[AliyunStandIn]:
    with AliyunStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_sms(db: None, sms: AliyunStandIn) -> ContactPoint:
    channel = open_account(
        "aliyun",
        settings=sms.credentials.settings(api_url=sms.url),
        secrets=sms.credentials.secrets(),
    )
    return meet(channel, address=PHONE)


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


def later(minutes: float) -> Callable[[], datetime]:
    at = timezone.now() + timedelta(minutes=minutes)
    return lambda: at


def test_what_is_said_by_sms_is_one_notice_with_a_link(
    by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    conversation = converse(by_sms)
    answer(conversation)
    answer(conversation, "在二楼")
    deliver(conversation.pk, clock=timezone.now)

    [(phone, text)] = sms.sent
    code = text.rpartition("/")[2]
    assert phone.endswith("13800138000")
    assert "抽血" not in text
    link = find_link(code, now=timezone.now())
    assert link is not None and link.contact_point == by_sms
    assert not Message.objects.unsent().exists()


def test_a_link_has_its_days_and_its_patient(by_sms: ContactPoint, sms: AliyunStandIn) -> None:
    conversation = converse(by_sms)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    code = sms.sent[0][1].rpartition("/")[2]

    assert find_link(code, now=timezone.now() + timedelta(hours=73)) is None
    assert find_link(code[:-1] + "0", now=timezone.now()) is None
    assert find_link("", now=timezone.now()) is None
    ContactPoint.objects.update(address_index=None)  # erased
    assert find_link(code, now=timezone.now()) is None


def test_who_has_not_looked_is_not_told_again_at_once(
    by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    conversation = converse(by_sms)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    answer(conversation, "还有一句")
    deliver(conversation.pk, clock=timezone.now)
    assert len(sms.sent) == 1

    deliver(conversation.pk, clock=later(NOT_AGAIN.total_seconds() / 60 + 1))
    assert len(sms.sent) == 2


def test_who_is_looking_needs_no_sms(by_sms: ContactPoint, sms: AliyunStandIn) -> None:
    conversation = converse(by_sms)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    note_opened(Link.objects.get(), now=timezone.now())
    shown = answer(conversation, "正在看的人")
    deliver(conversation.pk, clock=timezone.now)
    conversation.refresh_from_db()
    mark_seen(conversation, by_patient=True, seq=shown.seq)
    deliver(conversation.pk, clock=later(1))

    assert len(sms.sent) == 1
    shown.refresh_from_db()
    assert shown.sent_at is not None


def test_an_emergency_card_waits_for_nobody_to_look(
    by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    conversation = converse(by_sms)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    answer(conversation, "请立即拨打120", card={"kind": "emergency"})
    deliver(conversation.pk, clock=timezone.now)

    assert len(sms.sent) == 2


def test_a_closed_window_goes_by_the_next_channel(
    wechat: WeChatStandIn, wechat_channel: Channel, by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    on_wechat = meet(wechat_channel, address="oFan")
    ContactPoint.objects.filter(pk=by_sms.pk).update(patient=on_wechat.patient)
    conversation = converse(on_wechat)  # wrote elsewhere: WeChat's window never opened
    reply = answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    assert not wechat.sent and len(sms.sent) == 1
    link = find_link(sms.sent[0][1].rpartition("/")[2], now=timezone.now())
    assert link is not None and link.contact_point == on_wechat  # into the same conversation
    told = Message.objects.get(conversation=conversation, kind="event", author=Author.SYSTEM)
    assert told.details == {
        "event": "rerouted",
        "seqs": [reply.seq],
        "why": "window_closed",
        "channel": "aliyun",
    }
    log = list(Attempt.objects.order_by("pk").values_list("channel__kind", "result", "category"))
    assert log == [("wechat", "rejected", "window_closed"), ("aliyun", "accepted", "")]


def test_where_no_channel_is_left_a_nurse_is_told(
    wechat: WeChatStandIn, wechat_channel: Channel, by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    on_wechat = meet(wechat_channel, address="oFan")
    ContactPoint.objects.filter(pk=by_sms.pk).update(patient=on_wechat.patient)
    sms.faults.append(Fault("isv.MOBILE_NUMBER_ILLEGAL"))
    conversation = converse(on_wechat)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)

    conversation.refresh_from_db()
    assert conversation.owner == "queue"
    events = Message.objects.filter(conversation=conversation, kind="event")
    assert {(each.details or {})["event"] for each in events} == {"undelivered", "queued"}


def test_another_channel_that_is_ill_is_tried_again(
    wechat: WeChatStandIn, wechat_channel: Channel, by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    on_wechat = meet(wechat_channel, address="oFan")
    ContactPoint.objects.filter(pk=by_sms.pk).update(patient=on_wechat.patient)
    sms.faults.append(Fault("Throttling"))
    conversation = converse(on_wechat)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    assert not sms.sent and Message.objects.unsent().exists()

    deliver(conversation.pk, clock=later(24 * 60))
    assert len(sms.sent) == 1


def test_what_was_not_asked_for_needs_consent_no_mute_and_daylight(
    by_sms: ContactPoint, sms: AliyunStandIn
) -> None:
    noon = timezone.localtime(timezone.now()).replace(hour=12, minute=0)
    conversation = converse(by_sms)

    def tried(at: datetime) -> tuple[str, str]:
        message = answer(conversation, "明天复诊", purpose=Purpose.REMINDERS.value)
        deliver(conversation.pk, clock=lambda: at)
        last = Attempt.objects.filter(message=message).order_by("pk").last()
        return (last.result, last.category) if last else ("", "")

    assert tried(noon) == (Result.REJECTED, Category.NO_CONSENT)
    give_consent(
        by_sms.patient, Purpose.REMINDERS, text_version="1", channel=by_sms.channel, now=noon
    )
    mute_contact_point(by_sms, until=noon + timedelta(days=1))
    assert tried(noon) == (Result.REJECTED, Category.MUTED)
    mute_contact_point(by_sms, until=None)
    assert tried(noon.replace(hour=23)) == ("", "")  # waits
    waiting = Message.objects.unsent().get()
    assert waiting.send_after is not None
    assert timezone.localtime(waiting.send_after).hour == 8
    deliver(conversation.pk, clock=lambda: waiting.send_after)
    assert not Message.objects.unsent().exists()
    withdraw_consent(by_sms.patient, Purpose.REMINDERS, now=noon)
    assert tried(noon + timedelta(days=2)) == (Result.REJECTED, Category.NO_CONSENT)


class Recorded:
    """A patient of WeChat, out of its window, in whose record the phone stands."""

    def __init__(self, wechat: Channel, sms: AliyunStandIn) -> None:
        self.channel = open_account("aliyun", settings=sms.settings(), secrets=sms.secrets())
        self.noon = timezone.localtime(timezone.now()).replace(hour=12, minute=0)
        self.patient = meet(wechat, address="oFan").patient
        update_patient(self.patient, phone="138 0013 8000")
        give_consent(
            self.patient, Purpose.REMINDERS, text_version="1", channel=wechat, now=self.noon
        )
        self._conversation = converse(self.patient.contact_points.get())

    def remind(self, *, hours: int = 0) -> list[tuple[str, str]]:
        """What became of it by SMS."""
        reminder = answer(self._conversation, "明天复诊", purpose=Purpose.REMINDERS.value)
        deliver(self._conversation.pk, clock=lambda: self.noon + timedelta(hours=hours))
        log = Attempt.objects.filter(message=reminder, channel=self.channel)
        return list(log.values_list("result", "category"))

    def phone_writes(self, text: str, key: str) -> Conversation:
        event = InboundEvent(EventKind.TEXT, PHONE, key, self.noon, text=text)
        capabilities = adapter_of(self.channel).capabilities
        receive(self.channel, [event], capabilities=capabilities, now=self.noon)
        return Conversation.objects.get(contact_point=self.writer)

    @property
    def writer(self) -> ContactPoint:
        found = find_contact_point(self.channel, address=PHONE)
        assert found is not None and found.patient != self.patient
        return found


@pytest.fixture
def recorded(wechat_channel: Channel, sms: AliyunStandIn) -> Recorded:
    return Recorded(wechat_channel, sms)


def test_who_stops_an_sms_is_stopped_in_the_record_that_it_came_from(
    recorded: Recorded, sms: AliyunStandIn
) -> None:
    recorded.remind()
    assert len(sms.sent) == 1
    recorded.phone_writes("R", "k1")
    merge_patients(recorded.writer.patient, into=recorded.patient)  # a nurse finds out who wrote

    assert set(recorded.remind(hours=1)) == {(Result.REJECTED, Category.MUTED)}
    consents = recorded.patient.consents.in_force()
    assert consents.filter(purpose=Purpose.REMINDERS).exists()  # on WeChat
    assert len(sms.sent) == 1


def test_who_agrees_again_by_sms_is_written_to_again(
    recorded: Recorded, sms: AliyunStandIn
) -> None:
    recorded.remind()
    recorded.phone_writes("R", "k1")
    recorded.phone_writes("恢复", "k2")

    recorded.remind(hours=2)

    assert len(sms.sent) == 2


def test_an_answer_from_the_phone_of_a_record_ends_nothing(
    recorded: Recorded, sms: AliyunStandIn
) -> None:
    recorded.remind()
    recorded.phone_writes("好的", "k1")

    recorded.remind(hours=1)

    assert len(sms.sent) == 2


def test_a_phone_that_is_another_s_too_gets_nothing(recorded: Recorded, sms: AliyunStandIn) -> None:
    recorded.phone_writes("你好", "k1")
    update_patient(recorded.writer.patient, name="别人")

    assert recorded.remind() == []
    assert not sms.sent


@pytest.mark.parametrize(
    "text",
    [
        "你们发错人了",
        "号码错了吧",
        "我不是本人",
        "我不认识他",
        "我是她女儿",
        "wrong number",
        "I'm her son",
    ],
)
def test_who_says_that_it_was_not_for_them_gets_no_more_and_a_nurse_reads_it(
    recorded: Recorded, sms: AliyunStandIn, text: str
) -> None:
    recorded.remind()

    conversation = recorded.phone_writes(text, "k1")

    assert conversation.owner == Owner.QUEUE
    assert recorded.remind(hours=1) == []
    assert len(sms.sent) == 1


def test_of_a_phone_that_no_record_names_the_same_words_are_only_words(
    by_sms: ContactPoint,
) -> None:
    event = InboundEvent(EventKind.TEXT, PHONE, "k1", timezone.now(), text="药发错了怎么办")
    capabilities = adapter_of(by_sms.channel).capabilities

    receive(by_sms.channel, [event], capabilities=capabilities, now=timezone.now())

    assert Conversation.objects.get().owner == Owner.ASSISTANT


@pytest.mark.parametrize("agrees_on_it", [True, False])
def test_who_agrees_anew_where_they_stopped_is_written_to_there(
    by_sms: ContactPoint, web: Channel, agrees_on_it: bool
) -> None:
    now = timezone.now()
    mute_contact_point(by_sms, until=now + timedelta(days=9))
    channel = by_sms.channel if agrees_on_it else web
    give_consent(by_sms.patient, Purpose.REMINDERS, text_version="1", channel=channel, now=now)

    by_sms.refresh_from_db()
    assert (by_sms.muted_until is None) is agrees_on_it


@pytest.mark.parametrize(
    ("typed", "due"),
    [
        ("１３８００１３８０００", PHONE),
        ("＋86 138-0013-8000", PHONE),
        ("0086 13800138000", PHONE),
        ("+1 415 555 0100", "+14155550100"),
        ("010-55551234", ""),
        ("", ""),
    ],
)
def test_a_phone_however_it_was_typed(typed: str, due: str) -> None:
    assert in_e164(typed) == due


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("07:59", "2026-03-01T08:00"),
        ("08:00", None),
        ("20:59", None),
        ("21:00", "2026-03-02T08:00"),
        ("23:59", "2026-03-02T08:00"),
        ("00:00", "2026-03-01T08:00"),
    ],
)
def test_the_hours_of_sending(now: str, until: str | None) -> None:
    found = morning_after(datetime.fromisoformat(f"2026-03-01T{now}").replace(tzinfo=UTC))
    assert (found.isoformat()[:16] if found else None) == until
