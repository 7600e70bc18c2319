"""What went wrong at the door once, and must not again: texts, phones, names, words, receipts."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from adapters import arrivals, pulling, receipts
from adapters.aliyun.stand_in import AliyunStandIn
from adapters.arrivals import EMPTY, receive
from adapters.contracts import EventKind, InboundEvent
from adapters.delivery import deliver
from adapters.models import Account, Attempt, EarlyReceipt, Result
from adapters.pulling import NOT_AGAIN, pull, unpulled
from adapters.receipts import note_crossed_receipts
from adapters.registry import adapter_of
from adapters.rehearsal.stand_in import Fault, Outgoing
from adapters.twilio.stand_in import TwilioStandIn
from adapters.unions import name_unnamed
from adapters.wecom.stand_in import WeComStandIn
from adapters.weixin.stand_in import WeChatStandIn
from assistant.services import attend, take_in
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply
from conversations.text import MAX_CHARS
from harness.accounts import open_account
from patients.models import Channel, ContactPoint, Patient
from patients.services import (
    create_patient,
    find_contact_point,
    join_by_union,
    meet,
    update_patient,
)
from tickets.models import Alarm, Ticket

PHONE = "+8613800138000"
UNSEEN = {
    "zero width": "\u200b",
    "word joiners": "\u2060" * 3,
    "marks alone": "\u0301" * 5,
    "marks without end": "a" + "\u0301" * (2 * MAX_CHARS + 900),
    "spaces at the cut": "头" * (MAX_CHARS - 1) + "痛\u200b" + "\u200b" * 40,
    "long, and nothing after": "头痛" * (MAX_CHARS // 2) + "\u200b\u200b",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def sms() -> Iterator[AliyunStandIn]:
    with AliyunStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_sms(db: None, sms: AliyunStandIn, hospital: Any) -> Channel:
    return open_account("aliyun", settings=sms.settings(), secrets=sms.secrets())


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_twilio(db: None, twilio: TwilioStandIn, hospital: Any) -> Channel:
    return open_account("twilio", settings=twilio.settings(), secrets=twilio.secrets())


@pytest.fixture
def wecom() -> Iterator[WeComStandIn]:
    with WeComStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def by_wecom(db: None, wecom: WeComStandIn, hospital: Any) -> Channel:
    return open_account("wecom", settings=wecom.settings(), secrets=wecom.secrets())


@pytest.fixture
def hear(client: Client) -> Callable[[Channel, Outgoing], None]:
    """A vendor's callback reaches our door, and is taken."""

    def post(channel: Channel, outgoing: Outgoing) -> None:
        url = f"/channels/{channel.slug}/callback{outgoing.path}"
        answered = client.post(url, outgoing.body, outgoing.content_type, headers=outgoing.headers)
        assert answered.status_code == 200

    return post


def fetch(channel: Channel, *, at: datetime | None = None) -> None:
    pull(channel.pk, clock=lambda: at or timezone.now())


def said_by(address: str, channel: Channel) -> list[str]:
    found = find_contact_point(channel, address=address)
    rows = Message.objects.filter(conversation__contact_point=found, author=Author.PATIENT)
    return [each.text for each in rows.order_by("seq")]


def events() -> list[str]:
    found = Message.objects.filter(kind="event").order_by("conversation", "seq")
    return [(each.details or {})["event"] for each in found]


def converse(contact_point: ContactPoint) -> Conversation:
    return take_in(contact_point, text="你好", now=timezone.now()).message.conversation


def answer(conversation: Conversation, text: str = "请空腹来抽血") -> Message:
    conversation.refresh_from_db()
    return queue_reply(
        conversation,
        text=text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        now=timezone.now(),
    )


