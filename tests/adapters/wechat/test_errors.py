"""Every code of WeChat's: what it means, and what happens next."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapters.delivery import deliver
from adapters.models import Account, Allowance, Attempt
from adapters.rehearsal.stand_in import Fault
from conversations.models import Conversation, Message
from conversations.services import queue_reply
from patients.models import ContactPoint
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

AGAIN, TOLD = "tried again", "told in the thread"
CASES = [
    (-1, "provider_down", AGAIN),
    (40001, "auth", AGAIN),
    (40014, "auth", AGAIN),
    (42001, "auth", AGAIN),
    (40003, "invalid_recipient", TOLD),
    (43004, "opted_out", TOLD),
    (43019, "opted_out", TOLD),
    (43101, "opted_out", TOLD),
    (48002, "opted_out", TOLD),
    (45002, "content", TOLD),
    (45009, "throttled", AGAIN),
    (45011, "throttled", AGAIN),
    (45015, "window_closed", TOLD),
    (45047, "quota", TOLD),
    (45027, "content", TOLD),
    (40037, "content", TOLD),
    (47003, "content", TOLD),
    (41030, "content", TOLD),
    (40164, "auth", AGAIN),
    (48001, "auth", TOLD),
    (48004, "auth", TOLD),
    (48008, "auth", TOLD),
    (50002, "auth", TOLD),
    (99999, "provider_down", AGAIN),
]


@pytest.fixture
def owed(wechat: Any, call_back: Any, hospital: Any) -> Message:
    call_back(wechat.writes("openid-1", "你好"))
    conversation = Conversation.objects.get()
    Message.objects.update(handled_at=timezone.now())
    return queue_reply(
        conversation,
        text="您好",
        author="assistant",
        epoch=conversation.epoch,
        now=timezone.now(),
    )


@pytest.mark.parametrize(("code", "category", "next_step"), CASES, ids=str)
def test_a_code_and_what_happens_next(
    code: int, category: str, next_step: str, wechat: Any, owed: Message
) -> None:
    wechat.faults.extend([Fault(code=str(code))] * 2)  # 40001 is asked once more, with a new token
    now = timezone.now()

    deliver(owed.conversation_id, clock=lambda: now)

    attempt = Attempt.objects.get()
    assert (attempt.category, attempt.code) == (category, str(code))
    owed.refresh_from_db()
    if next_step == AGAIN:
        assert owed.send_after is not None and owed.send_after > now
        assert owed.given_up_at is None
        wechat.faults.clear()
        deliver(owed.conversation_id, clock=lambda: now + timedelta(hours=2))
        assert wechat.sent == [("openid-1", "【AI 助手】您好")]
    else:
        assert owed.given_up_at == now
        told = [each.details for each in Message.objects.filter(kind="event")]
        assert {"event": "undelivered", "seqs": [owed.seq], "why": category} in told


@pytest.mark.parametrize("code", [40003, 43004, 48002])
def test_an_address_that_hears_nothing_is_left_alone(code: int, wechat: Any, owed: Message) -> None:
    wechat.faults.append(Fault(code=str(code)))

    deliver(owed.conversation_id, clock=timezone.now)

    assert ContactPoint.objects.get().closed_why in ("invalid_recipient", "opted_out")
    assert not Ticket.objects.exists()  # nobody could reach them here either


@pytest.mark.parametrize("code", [45015, 45047])
def test_a_window_that_the_vendor_closed_is_closed_here(
    code: int, wechat: Any, owed: Message
) -> None:
    wechat.faults.append(Fault(code=str(code)))
    now = timezone.now()

    deliver(owed.conversation_id, clock=lambda: now)

    assert not Allowance.objects.left(now=now).exists()
    assert Ticket.objects.get().reason == "failure"  # a nurse knows another way


def test_a_vendor_that_stays_ill_is_given_rest(wechat: Any, owed: Message) -> None:
    wechat.faults.extend([Fault(code="-1")] * 4)
    now = timezone.now()
    for hours in range(4):
        at = now + timedelta(hours=hours)
        deliver(owed.conversation_id, clock=lambda at=at: at)
    Account.objects.update(failures=5)
    wechat.faults.append(Fault(code="-1"))
    deliver(owed.conversation_id, clock=lambda: now + timedelta(hours=5))

    account = Account.objects.get()
    assert account.failures == 6
    assert account.open_until == now + timedelta(hours=5, seconds=60)
    owed.refresh_from_db()
    assert owed.given_up_at is not None  # the fifth try was the last

    asked = len(wechat.asked)
    later = queue_reply(
        owed.conversation, text="还在", author="system", epoch=Conversation.objects.get().epoch,
        now=now,
    )  # fmt: skip
    deliver(owed.conversation_id, clock=lambda: now + timedelta(hours=5, seconds=10))
    assert len(wechat.asked) == asked
    later.refresh_from_db()
    assert later.send_after == account.open_until

    deliver(owed.conversation_id, clock=lambda: now + timedelta(hours=5, seconds=61))
    assert ("openid-1", "还在") in wechat.sent
    account.refresh_from_db()
    assert (account.failures, account.open_until) == (0, None)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_gateways_error_may_hide_a_message_that_went(
    status: int, wechat: Any, owed: Message
) -> None:
    wechat.faults.append(Fault(status=status))

    deliver(owed.conversation_id, clock=timezone.now)

    assert len(wechat.sent) == 1
    assert Attempt.objects.get().result == "unknown"


def test_a_vendor_that_is_away_is_tried_again(owed: Message) -> None:
    account = Account.objects.get()
    account.settings["api_url"] = "http://127.0.0.1:9"  # nobody listens
    account.save()

    deliver(owed.conversation_id, clock=timezone.now)

    assert (Attempt.objects.get().result, Attempt.objects.get().category) == (
        "retry", "provider_down",
    )  # fmt: skip
