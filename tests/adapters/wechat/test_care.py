"""What must not happen when things go wrong at the worst moment."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.delivery import deliver
from adapters.models import Account, Attempt
from adapters.rehearsal.stand_in import Fault, Outgoing
from adapters.wxcrypto import sign
from conversations.models import Conversation, Message
from conversations.services import queue_reply
from patients.models import Channel, Patient
from patients.services import erase_patient
from tickets.models import Alarm, Ticket
from vault.datakeys import create_data_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(wechat: Any, call_back: Any, hospital: Any) -> Conversation:
    call_back(wechat.writes("openid-1", "你好"))
    Message.objects.update(handled_at=timezone.now())
    return Conversation.objects.get()


def _say(conversation: Conversation, text: str) -> Message:
    conversation.refresh_from_db()
    return queue_reply(
        conversation, text=text, author="system", epoch=conversation.epoch, now=timezone.now()
    )


def test_an_account_without_its_token_believes_nobody(
    client: Client, call_back: Any, wechat: Any, wechat_channel: Channel
) -> None:
    Account.objects.all().delete()
    channel = Channel.objects.get(slug="wechat")
    Account.objects.create(channel=channel, secrets={}, data_key=create_data_key())
    stamp = str(int(timezone.now().timestamp()))
    query = {"signature": sign("", stamp, "n"), "timestamp": stamp, "nonce": "n"}

    assert call_back(Outgoing(query, b"<xml></xml>")).status_code == 403


def test_a_name_that_no_database_takes_is_taken_without_it(
    wechat: Any, call_back: Any, wechat_channel: Channel, hospital: Any
) -> None:
    account = Account.objects.get()
    account.settings["mode"] = "plain"
    account.save()
    query = wechat.calls("o1", {}, sealed=False).query
    stamp = query["timestamp"]
    body = (
        '{"FromUserName":"o\\u00001\\ud800","MsgType":"text","Content":"在\\u0000吗",'
        f'"MsgId":"7\\u0000","CreateTime":{stamp}}}'
    )

    assert call_back(Outgoing(query, body.encode())).status_code == 200
    assert Message.objects.get().text == "在吗"


def test_what_was_never_spoken_goes_out_after_a_death(
    wechat: Any, conversation: Conversation
) -> None:
    spoken, later = _say(conversation, "一"), _say(conversation, "二")
    Attempt.objects.create(
        message=spoken, channel=conversation.contact_point.channel, began_at=timezone.now()
    )

    deliver(conversation.pk, clock=timezone.now)

    assert wechat.sent == [("openid-1", "二")]
    spoken.refresh_from_db()
    later.refresh_from_db()
    assert (spoken.given_up_at is None, later.sent_at is None) == (False, False)


def test_an_answer_that_is_not_wechats_is_not_taken_for_a_yes(
    wechat: Any, conversation: Conversation
) -> None:
    owed = _say(conversation, "一")
    wechat.faults.append(Fault(status=200))  # an empty object, as a proxy says it

    deliver(conversation.pk, clock=timezone.now)

    owed.refresh_from_db()
    assert owed.sent_at is None
    assert Attempt.objects.get().result == "unknown"


def test_nobody_writes_to_a_patient_who_was_erased(wechat: Any, conversation: Conversation) -> None:
    _say(conversation, "一")
    erase_patient(Patient.objects.get(), now=timezone.now())

    deliver(conversation.pk, clock=timezone.now)

    assert wechat.asked == []
    assert not Message.objects.unsent().exists()


def test_a_channel_that_lost_its_account_says_so_in_the_thread(
    conversation: Conversation,
) -> None:
    owed = _say(conversation, "一")
    Account.objects.all().delete()

    deliver(conversation.pk, clock=timezone.now)

    told = [each.details for each in Message.objects.filter(kind="event")]
    assert {"event": "undelivered", "seqs": [owed.seq], "why": "not_set_up"} in told
    assert Ticket.objects.get().reason == "failure"


def test_an_emergency_card_waits_for_no_back_off(
    wechat: Any, call_back: Any, conversation: Conversation
) -> None:
    _say(conversation, "一")
    wechat.faults.append(Fault(code="45009"))  # an hour's wait
    deliver(conversation.pk, clock=timezone.now)
    call_back(wechat.writes("openid-1", "胸口压着痛,喘不上气,出冷汗"))

    deliver(conversation.pk, clock=timezone.now)

    assert Alarm.objects.exists()
    assert "120" in wechat.sent[-1][1]


def test_a_card_that_was_refused_waits_like_others(
    wechat: Any, call_back: Any, conversation: Conversation
) -> None:
    call_back(wechat.writes("openid-1", "胸口压着痛,喘不上气,出冷汗"))
    wechat.faults.append(Fault(code="45011"))
    now = timezone.now()
    deliver(conversation.pk, clock=lambda: now)
    asked = len(wechat.asked)

    deliver(conversation.pk, clock=lambda: now + timedelta(seconds=2))

    assert len(wechat.asked) == asked


def test_a_worker_that_lost_its_lease_stops_and_leaves_the_others(
    wechat: Any, conversation: Conversation
) -> None:
    _say(conversation, "一")
    others = timezone.now() + timedelta(minutes=9)

    def clock() -> Any:
        # Between taking the lease and speaking, another worker takes it over.
        if Conversation.objects.exclude(delivering_until=None).exists():
            Conversation.objects.update(delivering_until=others)
        return timezone.now()

    deliver(conversation.pk, clock=clock)

    assert wechat.sent == []
    conversation.refresh_from_db()
    assert conversation.delivering_until == others


def test_a_receipt_never_goes_back_and_a_failure_is_told(
    wechat: Any, call_back: Any, conversation: Conversation
) -> None:
    first, second = _say(conversation, "一"), _say(conversation, "二")
    for message, vendor_id in ((first, "11"), (second, "22")):
        Attempt.objects.create(
            message=message, channel=conversation.contact_point.channel,
            result="accepted", status="accepted", contact_point=conversation.contact_point,
            vendor_id=vendor_id, began_at=timezone.now(),
        )  # fmt: skip
        Message.objects.filter(pk=message.pk).update(sent_at=timezone.now())

    for vendor_id, said in (
        ("11", "success"), ("11", "failed: system failed"), ("22", "failed:user block"),
    ):  # fmt: skip
        call_back(wechat.notices("openid-1", "TEMPLATESENDJOBFINISH", MsgID=vendor_id, Status=said))

    assert list(Attempt.objects.order_by("vendor_id").values_list("status", "category")) == [
        ("delivered", ""), ("failed", "opted_out"),
    ]  # fmt: skip
    second.refresh_from_db()
    assert second.given_up_at is not None
    conversation.contact_point.refresh_from_db()
    assert conversation.contact_point.closed_why == "opted_out"


def test_a_number_that_was_used_before_loses_no_words(
    wechat: Any, call_back: Any, conversation: Conversation
) -> None:
    for openid, text in (("a", "一"), ("a", "二"), ("a", "二"), ("b", "一")):
        call_back(wechat.writes(openid, text, message_id=7))

    said = Message.objects.filter(author="patient").order_by("pk")
    assert [each.text for each in said] == ["你好", "一", "二", "一"]