# --- text that nobody can see ---------------------------------------------------------------------


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_no_text_stops_a_channel_that_is_fetched_from(
    wecom: WeComStandIn, by_wecom: Channel, text: str
) -> None:
    wecom.writes("wm1", "你好")
    wecom.writes("wm1", text)
    wecom.servicer_says("wm1", text)
    wecom.writes("wm2", "胸口痛得厉害")
    fetch(by_wecom)

    assert said_by("wm2", by_wecom) == ["胸口痛得厉害"]
    assert Alarm.objects.ringing().exists()
    first, *rest = said_by("wm1", by_wecom)
    assert first == "你好" and rest
    assert Message.objects.filter(author=Author.NURSE).exists()
    account = Account.objects.get()
    assert account.cursor == "4" and account.pulling_until is None
    assert not unpulled(now=timezone.now())


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_no_text_is_refused_at_the_door(
    wechat: WeChatStandIn, wechat_channel: Channel, hospital: Any, hear: Any, text: str
) -> None:
    outgoing = wechat.writes("oFan", text)
    for _twice in range(2):
        hear(wechat_channel, outgoing)

    said = said_by("oFan", wechat_channel)
    assert said and all(len(each) <= MAX_CHARS for each in said)
    assert "".join(said).count("头") == text.count("头")
    if not any(each.isalpha() for each in text):
        assert said == [EMPTY]


def test_what_a_nurse_said_and_nobody_can_see_is_mirrored_as_empty(
    wecom: WeComStandIn, by_wecom: Channel
) -> None:
    wecom.writes("wm1", "你好")
    wecom.servicer_says("wm1", "\u200b")
    fetch(by_wecom)

    assert Message.objects.get(author=Author.NURSE).text == EMPTY


