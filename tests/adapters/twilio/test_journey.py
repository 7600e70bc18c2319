"""A patient writes by SMS, is answered, and ends it with a word that Twilio obeys."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.delivery import deliver
from adapters.models import Account, Attempt
from adapters.rehearsal.stand_in import Fault
from conversations.models import Conversation, Message
from conversations.services import queue_reply
from patients.models import ContactPoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def call_back(client: Client, account: Account) -> Any:
    def post(outgoing: Any) -> Any:
        path = f"/channels/{account.channel.slug}/callback{outgoing.path}"
        return client.post(
            path,
            data=outgoing.body,
            content_type=outgoing.content_type,
            headers=outgoing.headers,
        )

    return post


def test_from_the_first_word_to_the_receipt(vendor: Any, call_back: Any, hospital: Any) -> None:
    said = vendor.writes("+8613800000001", "几点开门")
    answers = [call_back(said) for _ in range(3)]
    Message.objects.update(handled_at=timezone.now())
    conversation = Conversation.objects.get()
    reply = queue_reply(
        conversation, text="八点", author="system", epoch=conversation.epoch, now=timezone.now()
    )

    deliver(conversation.pk, clock=timezone.now)
    [vendor_id] = vendor.phones
    receipt = call_back(vendor.reports(vendor_id))

    assert {answer.status_code for answer in [*answers, receipt]} == {200}
    assert Message.objects.filter(author="patient").count() == 1
    assert vendor.sent == [("+8613800000001", "八点")]
    attempt = Attempt.objects.get(message=reply)
    assert (attempt.vendor_id, attempt.status) == (vendor_id, "delivered")


def test_a_stop_closes_the_address_and_a_start_opens_it(
    vendor: Any, call_back: Any, hospital: Any
) -> None:
    call_back(vendor.writes("+8613800000001", "STOP"))
    assert ContactPoint.objects.get().closed_why == "opted_out"
    call_back(vendor.writes("+8613800000001", "START"))

    assert ContactPoint.objects.get().closed_why == ""
    assert vendor.sent == []  # Twilio confirms by itself


def test_a_word_that_twilio_does_not_know_is_ours_to_obey(
    vendor: Any, call_back: Any, hospital: Any
) -> None:
    call_back(vendor.writes("+8613800000001", "退订"))
    call_back(vendor.writes("+8613800000001", "几点开门"))
    Message.objects.filter(author="patient").update(handled_at=timezone.now())
    conversation = Conversation.objects.get()
    queue_reply(
        conversation, text="八点", author="system", epoch=conversation.epoch, now=timezone.now()
    )
    deliver(conversation.pk, clock=timezone.now)

    assert ContactPoint.objects.get().closed_why == ""
    assert [text for _phone, text in vendor.sent] == [
        "您将不再收到提醒和健康资讯，仍可随时在此给我们留言。",
        "八点",
    ]


def test_yes_opens_again_what_twilio_opened(vendor: Any, call_back: Any, hospital: Any) -> None:
    call_back(vendor.writes("+8613800000001", "STOP"))
    call_back(vendor.writes("+8613800000001", "恢复"))  # says nothing to Twilio
    assert ContactPoint.objects.get().closed_why == "opted_out"
    call_back(vendor.writes("+8613800000001", "Yes"))

    assert ContactPoint.objects.get().closed_why == ""
    call_back(vendor.writes("+8613800000001", "yes"))  # an answer, as any
    assert Message.objects.filter(author="patient").unhandled().count() == 1


def test_a_landline_is_asked_once_and_rests_no_channel(
    vendor: Any, call_back: Any, account: Account, hospital: Any
) -> None:
    call_back(vendor.writes("+8613800000001", "几点开门"))
    Message.objects.update(handled_at=timezone.now())
    conversation = Conversation.objects.get()
    queue_reply(
        conversation, text="八点", author="system", epoch=conversation.epoch, now=timezone.now()
    )
    vendor.faults.extend([Fault("21635")] * 6)
    for minute in range(6):
        at = timezone.now() + timedelta(minutes=5 * minute)
        deliver(conversation.pk, clock=partial(datetime.fromtimestamp, at.timestamp(), UTC))

    account.refresh_from_db()
    assert (account.failures, account.open_until) == (0, None)
    assert Attempt.objects.count() == 1
    assert ContactPoint.objects.get().closed_why == "invalid_recipient"


def test_a_stranger_is_turned_away_at_the_door(vendor: Any, call_back: Any, hospital: Any) -> None:
    outgoing = vendor.writes("+8613800000001", "x")
    outgoing.headers = {"x-twilio-signature": "x" * 28}

    assert call_back(outgoing).status_code == 403
    assert call_back(vendor.calls({"MessageSid": "SM1"})).status_code == 400
    assert not Message.objects.exists()
