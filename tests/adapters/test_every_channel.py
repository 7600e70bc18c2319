"""The same journey on every channel: a patient asks for a person, and a nurse answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.arrivals import receive
from adapters.contracts import EventKind, InboundEvent, Receipt, Status
from adapters.delivery import deliver
from adapters.models import Attempt, EarlyReceipt
from adapters.pulling import pull
from adapters.receipts import note_crossed_receipts
from adapters.registry import ADAPTERS, adapter_of
from adapters.standing import standing_of
from assistant.services import attend
from channels_app.rehearsal.cast import all_lines
from channels_app.rehearsal.day import Line
from conversations.models import Conversation, Message
from harness.accounts import open_account
from patients.models import Channel
from tickets.models import Ticket
from tickets.services import claim_ticket, reply

KINDS = [line.kind for line in all_lines()]
pytestmark = pytest.mark.django_db


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    found = next(each for each in all_lines() if each.kind == request.param)
    with found.opened():
        yield found


@pytest.fixture
def channel(line: Line, hospital: Any) -> Channel:
    stand_in = line.stand_in
    return open_account(line.kind, settings=stand_in.settings(), secrets=stand_in.secrets())


def call_back(client: Client, line: Line, channel: Channel, text: str) -> Any:
    said = line.stand_in.writes(line.address_of(1), text)
    answer = client.post(
        f"/channels/{channel.slug}/callback{said.path}",
        data=said.body,
        content_type=said.content_type,
        headers=said.headers,
    )
    pull(channel.pk, clock=timezone.now)
    return answer


def test_every_kind_but_the_web_is_rehearsed() -> None:
    assert {*KINDS, "web"} == set(ADAPTERS)


def test_a_nurse_answers_and_never_sees_where(
    client: Client, line: Line, channel: Channel, model: Any, nurse: Any
) -> None:
    model.means("human_agent", wants_human=True)
    assert call_back(client, line, channel, "转人工").status_code == 200
    conversation, now = Conversation.objects.get(), timezone.now()
    assert conversation.contact_point.address == line.address_of(1)
    attend(conversation.pk, understand=model, now=now)
    ticket = Ticket.objects.get()
    claim_ticket(ticket.pk, nurse=nurse, now=now)
    reply(ticket.pk, nurse=nurse, text="您好,我在。", client_id="n1", now=now)
    deliver(conversation.pk, clock=timezone.now)

    assert not Message.objects.unsent().exists()
    assert not Message.objects.filter(given_up_at__isnull=False).exists()
    reached = [text for _address, text in line.stand_in.sent]
    notices = standing_of(conversation.contact_point, now=now)["notice"]
    assert notices == line.only_notices
    assert all(("您好,我在。" not in text) == notices for text in reached[-1:])
    assert reached


def test_the_same_callback_three_times_is_one_message(
    client: Client, line: Line, channel: Channel
) -> None:
    said = line.stand_in.writes(line.address_of(1), "下午几点上班")
    for _delivery in range(3):
        answer = client.post(
            f"/channels/{channel.slug}/callback{said.path}",
            data=said.body,
            content_type=said.content_type,
            headers=said.headers,
        )
        pull(channel.pk, clock=timezone.now)
        assert answer.status_code == 200

    assert Message.objects.filter(author="patient").count() == 1


def test_a_receipt_may_be_quicker_than_the_answer_that_names_it(channel: Channel) -> None:
    now = timezone.now()
    capabilities = adapter_of(channel).capabilities

    def say(status: Status) -> None:
        event = InboundEvent(
            EventKind.RECEIPT, "", f"r{status}", now, receipt=Receipt("v-1", status)
        )
        receive(channel, [event], capabilities=capabilities, now=now)

    say(Status.DELIVERED)
    say(Status.SENT)
    assert EarlyReceipt.objects.count() == 2
    written = InboundEvent(EventKind.TEXT, "oFan", "k1", now, text="你好")
    receive(channel, [written], capabilities=capabilities, now=now)
    attempt = Attempt.objects.create(
        message=Message.objects.first(), channel=channel, began_at=now, vendor_id="v-1",
        status="accepted",
    )  # fmt: skip
    note_crossed_receipts(now=now)

    attempt.refresh_from_db()
    assert attempt.status == "delivered"
    assert not EarlyReceipt.objects.exists()