def test_one_event_that_raises_is_left_out_and_the_rest_stored(
    wecom: WeComStandIn,
    by_wecom: Channel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = arrivals.take_in

    def take(contact_point: ContactPoint, **known: Any) -> Any:
        if known["text"] == "毒":
            Patient.objects.filter(pk=contact_point.patient_id).update(language="en")
            raise ValueError(known["text"])
        return real(contact_point, **known)

    monkeypatch.setattr(arrivals, "take_in", take)
    for user, text in (("wm1", "一"), ("wm2", "毒"), ("wm1", "二"), ("wm3", "三")):
        wecom.writes(user, text)
    fetch(by_wecom)

    assert said_by("wm1", by_wecom) == ["一", "二"] and said_by("wm3", by_wecom) == ["三"]
    assert find_contact_point(by_wecom, address="wm2") is None  # all of it or nothing
    assert Account.objects.get().cursor == "4"
    assert [each.msg for each in caplog.records if each.levelname == "ERROR"] == [
        "page not stored",
        "event left out",
    ]
    assert "毒" not in caplog.text


def test_where_the_house_is_ill_nothing_is_left_out(
    wecom: WeComStandIn, by_wecom: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("disk full")

    wecom.writes("wm1", "胸口痛")
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "take_in", fail)
        with pytest.raises(OperationalError):
            fetch(by_wecom)
    account = Account.objects.get()
    assert account.cursor == "" and account.pulling_until is None
    fetch(by_wecom)

    assert said_by("wm1", by_wecom) == ["胸口痛"]


# --- who fetches ----------------------------------------------------------------------------------


def test_a_worker_that_lost_the_hold_stores_nothing(
    wecom: WeComStandIn, by_wecom: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    wecom.writes("wm1", "你好")
    others = timezone.now() + timedelta(minutes=10)
    adapter = type(adapter_of(by_wecom))
    real = adapter.pull

    def slow(self: Any, cursor: str, *, ring: str) -> Any:
        """It takes so long that another worker has begun."""
        batch = real(self, cursor, ring=ring)
        Account.objects.update(pulling_until=others, cursor="0")
        return batch

    monkeypatch.setattr(adapter, "pull", slow)
    fetch(by_wecom)

    assert not Message.objects.exists() and not ContactPoint.objects.exists()
    account = Account.objects.get()
    assert (account.cursor, account.pulling_until) == ("0", others)  # the other's


def test_more_pages_than_one_run_takes_are_fetched_by_the_next(
    wecom: WeComStandIn, by_wecom: Channel, hear: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PAGES", 3)
    wecom.page_size = 1
    for number in range(6):
        rang = wecom.writes(f"wm{number}", "你好")
    hear(by_wecom, rang)
    fetch(by_wecom)
    assert Conversation.objects.count() == 3
    assert unpulled(now=timezone.now()) == [by_wecom.pk]

    fetch(by_wecom)
    assert Conversation.objects.count() == 6
    assert unpulled(now=timezone.now()) == []


@pytest.mark.parametrize(("code", "wait"), [("-1", NOT_AGAIN), ("45009", timedelta(minutes=1))])
def test_a_vendor_that_gave_nothing_is_not_asked_again_at_once(
    wecom: WeComStandIn, by_wecom: Channel, hear: Any, code: str, wait: timedelta
) -> None:
    hear(by_wecom, wecom.writes("wm1", "你好"))
    wecom.sync_faults.append(Fault(code))
    now = timezone.now()
    fetch(by_wecom, at=now)
    asked = len(wecom.asked)
    soon, then = now + wait - timedelta(seconds=1), now + wait + timedelta(seconds=1)
    fetch(by_wecom, at=soon)
    assert len(wecom.asked) == asked and unpulled(now=soon) == []

    assert unpulled(now=then) == [by_wecom.pk]
    fetch(by_wecom, at=then)
    assert said_by("wm1", by_wecom) == ["你好"]


def test_what_was_mirrored_hands_over_once(wecom: WeComStandIn, by_wecom: Channel) -> None:
    wecom.writes("wm1", "你好")
    wecom.servicer_says("wm1", "您好，我来处理")
    wecom.ends("wm1")
    fetch(by_wecom)
    assert Conversation.objects.get().owner == "assistant"
    Account.objects.update(cursor="1")  # it was not kept
    fetch(by_wecom)

    conversation = Conversation.objects.get()
    assert conversation.owner == "assistant" and not Ticket.objects.open().exists()
    assert Message.objects.filter(author=Author.NURSE).count() == 1


# --- whose phone it is ----------------------------------------------------------------------------


def test_who_writes_from_the_phone_of_a_record_is_met_as_anybody(
    sms: AliyunStandIn, by_sms: Channel, wechat_channel: Channel, hear: Any
) -> None:
    mother = meet(wechat_channel, address="oMother")
    update_patient(mother.patient, name="母亲", phone="13800138000")
    conversation = converse(mother)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    assert len(sms.sent) == 1  # the phone of her record
    create_patient(name="女儿", phone="13800138000")
    hear(by_sms, sms.writes(PHONE, "我是女儿，我怀孕了"))

    met = find_contact_point(by_sms, address=PHONE)
    assert met is not None and met.patient_id != mother.patient_id
    assert met.patient.name is None
    assert said_by("oMother", wechat_channel) == ["你好"]


def test_what_is_said_to_a_daughter_goes_to_no_account_of_her_mothers(
    wechat: WeChatStandIn, sms: AliyunStandIn, by_sms: Channel, wechat_channel: Channel, hear: Any
) -> None:
    hear(wechat_channel, wechat.writes("oMother", "你好"))
    mother = ContactPoint.objects.get()
    update_patient(mother.patient, phone="13800138000")
    Message.objects.unsent().update(sent_at=timezone.now())
    hear(by_sms, sms.writes(PHONE, "我是女儿，我怀孕了"))
    daughter = Conversation.objects.exclude(contact_point=mother).get()
    Message.objects.unsent().update(sent_at=timezone.now())
    sms.faults.append(Fault("isv.BUSINESS_LIMIT_CONTROL"))
    message = answer(daughter, "您的孕检结果……")
    for minutes in (0, 11, 60):
        at = timezone.now() + timedelta(minutes=minutes)
        deliver(daughter.pk, clock=lambda at=at: at)

    assert not wechat.sent
    assert {each.channel for each in Attempt.objects.filter(message=message)} == {by_sms}
    # And once the daughter holds that phone, nothing of the mother's is sent there.
    sms.sent.clear()
    mine = converse(mother)
    Message.objects.unsent().update(sent_at=timezone.now())
    ContactPoint.objects.filter(pk=mother.pk).update(closed_why="opted_out")
    answer(mine)
    deliver(mine.pk, clock=timezone.now)
    assert not sms.sent


# --- one person on several accounts ---------------------------------------------------------------


@pytest.mark.parametrize("said", [None, 0, False, {}, [], ["u"]])
def test_two_of_whom_the_vendor_says_null_are_not_one(
    wechat: WeChatStandIn,
    wechat_channel: Channel,
    hospital: Any,
    monkeypatch: pytest.MonkeyPatch,
    said: Any,
) -> None:
    monkeypatch.setattr(wechat, "_union", lambda _openid: {"unionid": said})
    one, other = (meet(wechat_channel, address=each) for each in ("oA", "oB"))

    assert name_unnamed(now=timezone.now()) == 2
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.patient_id != other.patient_id
    assert Patient.objects.filter(merged_into__isnull=False).count() == 0
    assert name_unnamed(now=timezone.now()) == 0


def test_a_code_that_names_a_null_joins_nobody(
    client: Client, wechat: WeChatStandIn, hospital: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = open_account("miniprogram", settings=wechat.settings(), secrets=wechat.secrets())
    monkeypatch.setattr(wechat, "_union", lambda _openid: {"unionid": None})
    for openid in ("oA", "oB"):
        wechat.codes[openid] = openid
        answered = client.post(
            f"/channels/{channel.slug}/login", {"code": openid}, content_type="application/json"
        )
        assert answered.status_code == 200

    assert len({each.patient_id for each in ContactPoint.objects.all()}) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"identity_number": "110101194001011234"}, {"identity_number": "110101197001011234"}),
        ({"phone": "13800138000"}, {"phone": "13900139000"}),
        ({"birth_date_text": "1940-01-01"}, {"birth_date_text": "1970-01-01"}),
        ({"deceased_at": timezone.now()}, {}),
        ({}, {"deceased_at": timezone.now()}),
    ],
    ids=["identity", "phone", "birth", "deceased", "deceased other"],
)
def test_records_that_contradict_each_other_are_not_joined(
    wechat_channel: Channel, hospital: Any, one: dict[str, Any], other: dict[str, Any]
) -> None:
    app = Channel.objects.create(slug="mp", kind="miniprogram", name="mp")
    mother, daughter = meet(wechat_channel, address="o1"), meet(app, address="o2")
    join_by_union(mother, union="u-1")
    update_patient(mother.patient, name="母亲", **one)
    update_patient(daughter.patient, name="女儿", **other)
    join_by_union(daughter, union="u-1")

    daughter.refresh_from_db()
    patient = Patient.objects.get(pk=daughter.patient_id)
    assert patient.name == "女儿" and patient.merged_into_id is None
    assert patient.deceased_at == other.get("deceased_at")


