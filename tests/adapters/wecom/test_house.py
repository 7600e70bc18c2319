"""微信客服 in the house: from the bell to the thread, and both ways of handing over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from adapters.contracts import OutboundMessage, SendResult
from adapters.delivery import deliver
from adapters.models import Account, Allowance
from adapters.pulling import pull, unpulled
from adapters.rehearsal.stand_in import Fault, Outgoing
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.stand_in import WeComStandIn
from assistant.services import attend
from careplans.models import Task, TaskKind
from conversations.models import Author, Conversation, Message
from conversations.services import queue_reply
from patients.models import ContactPoint
from tickets.models import Alarm, Reason, Ticket
from tickets.services import hand_over, raise_alarm

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring(client: Client, account: Account, hospital: Any) -> Callable[[Outgoing], None]:
    """A callback reaches our door, and a worker fetches what it rang for."""

    def post(outgoing: Outgoing, *, fetched: bool = True) -> None:
        answer = client.post(
            f"/channels/{account.channel.slug}/callback{outgoing.path}",
            data=outgoing.body,
            content_type="text/xml",
        )
        assert (answer.status_code, answer.content) == (200, b"success")
        if fetched:
            pull(account.channel_id, clock=timezone.now)

    return post


def texts() -> list[str]:
    found = Message.objects.filter(author="patient").order_by("conversation", "seq")
    return [each.text for each in found]


def events() -> list[str]:
    found = Message.objects.filter(kind="event").order_by("seq")
    return [(each.details or {})["event"] for each in found]


def test_what_rang_is_fetched_in_order_and_once(
    wecom: WeComStandIn, ring: Any, account: Account
) -> None:
    wecom.page_size = 2
    for number in range(5):
        last = wecom.writes("wm1", f"第{number}句")
    ring(last)
    ring(wecom.rang())  # nothing new

    assert texts() == [f"第{number}句" for number in range(5)]
    account.refresh_from_db()
    assert account.cursor and account.pulling_until is None
    assert unpulled(now=timezone.now()) == []


def test_a_crash_before_the_cursor_was_kept_doubles_nothing(
    wecom: WeComStandIn, ring: Any, account: Account
) -> None:
    ring(wecom.writes("wm1", "你好"))
    Account.objects.update(cursor="")
    ring(wecom.rang())

    assert texts() == ["你好"]


def test_a_ring_that_nobody_heard_is_found_by_the_sweep(
    wecom: WeComStandIn, ring: Any, account: Account
) -> None:
    ring(wecom.writes("wm1", "在吗"), fetched=False)
    assert unpulled(now=timezone.now()) == [account.channel_id]
    wecom.sync_faults.append(Fault("-1"))
    pull(account.channel_id, clock=timezone.now)
    assert texts() == [] and unpulled(now=timezone.now()) == []  # not again at once
    soon = timezone.now() + timedelta(seconds=20)
    assert unpulled(now=soon) == [account.channel_id]

    pull(account.channel_id, clock=lambda: soon)
    assert texts() == ["在吗"]


def test_who_comes_in_is_greeted_by_the_code_of_that_moment(wecom: WeComStandIn, ring: Any) -> None:
    ring(wecom.enters("wm1"))
    deliver(Conversation.objects.get().pk, clock=timezone.now)

    [(user, text)] = wecom.sent
    assert user == "wm1" and text.startswith("【AI 助手】")


def test_a_patient_may_take_a_message_back(wecom: WeComStandIn, ring: Any) -> None:
    ring(wecom.writes("wm1", "说错了"))
    ring(wecom.recalls("wm1", wecom.log[-1]["msgid"]))

    assert texts() == ["说错了"]  # it was read; the thread says that it was taken back
    assert events() == ["recalled"]


def test_a_nurse_in_the_wecom_app_is_seen_here_and_the_assistant_is_silent(
    wecom: WeComStandIn, ring: Any, account: Account, model: Any
) -> None:
    account.settings = {**account.settings, "handoff": "wecom"}
    account.save()
    ring(wecom.writes("wm1", "转人工"))
    model.means("human_agent", wants_human=True)
    conversation = Conversation.objects.get()
    attend(conversation.pk, understand=model, now=timezone.now())
    for _twice in range(2):
        deliver(conversation.pk, clock=timezone.now)
    assert wecom.customers["wm1"].state == 2  # waits in WeCom's pool
    assert events() == ["queued", "passed_on"]

    ring(wecom.servicer_says("wm1", "我是王护士,请说"))
    ring(wecom.writes("wm1", "谢谢"))
    attend(conversation.pk, understand=model, now=timezone.now())
    mirrored = Message.objects.get(author="nurse")
    assert mirrored.text == "我是王护士,请说" and mirrored.sent_at is not None
    assert (mirrored.details or {})["elsewhere"]
    assert not Message.objects.unsent().exists()

    ring(wecom.ends("wm1"))
    conversation.refresh_from_db()
    assert conversation.owner == "assistant"
    assert Ticket.objects.get().resolved_at is not None


def test_a_reply_in_the_wecom_app_is_held_against_the_patient_s_allergies(
    wecom: WeComStandIn, ring: Any
) -> None:
    ring(wecom.writes("wm1", "我对青霉素过敏"))
    patient = Conversation.objects.get().contact_point.patient
    assert patient.allergies.exists()

    ring(wecom.servicer_says("wm1", "先多喝水"))
    assert not Task.objects.exists()
    ring(wecom.servicer_says("wm1", "可以吃阿莫西林"))

    task = Task.objects.get(kind=TaskKind.WARNED)
    assert (task.patient, task.priority) == (patient, 3)
    assert "阿莫西林" in task.words and "青霉素" in task.words
    assert Message.objects.filter(author="nurse").count() == 2


def test_an_alarm_does_not_end_because_somebody_closed_a_chat(
    wecom: WeComStandIn, ring: Any
) -> None:
    ring(wecom.writes("wm1", "你好"))
    conversation, now = Conversation.objects.get(), timezone.now()
    ticket = hand_over(conversation, reason=Reason.RED_FLAG, urgency=3, now=now)
    raise_alarm(ticket, rules=["chest_pain"], seq=1, now=now)
    ring(wecom.ends("wm1"))

    assert Alarm.objects.ringing().exists()
    assert Ticket.objects.get().resolved_at is None


def test_a_refusal_that_comes_later_is_told(wecom: WeComStandIn, ring: Any) -> None:
    ring(wecom.writes("wm1", "你好"))
    conversation, now = Conversation.objects.get(), timezone.now()
    hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)
    conversation.refresh_from_db()
    message = queue_reply(
        conversation, text="在的", author=Author.ASSISTANT, epoch=conversation.epoch, now=now
    )
    deliver(conversation.pk, clock=timezone.now)
    ring(wecom.fails(message.attempts.get().vendor_id, 10))

    assert ContactPoint.objects.get().closed_why == "opted_out"
    message.refresh_from_db()
    assert message.given_up_at is not None


@pytest.mark.parametrize("fail_type", [4, 5, 6])
def test_what_came_too_late_teaches_us_that_the_window_is_closed(
    wecom: WeComStandIn, ring: Any, fail_type: int
) -> None:
    ring(wecom.writes("wm1", "你好"))
    conversation, now = Conversation.objects.get(), timezone.now()
    hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)
    conversation.refresh_from_db()

    def say(text: str) -> Message:
        said = queue_reply(
            conversation, text=text, author=Author.SYSTEM, epoch=conversation.epoch, now=now
        )
        deliver(conversation.pk, clock=timezone.now)
        said.refresh_from_db()
        return said

    late = wecom.fails(say("一").attempts.get().vendor_id, fail_type)
    ring(late)
    assert say("二").given_up_at is not None
    assert len(wecom.sent) == 1  # no second one is lost the same way

    # WeCom's clock has whole seconds.
    Allowance.objects.update(opened_at=F("opened_at") - timedelta(seconds=2))
    ring(wecom.writes("wm1", "在吗"))
    last = say("三")
    assert last.given_up_at is None and len(wecom.sent) == 2


def test_a_refusal_says_nothing_of_what_was_opened_since(
    wecom: WeComStandIn, ring: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring(wecom.writes("wm1", "你好"))
    conversation, now = Conversation.objects.get(), timezone.now()
    hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)
    conversation.refresh_from_db()
    refuse = WeComAdapter.send

    def meanwhile(adapter: WeComAdapter, message: OutboundMessage) -> SendResult:
        """The patient writes between the vendor's refusal and our learning of it."""
        result = refuse(adapter, message)
        Allowance.objects.update(opened_at=timezone.now(), used=0)
        return result

    monkeypatch.setattr(WeComAdapter, "send", meanwhile)
    wecom.faults.append(Fault("95001"))
    queue_reply(conversation, text="一", author="system", epoch=conversation.epoch, now=now)
    deliver(conversation.pk, clock=timezone.now)

    assert Allowance.objects.filter(closes_at__gt=timezone.now()).exists()
