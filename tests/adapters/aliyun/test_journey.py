"""A patient answers by SMS, hears of the reply by a template, and ends it with a word."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.delivery import deliver
from adapters.health import health_of
from adapters.models import Account, Attempt, Link
from conversations.models import Conversation, Message
from conversations.services import queue_reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def call_back(client: Client, account: Account) -> Any:
    def post(outgoing: Any) -> Any:
        path = f"/channels/{account.channel.slug}/callback{outgoing.path}"
        return client.post(path, data=outgoing.body, content_type=outgoing.content_type)

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
    [(number, text)] = vendor.sent
    assert number == "13800000001"
    assert text.startswith("您有新的回复,请查看 https://wenan.example/s/")
    assert "八点" not in text
    assert Link.objects.count() == 1
    attempt = Attempt.objects.get(message=reply)
    assert (attempt.vendor_id, attempt.status) == (vendor_id, "delivered")


def test_what_is_billed_is_counted_once(vendor: Any, call_back: Any, hospital: Any) -> None:
    call_back(vendor.writes("+8613800000001", "几点开门"))
    Message.objects.update(handled_at=timezone.now())
    conversation = Conversation.objects.get()
    for text in ("八点", "在二楼"):  # one SMS tells of both
        queue_reply(
            conversation, text=text, author="system", epoch=conversation.epoch, now=timezone.now()
        )
    deliver(conversation.pk, clock=timezone.now)
    [vendor_id] = vendor.phones
    channel = conversation.contact_point.channel
    assert health_of(channel, timezone.now()).today.segments == 1

    call_back(vendor.reports(vendor_id, size=2))
    assert health_of(channel, timezone.now()).today.segments == 2
    call_back(vendor.reports(vendor_id, size=2))
    assert health_of(channel, timezone.now()).today.segments == 2


def test_a_word_ends_what_is_sent_unasked(vendor: Any, call_back: Any, hospital: Any) -> None:
    call_back(vendor.writes("+8613800000001", "R"))

    told = [each.details for each in Message.objects.filter(kind="event")]
    assert {"event": "stopped"} in told


def test_a_stranger_is_turned_away_at_the_door(vendor: Any, call_back: Any, hospital: Any) -> None:
    outgoing = vendor.writes("+8613800000001", "x")
    outgoing.query = {"key": "x" * 32}

    assert call_back(outgoing).status_code == 403
    outgoing = vendor.calls({"phone_number": "13800000001"})
    assert call_back(outgoing).status_code == 400
    assert not Message.objects.exists()