def test_records_that_agree_are_joined(wechat_channel: Channel, hospital: Any) -> None:
    app = Channel.objects.create(slug="mp", kind="miniprogram", name="mp")
    one, other = meet(wechat_channel, address="o1"), meet(app, address="o2")
    join_by_union(one, union="u-1")
    update_patient(one.patient, phone="13800138000", name="王芳")
    update_patient(other.patient, phone="+86 138-0013-8000", birth_date_text="1970-01-01")
    join_by_union(other, union="u-1")

    other.refresh_from_db()
    assert other.patient_id == one.patient_id


# --- words that are obeyed ------------------------------------------------------------------------


def test_a_stop_that_comes_twice_still_closes_the_address(
    twilio: TwilioStandIn, by_twilio: Channel, hear: Any
) -> None:
    stop = twilio.writes(PHONE, "STOP")
    for _twice in range(2):
        hear(by_twilio, stop)
        assert ContactPoint.objects.get().closed_why == "opted_out"
    assert events() == ["stopped"]

    hear(by_twilio, twilio.writes(PHONE, "我还有个问题"))
    assert ContactPoint.objects.get().closed_why == "opted_out"  # Twilio lets nothing through
    hear(by_twilio, twilio.writes(PHONE, "START"))
    assert ContactPoint.objects.get().closed_why == ""


