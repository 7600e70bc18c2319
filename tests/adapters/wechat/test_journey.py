"""A patient on WeChat, from the first word to a nurse's answer; and what WeChat makes of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapters.delivery import deliver
from adapters.models import Allowance, Attempt, Result
from adapters.rehearsal.stand_in import Fault
from assistant.services import attend
from conversations.models import Conversation, Message
from tickets.models import Ticket
from tickets.services import claim_ticket, reply

pytestmark = pytest.mark.django_db


def test_a_question_is_stored_at_once_and_answered_later(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any
) -> None:
    model.means("chitchat")

    answer = call_back(wechat.writes("openid-1", "你好"))
    attend(Conversation.objects.get().pk, understand=model, now=timezone.now())
    deliver_all()

    assert (answer.status_code, answer.content) == (200, b"success")
    [(openid, text)] = wechat.sent
    assert openid == "openid-1"
    assert text.startswith("【AI 助手】")
    assert "A 我不舒服" in text


def test_three_deliveries_are_one_message(wechat: Any, call_back: Any, hospital: Any) -> None:
    outgoing = wechat.writes("openid-1", "下午几点上班")

    answers = [call_back(outgoing).content for _ in range(3)]

    assert answers == [b"success"] * 3
    assert Message.objects.filter(author="patient").count() == 1


def test_a_nurse_answers_and_never_sees_where(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any, nurse: Any
) -> None:
    call_back(wechat.writes("openid-1", "转人工"))
    model.means("human_agent", wants_human=True)
    now = timezone.now()
    attend(Conversation.objects.get().pk, understand=model, now=now)
    ticket = Ticket.objects.get()
    claim_ticket(ticket.pk, nurse=nurse, now=now)
    reply(ticket.pk, nurse=nurse, text="您好,我在。", client_id="n1", now=now)

    deliver_all()

    assert [text for _, text in wechat.sent][-1] == "【护士 王芳】您好,我在。"
    assert not Message.objects.unsent().exists()


def test_a_letter_means_what_was_offered(
    wechat: Any, call_back: Any, model: Any, hospital: Any
) -> None:
    call_back(wechat.writes("openid-1", "你好"))
    model.means("chitchat")
    conversation = Conversation.objects.get()
    attend(conversation.pk, understand=model, now=timezone.now())

    call_back(wechat.writes("openid-1", "ｅ"))
    attend(conversation.pk, understand=model, now=timezone.now())

    assert Ticket.objects.get().reason == "asked"


def test_the_machine_leaves_the_last_message_of_a_quota_to_a_nurse(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any, nurse: Any
) -> None:
    call_back(wechat.writes("openid-1", "你好"))
    conversation = Conversation.objects.get()
    model.means("chitchat")
    attend(conversation.pk, understand=model, now=timezone.now())
    Allowance.objects.update(used=4)

    deliver_all()

    assert wechat.sent == []
    ticket = Ticket.objects.get()
    claim_ticket(ticket.pk, nurse=nurse, now=timezone.now())
    reply(ticket.pk, nurse=nurse, text="您好", client_id="n2", now=timezone.now())
    deliver_all()
    assert [text for _, text in wechat.sent] == ["【护士 王芳】您好"]
    refused = Attempt.objects.get(result=Result.REJECTED)
    assert (refused.category, refused.code) == ("quota", "")


def test_bubbles_of_the_machine_go_out_as_one(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any
) -> None:
    call_back(wechat.writes("openid-1", "你好"))
    call_back(wechat.writes("openid-1", "在吗"))
    model.means("chitchat")
    attend(Conversation.objects.get().pk, understand=model, now=timezone.now())

    deliver_all()

    assert len(wechat.sent) == 1
    assert Attempt.objects.filter(result=Result.ACCEPTED).count() == 2


def test_a_long_answer_is_cut_between_sentences(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any, nurse: Any
) -> None:
    _ask_for_a_nurse(wechat, call_back, model)
    deliver_all()
    long = "请先空腹到二楼抽血,然后回来。" * 60
    ticket = Ticket.objects.get()
    claim_ticket(ticket.pk, nurse=nurse, now=timezone.now())
    reply(ticket.pk, nurse=nurse, text=long, client_id="n3", now=timezone.now())

    deliver_all()

    pieces = [text for _, text in wechat.sent[1:]]
    assert len(pieces) == 2
    assert all(len(piece.encode()) <= 2_048 and piece.endswith("。") for piece in pieces)
    assert "".join(pieces) == f"【护士 王芳】{long}"


def _ask_for_a_nurse(wechat: Any, call_back: Any, model: Any) -> Conversation:
    call_back(wechat.writes("openid-1", "转人工"))
    model.means("human_agent", wants_human=True)
    conversation = Conversation.objects.get()
    attend(conversation.pk, understand=model, now=timezone.now())
    return conversation


def test_what_may_have_arrived_is_not_sent_again(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any
) -> None:
    conversation = _ask_for_a_nurse(wechat, call_back, model)
    wechat.faults.append(Fault(breaks=True))

    deliver_all()
    deliver(conversation.pk, clock=lambda: timezone.now() + timedelta(hours=1))

    assert len(wechat.sent) == 1
    assert Attempt.objects.get().result == Result.UNKNOWN
    event = Message.objects.get(kind="event", seq=conversation.messages.last().seq)
    assert event.details["why"] == "unknown"


def test_a_worker_that_died_while_speaking_leaves_it_unknown(
    wechat: Any, call_back: Any, model: Any, hospital: Any
) -> None:
    conversation = _ask_for_a_nurse(wechat, call_back, model)
    owed = Message.objects.unsent().get()
    Attempt.objects.create(
        message=owed, channel=conversation.contact_point.channel, began_at=timezone.now()
    )

    deliver(conversation.pk, clock=timezone.now)

    assert wechat.sent == []
    owed.refresh_from_db()
    assert owed.given_up_at is not None


def test_while_one_worker_speaks_another_waits(
    wechat: Any, call_back: Any, model: Any, hospital: Any
) -> None:
    conversation = _ask_for_a_nurse(wechat, call_back, model)
    now = timezone.now()
    Conversation.objects.update(delivering_until=now + timedelta(seconds=5))

    deliver(conversation.pk, clock=lambda: now)
    assert wechat.sent == []

    deliver(conversation.pk, clock=lambda: now + timedelta(seconds=6))
    assert len(wechat.sent) == 1


def test_a_token_that_was_replaced_elsewhere_is_fetched_again(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any
) -> None:
    _ask_for_a_nurse(wechat, call_back, model)
    deliver_all()
    wechat.forget_tokens()
    call_back(wechat.writes("openid-1", "还在吗"))
    model.means("other")
    attend(Conversation.objects.get().pk, understand=model, now=timezone.now())
    deliver_all()

    assert not Message.objects.unsent().exists()
    assert set(Attempt.objects.values_list("result", flat=True)) == {"accepted"}


def test_whoever_leaves_is_not_written_to_and_may_come_back(
    wechat: Any, call_back: Any, deliver_all: Any, model: Any, hospital: Any
) -> None:
    conversation = _ask_for_a_nurse(wechat, call_back, model)
    call_back(wechat.notices("openid-1", "unsubscribe"))

    deliver_all()
    assert wechat.sent == []
    assert Attempt.objects.get().category == "opted_out"

    call_back(wechat.notices("openid-1", "subscribe", EventKey=""))
    conversation.contact_point.refresh_from_db()
    assert conversation.contact_point.closed_why == ""
