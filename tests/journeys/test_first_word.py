"""A patient's first word, to an answer or a nurse."""

from datetime import timedelta

import pytest

from conversations.models import Author, Conversation, Kind, Message, Owner
from conversations.services import ClientIdReused, StaleEpoch, queue_reply
from tickets.models import Alarm, Reason, Ticket
from tickets.services import (
    AlreadyClaimed,
    claim_ticket,
    climb_alarms,
    reply,
    requeue_abandoned,
    resolve_ticket,
)
from triage.labels import DepartmentScore, Distress, Urgency

pytestmark = pytest.mark.django_db

OTHER = {"intent": "other"}


def test_a_nurse_takes_over_and_hands_back(patient_writes, model, nurse, thread, now) -> None:
    # The assistant is not sure, and calls a nurse.
    patient_writes("我的手臂看着怪怪的")
    ticket = Ticket.objects.get(reason=Reason.UNSURE)
    conversation = ticket.conversation

    # While the ticket is open the assistant is silent.
    model.means("chitchat")
    patient_writes("在吗")
    assert conversation.messages.filter(author=Author.ASSISTANT).count() == 0

    # The nurse answers.
    claim_ticket(ticket.id, nurse=nurse, now=now)
    reply(ticket.id, nurse=nurse, text="能描述一下吗?", client_id="n1", now=now)

    # The ticket is closed, and the assistant answers again.
    resolve_ticket(ticket.id, nurse=nurse, now=now)
    patient_writes("你好")

    authors = [author for author, _ in thread(conversation)]
    assert authors == ["patient", "system", "patient", "nurse", "patient", "assistant"]


def test_a_red_flag_brings_card_ticket_and_alarm_before_any_worker(patient_writes, thread) -> None:
    received = patient_writes("我爸突然胸口剧烈疼痛,大汗淋漓", attended=False)

    conversation = received.message.conversation
    ticket = Ticket.objects.get(reason=Reason.RED_FLAG)
    alarm = Alarm.objects.get(ticket=ticket)
    author, text = thread(conversation)[-1]
    assert (author, ticket.urgency, alarm.message_seq) == ("system", 3, 1)
    assert "120" in text
    assert "1号楼一层" in text
    assert conversation.owner == Owner.QUEUE
    assert not conversation.messages.unhandled().exists()


def test_the_same_danger_twice_rings_once(patient_writes) -> None:
    patient_writes("胸口剧烈疼痛,大汗淋漓")
    patient_writes("胸口剧烈疼痛,大汗淋漓啊")

    assert Alarm.objects.count() == 1


def test_an_alarm_climbs_until_somebody_acknowledges(patient_writes, nurse, now) -> None:
    patient_writes("胸口剧烈疼痛,大汗淋漓")
    alarm = Alarm.objects.get()

    for seconds in (59, 61, 62, 182, 999):
        climb_alarms(now=now + timedelta(seconds=seconds))
        alarm.refresh_from_db()
    assert (alarm.step, alarm.next_step_at) == (2, None)

    claim_ticket(alarm.ticket_id, nurse=nurse, now=now)
    assert not Alarm.objects.ringing().exists()


def test_what_the_model_calls_an_emergency_rings_too(patient_writes, model) -> None:
    model.means("emergency", urgency=Urgency.EMERGENCY)
    patient_writes("他的样子很不对劲")

    assert Alarm.objects.get().rules == ["model:emergency"]


def test_a_crisis_is_answered_with_a_helpline(patient_writes, model, thread) -> None:
    model.means("other", distress=Distress.CRISIS, distress_confidence=0.9)
    received = patient_writes("我觉得很累很累")

    assert "12356" in thread(received.message.conversation)[-1][1]


def test_who_is_beaten_is_told_of_the_police(patient_writes, model, thread) -> None:
    conversation = patient_writes("我老公打我").message.conversation
    assert "110" in thread(conversation)[-1][1]

    model.means("other", distress=Distress.CRISIS, distress_confidence=0.9)
    patient_writes("我躲在厕所里")

    said = thread(conversation)[-1][1]
    assert "110" in said
    assert "12356" in said
    assert "让身边的人陪着您" not in said  # it may be he who stands at the door