def test_an_old_start_that_comes_again_opens_nothing(
    twilio: TwilioStandIn, by_twilio: Channel, hear: Any
) -> None:
    start = twilio.writes(PHONE, "START")
    hear(by_twilio, start)
    hear(by_twilio, twilio.writes(PHONE, "STOP"))
    hear(by_twilio, start)

    assert ContactPoint.objects.get().closed_why == "opted_out"


def test_an_unfollow_that_comes_after_the_next_follow_closes_nothing(
    wechat: WeChatStandIn, wechat_channel: Channel, hospital: Any, hear: Any
) -> None:
    now = int(timezone.now().timestamp())
    event = {"MsgType": "event", "EventKey": ""}
    hear(wechat_channel, wechat.calls("oFan", {**event, "Event": "subscribe"}, at=now - 60))
    left = wechat.calls("oFan", {**event, "Event": "unsubscribe"}, at=now - 50)
    hear(wechat_channel, wechat.calls("oFan", {**event, "Event": "subscribe"}, at=now - 40))
    hear(wechat_channel, left)

    assert ContactPoint.objects.get().closed_why == ""


def test_where_a_talk_of_machines_ends_the_model_still_looks_for_danger(
    by_twilio: Channel, model: Any
) -> None:
    capabilities, now = adapter_of(by_twilio).capabilities, timezone.now()
    for number in range(22):
        event = InboundEvent(EventKind.TEXT, PHONE, f"k{number}", now, text=f"话{number}")
        receive(by_twilio, [event], capabilities=capabilities, now=now)
        if number < 21:
            attend(Conversation.objects.get().pk, understand=model, now=now)
    conversation = Conversation.objects.get()
    assert conversation.owner == "queue"
    ours = Message.objects.filter(author=Author.ASSISTANT).count()
    model.means("emergency", urgency=3)
    attend(conversation.pk, understand=model, now=now)

    assert model.asked[-2:] == ["话20", "话21"]
    assert Alarm.objects.ringing().exists()
    assert Message.objects.filter(author=Author.ASSISTANT).count() <= ours + 1  # the card alone


# --- rows, and who sealed them --------------------------------------------------------------------


def test_a_row_that_makes_no_sense_takes_no_patient_with_it(
    sms: AliyunStandIn, by_sms: Channel, hear: Any
) -> None:
    row = {"send_time": "2026-11-18 12:00:00", "dest_code": "1069"}
    rows = [
        {**row, "phone_number": "10086", "content": "话费提醒", "sequence_id": "1"},
        {**row, "phone_number": "13800138000", "content": "胸口痛得厉害", "sequence_id": "2"},
    ]
    hear(by_sms, sms.calls(rows))

    assert said_by(PHONE, by_sms) == ["胸口痛得厉害"]
    assert Alarm.objects.ringing().exists()
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize(
    ("mode", "is_taken"), [("secure", False), ("compatible", False), ("plain", True)]
)
def test_what_is_not_sealed_is_taken_in_plain_mode_alone(
    client: Client, wechat: WeChatStandIn, hospital: Any, mode: str, is_taken: bool
) -> None:
    settings = wechat.credentials.settings(api_url=wechat.url, mode=mode)
    channel = open_account("wechat", settings=settings, secrets=wechat.secrets())
    outgoing = wechat.writes("oVictim", "forged", sealed=False)
    answered = client.post(
        f"/channels/{channel.slug}/callback{outgoing.path}", outgoing.body, "text/xml"
    )

    assert answered.status_code == (200 if is_taken else 403)
    assert Message.objects.filter(author=Author.PATIENT).exists() == is_taken


# --- receipts -------------------------------------------------------------------------------------


@pytest.fixture
def sent(sms: AliyunStandIn, by_sms: Channel) -> Attempt:
    """An SMS on its way to somebody who has another phone too."""
    one, other = meet(by_sms, address=PHONE), meet(by_sms, address="+8613900139000")
    ContactPoint.objects.filter(pk=other.pk).update(patient=one.patient)
    conversation = converse(one)
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    return Attempt.objects.get(result=Result.ACCEPTED)


