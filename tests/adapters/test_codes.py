"""A one-time code goes to the record's phone by SMS, and nowhere else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.aliyun.stand_in import AliyunStandIn
from adapters.codes import can_send_codes, send_code
from adapters.delivery import deliver
from adapters.registry import adapter_of
from adapters.rehearsal.stand_in import Fault, StandIn
from adapters.tencent.stand_in import TencentStandIn
from adapters.twilio.stand_in import TwilioStandIn
from assistant.services import attend
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply, start_conversation
from harness.accounts import open_account
from patients.models import Channel, Patient
from patients.services import create_patient, meet
from records.identity import start_check
from records.models import IdentityCheck

pytestmark = pytest.mark.django_db

STAND_INS: dict[str, type[StandIn]] = {
    "aliyun": AliyunStandIn, "tencent": TencentStandIn, "twilio": TwilioStandIn,
}  # fmt: skip


@pytest.fixture
def wang(hospital: Any) -> Patient:
    return create_patient(name="王小明", phone="13800000001")


@pytest.fixture(params=STAND_INS)
def sms(request: pytest.FixtureRequest, db: None) -> Iterator[StandIn]:
    with STAND_INS[request.param]() as stand_in:
        named = getattr(stand_in.credentials, "code_template", "")
        settings = {**stand_in.settings(), **({"code_template": named} if named else {})}
        open_account(request.param, settings=settings, secrets=stand_in.secrets())
        yield stand_in


@pytest.fixture
def aliyun(db: None) -> Iterator[AliyunStandIn]:
    with AliyunStandIn() as stand_in:
        settings = {**stand_in.settings(), "code_template": stand_in.credentials.code_template}
        open_account("aliyun", settings=settings, secrets=stand_in.secrets())
        yield stand_in


def ask(web: Channel, phone: str = "13800000001", name: str = "王小明") -> int:
    start_check(
        1, asked_by=meet(web, address="v"), name=name, phone=phone, now=timezone.now()
    )  # fmt: skip
    return int(IdentityCheck.objects.latest("pk").pk)


def code_thread() -> tuple[Conversation, str]:
    message = Message.objects.get()
    return message.conversation, (message.details or {})["code"]["digits"]


def test_the_code_reaches_the_phone_by_every_vendor(
    wang: Patient, web: Channel, sms: StandIn
) -> None:
    assert can_send_codes()
    send_code(ask(web), now=timezone.now())
    conversation, code = code_thread()
    deliver(conversation.pk, clock=timezone.now)

    [(phone, text)] = sms.sent
    assert phone.endswith("13800000001")
    assert code in text
    assert "http" not in text
    assert code not in Message.objects.get().text


def test_for_nobody_nothing_is_sent_and_nothing_stays_owed(web: Channel, sms: StandIn) -> None:
    send_code(ask(web, name="李四"), now=timezone.now())

    assert not Message.objects.exists()
    assert not IdentityCheck.objects.owed_a_letter().exists()


def test_a_second_ring_sends_no_second_code(wang: Patient, web: Channel, sms: StandIn) -> None:
    check = ask(web)
    send_code(check, now=timezone.now())
    send_code(check, now=timezone.now())

    assert Message.objects.count() == 1


def test_a_family_on_one_phone_gets_its_codes(wang: Patient, web: Channel, aliyun: StandIn) -> None:
    create_patient(name="王明明", phone="13800000001")

    send_code(ask(web), now=timezone.now())

    assert Message.objects.get().conversation.contact_point.patient == wang


def test_without_a_template_for_codes_no_code_can_be_sent(db: None) -> None:
    with AliyunStandIn() as stand_in:
        open_account("aliyun", settings=stand_in.settings(), secrets=stand_in.secrets())
        assert not can_send_codes()


def test_a_code_takes_no_other_way(wang: Patient, web: Channel, aliyun: AliyunStandIn) -> None:
    aliyun.blocked.add("13800000001")
    send_code(ask(web), now=timezone.now())
    conversation, _code = code_thread()
    with TwilioStandIn() as twilio:
        channel = open_account("twilio", settings=twilio.settings(), secrets=twilio.secrets())
        meet(channel, address="+8613800000001")
        deliver(conversation.pk, clock=timezone.now)

        assert twilio.sent == aliyun.sent == []
    assert Message.objects.filter(given_up_at__isnull=False).count() == 1


def test_a_code_that_is_good_no_more_is_not_sent(
    wang: Patient, web: Channel, aliyun: AliyunStandIn
) -> None:
    send_code(ask(web), now=timezone.now())
    conversation, _code = code_thread()
    deliver(conversation.pk, clock=lambda: timezone.now() + timedelta(minutes=10))

    assert aliyun.sent == []
    assert Message.objects.filter(given_up_at__isnull=False).count() == 1


def test_a_code_waits_for_no_notice(wang: Patient, web: Channel, aliyun: AliyunStandIn) -> None:
    send_code(ask(web), now=timezone.now())
    conversation, _code = code_thread()
    deliver(conversation.pk, clock=timezone.now)
    for text in ("有一条消息", "又一条"):  # the second waits: the first notice was not followed
        queue_reply(
            conversation, text=text, author=Author.NURSE, epoch=conversation.epoch,
            now=timezone.now(),
        )  # fmt: skip
        deliver(conversation.pk, clock=timezone.now)
    IdentityCheck.objects.update(started_at=timezone.now() - timedelta(hours=1))
    send_code(ask(web), now=timezone.now())
    deliver(conversation.pk, clock=timezone.now)

    code = (Message.objects.latest("pk").details or {})["code"]["digits"]
    assert code in aliyun.sent[-1][1]


def test_a_vendor_that_was_busy_is_asked_again(
    wang: Patient, web: Channel, aliyun: AliyunStandIn
) -> None:
    aliyun.faults.append(Fault(code="Throttling"))
    send_code(ask(web), now=timezone.now())
    conversation, code = code_thread()
    deliver(conversation.pk, clock=timezone.now)
    deliver(conversation.pk, clock=lambda: timezone.now() + timedelta(minutes=1))

    assert [code in text for _phone, text in aliyun.sent] == [True]


def test_the_template_of_codes_is_checked_with_the_others(db: None) -> None:
    with AliyunStandIn() as stand_in:
        settings = {**stand_in.settings(), "code_template": "SMS_404"}
        channel = open_account("aliyun", settings=settings, secrets=stand_in.secrets())
        steps = adapter_of(channel).check()

    assert [each.works for each in steps][-1] is False


# --- guessing through the vendors' doors ---------------------------------------------------------


def test_guesses_over_wechat_and_sms_hear_the_same_of_somebody_and_nobody(
    client: Client, wang: Patient, wechat: Any, wechat_channel: Channel,
    aliyun: AliyunStandIn, model: Any,
) -> None:  # fmt: skip
    """Ten openids and ten phones, half of each aiming at a patient: 100 guesses."""
    model.means("report_query")
    heard: dict[bool, list[str]] = {True: [], False: []}
    by_sms = Channel.objects.get(slug="aliyun")
    for number in range(20):
        is_real = number % 4 < 2
        aim = f"查报告,王小明,{'13800000001' if is_real else '13900000002'}"
        for said in (aim, "135790", "246801", "没收到", "112233"):
            channel, door = (wechat_channel, wechat) if number % 2 else (by_sms, aliyun)
            address = f"openid-{number}" if number % 2 else f"+861370000{number:04}"
            knock = door.writes(address, said)
            client.post(
                f"/channels/{channel.slug}/callback{knock.path}",
                data=knock.body, content_type=knock.content_type, headers=knock.headers,
            )  # fmt: skip
            point = meet(channel, address=address)
            conversation = start_conversation(point, now=timezone.now())
            attend(conversation.pk, understand=model, now=timezone.now())
            last = Message.objects.filter(conversation=conversation).latest("seq")
            heard[is_real].append(_plain(last.text))

    assert heard[True] == heard[False]
    assert not IdentityCheck.objects.exclude(verified_at=None).exists()
    assert IdentityCheck.objects.exclude(refused="").exists()


def _plain(text: str) -> str:
    """Without the number that was typed, and the moment until which one waits."""
    for typed in ("138****0001", "139****0002"):
        text = text.replace(typed, "…")
    head, found, _rest = text.partition("下一个验证码要到")
    return f"{head}{found}"