@pytest.mark.parametrize(
    ("meaning", "reason"),
    [
        ({"intent": "chitchat", "wants_human": True}, Reason.ASKED),
        ({"intent": "human_agent"}, Reason.ASKED),
        ({"distress": Distress.ANGRY, "distress_confidence": 0.9, **OTHER}, Reason.ANGER),
        ({"distress": Distress.ANXIOUS, "distress_confidence": 0.99, **OTHER}, Reason.DISTRESS),
        ({"intent": "visit_guide", "abstained": True}, Reason.UNSURE),
    ],
)  # fmt: skip
def test_what_the_assistant_must_not_answer_goes_to_a_nurse(
    patient_writes, model, thread, meaning, reason
) -> None:
    model.means(**meaning)
    received = patient_writes("请问一下")

    assert Ticket.objects.get().reason == reason
    assert "护士" in thread(received.message.conversation)[-1][1]


def test_after_one_miss_it_asks_differently_after_two_a_nurse_comes(patient_writes, model) -> None:
    model.means("other")

    patient_writes("啦啦啦")
    assert not Ticket.objects.exists()

    patient_writes("啦啦啦啦")
    assert Ticket.objects.get().reason == Reason.MISUNDERSTOOD


def test_a_model_that_breaks_brings_a_nurse_and_leaks_nothing(
    patient_writes, model, caplog
) -> None:
    model.broken = RuntimeError("我的秘密")
    patient_writes("我的秘密")

    assert Ticket.objects.get().reason == Reason.UNSURE
    assert "秘密" not in caplog.text


def test_at_night_the_patient_is_told_when(patient_writes, thread) -> None:
    from conftest import NIGHT

    received = patient_writes("我想问一下", now=NIGHT)

    text = thread(received.message.conversation)[-1][1]
    assert "8:00" in text or "08:00" in text
    assert Ticket.objects.waiting().exists()


def test_a_complaint_gets_questions_then_departments_with_reasons_and_no_diagnosis(
    patient_writes, model, thread
) -> None:
    model.means("symptom_triage", departments=(DepartmentScore("呼吸内科", 0.8),))
    received = patient_writes("我咳嗽三天了,有痰,今年45岁")
    asked = Message.objects.filter(author=Author.ASSISTANT).latest("seq")
    assert asked.details["progress"][0] == 1

    patient_writes("都没有")
    patient_writes("都没有")

    told = Message.objects.filter(author=Author.ASSISTANT).latest("seq")
    assert told.details["triage"]["level"] == 5
    assert told.details["departments"][0]["name"] == "呼吸内科"
    assert told.details["departments"][0]["reason"]
    assert "不是诊断" in thread(received.message.conversation)[-1][1]


def test_a_late_reply_of_the_assistant_is_refused(patient_writes, nurse, now) -> None:
    received = patient_writes("我要人工", tap="nurse")
    conversation = received.message.conversation
    epoch = conversation.epoch
    claim_ticket(Ticket.objects.get().id, nurse=nurse, now=now)

    with pytest.raises(StaleEpoch):
        queue_reply(conversation, text="晚了", author=Author.ASSISTANT, epoch=epoch, now=now)


def test_the_same_message_twice_is_stored_once(patient_writes) -> None:
    first = patient_writes("你好", client_id="same")
    second = patient_writes("你好", client_id="same")

    assert (first.is_new, second.is_new) == (True, False)
    assert first.message.seq == second.message.seq
    seqs = list(Message.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))


def test_the_same_id_with_another_text_changes_nothing(patient_writes) -> None:
    patient_writes("你好", client_id="same")
    before = Message.objects.count()

    with pytest.raises(ClientIdReused):
        patient_writes("再见", client_id="same")

    assert Message.objects.count() == before
    assert Conversation.objects.get().last_seq == before


def test_the_second_claim_loses(patient_writes, nurse, other_nurse, now) -> None:
    patient_writes("转人工", tap="nurse")
    ticket = Ticket.objects.get()
    claim_ticket(ticket.id, nurse=nurse, now=now)

    with pytest.raises(AlreadyClaimed):
        claim_ticket(ticket.id, nurse=other_nurse, now=now)


def test_a_patient_whose_nurse_has_gone_comes_back_to_the_queue(patient_writes, nurse, now) -> None:
    patient_writes("转人工", tap="nurse")
    ticket = Ticket.objects.get()
    claim_ticket(ticket.id, nurse=nurse, now=now)

    assert requeue_abandoned(now=now + timedelta(minutes=10)) == 1

    ticket.refresh_from_db()
    assert ticket.claimed_by is None
    assert ticket.conversation.owner == Owner.QUEUE
    assert Message.objects.filter(kind=Kind.EVENT).latest("seq").details["event"] == "requeued"


def test_a_channel_that_brought_a_message_is_shown_alive(
    patient_writes, web, now, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        patient_writes("你好")

    web.refresh_from_db()
    assert web.heard_at == now