def closed() -> dict[str | None, str]:
    return {each.address: each.closed_why for each in ContactPoint.objects.all()}


def test_a_receipt_closes_only_the_phone_that_it_is_of(
    sms: AliyunStandIn, by_sms: Channel, sent: Attempt, hear: Any
) -> None:
    hear(by_sms, sms.reports(sent.vendor_id, "INVALID_NUMBER"))

    assert closed() == {PHONE: "invalid_recipient", "+8613900139000": ""}
    sent.message.refresh_from_db()
    assert sent.message.given_up_at is not None


def test_a_receipt_closes_no_phone_that_was_heard_from_since(
    sms: AliyunStandIn, by_sms: Channel, sent: Attempt, hear: Any
) -> None:
    hear(by_sms, sms.writes(PHONE, "收到"))
    hear(by_sms, sms.reports(sent.vendor_id, "INVALID_NUMBER"))

    assert closed() == {PHONE: "", "+8613900139000": ""}
    sent.message.refresh_from_db()
    assert sent.message.given_up_at is not None


def test_a_receipt_of_a_detour_closes_the_phone_and_not_where_it_began(
    wechat_channel: Channel, sms: AliyunStandIn, by_sms: Channel, hear: Any
) -> None:
    conversation = converse(meet(wechat_channel, address="oFan"))
    update_patient(conversation.contact_point.patient, phone="13800138000")
    answer(conversation)
    deliver(conversation.pk, clock=timezone.now)
    attempt = Attempt.objects.get(result=Result.ACCEPTED)
    hear(by_sms, sms.reports(attempt.vendor_id, "INVALID_NUMBER"))

    assert closed() == {"oFan": "", PHONE: "invalid_recipient"}
    answer(conversation)
    deliver(conversation.pk, clock=lambda: timezone.now() + timedelta(hours=1))
    assert len(sms.sent) == 1


def test_a_notice_that_was_not_agreed_to_closes_no_address(
    wechat: WeChatStandIn, hospital: Any, hear: Any
) -> None:
    channel = open_account("miniprogram", settings=wechat.settings(), secrets=wechat.secrets())
    contact_point = meet(channel, address="oFan")
    message = answer(converse(contact_point))
    Attempt.objects.create(
        message=message,
        channel=channel,
        contact_point=contact_point,
        is_notice=True,
        began_at=timezone.now(),
        result=Result.ACCEPTED,
        status="accepted",
        vendor_id="77",
    )
    failed = {"MsgID": "77", "ErrorCode": "20013", "ErrorStatus": "x"}
    hear(channel, wechat.notices("oFan", "subscribe_msg_sent_event", **failed))

    assert closed() == {"oFan": ""}
    message.refresh_from_db()
    assert message.given_up_at is not None


def test_a_failure_that_could_not_be_told_is_told_the_next_time(
    by_sms: Channel, sent: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("deadlock detected")

    now = timezone.now()
    EarlyReceipt.objects.create(
        channel=by_sms, vendor_id=sent.vendor_id, status="failed", category="content", at=now
    )
    with monkeypatch.context() as patched:
        patched.setattr(receipts, "give_up", fail)
        with pytest.raises(OperationalError):
            note_crossed_receipts(now=now)
    sent.refresh_from_db()
    assert sent.status == "accepted" and EarlyReceipt.objects.exists()
    note_crossed_receipts(now=now)

    sent.message.refresh_from_db()
    assert sent.message.given_up_at is not None and not EarlyReceipt.objects.exists()
    assert events().count("undelivered") == 1


def test_a_failure_that_is_told_twice_is_told_once(
    sms: AliyunStandIn, by_sms: Channel, sent: Attempt, hear: Any
) -> None:
    for _twice in range(2):
        hear(by_sms, sms.reports(sent.vendor_id, "INVALID_NUMBER"))

    assert events().count("undelivered") == 1
    sent.refresh_from_db()
    assert sent.status == "failed"
