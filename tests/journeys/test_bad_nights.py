"""What must hold when people leave, machines break, and two things happen at once."""

from datetime import timedelta

import pytest

from assistant import acting, danger, services
from assistant.services import attend, give_unattended_to_nurses
from conversations.models import Author, Message, Owner
from hospital.models import Department
from patients.services import erase_patient
from staff.models import Role
from tickets.models import Alarm, Reason, Ticket
from tickets.policy import in_scope
from tickets.services import (
    CannotTransfer,
    NewMessage,
    acknowledge_alarms,
    claim_ticket,
    climb_alarms,
    hand_over,
    reopen_ticket,
    reply,
    requeue_abandoned,
    resolve_ticket,
    ring_again,
    transfer_ticket,
)
from triage.labels import Urgency

pytestmark = pytest.mark.django_db

CHEST_PAIN = "胸口剧烈疼痛,大汗淋漓"


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def _break(*_: object, **__: object) -> None:
    raise RuntimeError("一句很私密的话")


def test_an_erased_patient_stops_no_other_alarm(patient_writes, nurse, now) -> None:
    first = patient_writes(CHEST_PAIN, visitor="a").message.conversation
    patient_writes(CHEST_PAIN, visitor="b")
    erase_patient(first.contact_point.patient, now=now)

    climb_alarms(now=now + _minutes(2))

    assert list(Alarm.objects.values_list("step", flat=True)) == [1, 1]
    ticket = Ticket.objects.get(conversation=first)
    claim_ticket(ticket.id, nurse=nurse, now=now)
    resolve_ticket(ticket.id, nurse=nurse, now=now)


def test_a_turn_that_breaks_anywhere_gives_this_message_and_the_next_to_a_nurse(
    patient_writes, model, monkeypatch, caplog, now
) -> None:
    monkeypatch.setattr(acting, "announce_nurse", _break)
    conversation = patient_writes("第一句", attended=False).message.conversation
    patient_writes("第二句", attended=False)

    attend(conversation.pk, understand=model, now=now)

    assert Ticket.objects.get().reason == Reason.FAILURE
    assert not Message.objects.unhandled().exists()
    assert "私密" not in caplog.text
    assert conversation.messages.filter(author=Author.SYSTEM, kind="text").exists()


def test_what_kills_every_worker_reaches_a_nurse_without_one(patient_writes, now) -> None:
    patient_writes("杀死进程的一句话", attended=False)

    assert give_unattended_to_nurses(now=now + timedelta(seconds=30)) == 0
    assert give_unattended_to_nurses(now=now + timedelta(seconds=61)) == 1
    assert Ticket.objects.get().reason == Reason.FAILURE


def test_a_broken_card_and_a_broken_rule_still_ring(patient_writes, monkeypatch) -> None:
    monkeypatch.setattr(danger, "emergency", _break)
    patient_writes(CHEST_PAIN, visitor="a", attended=False)
    monkeypatch.setattr(danger, "find_red_flags", _break)
    patient_writes("你好", visitor="b", attended=False)

    assert Alarm.objects.count() == 2
    cards = [
        m for m in Message.objects.filter(author=Author.SYSTEM) if (m.details or {}).get("card")
    ]
    assert [card.details["card"]["phone"] for card in cards] == ["120", "120"]


def test_the_emergency_button_rings_at_the_door(patient_writes) -> None:
    patient_writes("我需要紧急帮助", tap="emergency", attended=False)

    assert Alarm.objects.get().rules == ["tap:emergency"]
    assert Ticket.objects.get().urgency == Urgency.EMERGENCY


def test_the_same_danger_again_after_hours_rings_again(patient_writes, nurse, now) -> None:
    patient_writes(CHEST_PAIN)
    claim_ticket(Ticket.objects.get().id, nurse=nurse, now=now)

    patient_writes(CHEST_PAIN + "又来了", now=now + _minutes(300))

    assert Alarm.objects.ringing().count() == 1


def test_an_alarm_that_was_heard_rings_again_while_nobody_takes_the_patient(
    patient_writes, nurse, now
) -> None:
    patient_writes(CHEST_PAIN)
    acknowledge_alarms(Ticket.objects.get().id, nurse=nurse, now=now)

    assert ring_again(now=now + _minutes(1)) == 0
    assert ring_again(now=now + _minutes(3)) == 1
    assert Alarm.objects.ringing().count() == 1


def test_an_emergency_whose_nurse_has_gone_rings_again(patient_writes, nurse, now) -> None:
    patient_writes(CHEST_PAIN)
    claim_ticket(Ticket.objects.get().id, nurse=nurse, now=now)

    requeue_abandoned(now=now + _minutes(10))

    assert Alarm.objects.ringing().exists()


def test_what_crossed_a_nurses_reply_still_waits(patient_writes, nurse, now) -> None:
    patient_writes("转人工", tap="nurse")
    ticket = Ticket.objects.get()
    claim_ticket(ticket.id, nurse=nurse, now=now)
    seen = ticket.conversation.messages.latest("seq").seq
    crossed = patient_writes("一天吃几次药?").message

    reply(ticket.id, nurse=nurse, text="祝您早日康复", client_id="n", now=now, seen=seen)

    ticket.refresh_from_db()
    assert ticket.waiting_since == crossed.created_at
    with pytest.raises(NewMessage):
        resolve_ticket(ticket.id, nurse=nurse, now=now, seen=seen)
    resolve_ticket(ticket.id, nurse=nurse, now=now, seen=crossed.seq + 1)


def test_danger_is_everybodys_whatever_the_department(patient_writes, staff, hospital) -> None:
    from hospital.models import Department

    nurse = staff(Role.NURSE)
    nurse.departments.set(Department.objects.filter(name="儿科"))
    patient_writes(CHEST_PAIN)

    assert in_scope(Ticket.objects.get(), nurse=nurse)


def test_a_red_flag_takes_an_open_ticket_to_its_department(
    patient_writes, hospital, nurse, now
) -> None:
    patient_writes("转人工", tap="nurse")
    Ticket.objects.update(department=Department.objects.get(name="儿科"))

    patient_writes("我爸突然昏迷叫不醒")

    assert Ticket.objects.get().department.name == "急诊科"


def test_a_reopened_ticket_remembers_who_waits(patient_writes, nurse, now) -> None:
    patient_writes("转人工", tap="nurse")
    ticket = Ticket.objects.get()
    claim_ticket(ticket.id, nurse=nurse, now=now)
    resolve_ticket(ticket.id, nurse=nurse, now=now)
    patient_writes("还有一个问题", attended=False, now=now + _minutes(1))

    reopen_ticket(ticket.id, nurse=nurse, now=now + _minutes(2))

    ticket.refresh_from_db()
    assert ticket.waiting_since == now + _minutes(1)


def test_a_takeover_between_reading_and_writing_leaves_the_message_to_the_nurse(
    patient_writes, model, nurse, monkeypatch, now
) -> None:
    model.means("chitchat")
    message = patient_writes("你好", attended=False).message
    plan = services.plan_for

    def late(*args, **fields):
        found = plan(*args, **fields)
        if not Ticket.objects.exists():  # a nurse is faster than the skill
            ticket = services.hand_over(
                message.conversation, reason=Reason.NURSE, urgency=1, now=now
            )
            claim_ticket(ticket.id, nurse=nurse, now=now)
        return found

    monkeypatch.setattr(services, "plan_for", late)
    attend(message.conversation_id, understand=model, now=now)

    assert not Message.objects.filter(author=Author.ASSISTANT).exists()
    assert not Message.objects.unhandled().exists()
    message.conversation.refresh_from_db()
    assert message.conversation.owner == Owner.NURSE


@pytest.mark.django_db
def test_a_department_that_nobody_looks_after_keeps_no_patient_to_itself(
    patient_writes, staff, hospital, now
) -> None:
    eyes, other = Department.objects.filter(name__in=["急诊科", "儿科"])
    here = staff(Role.NURSE)
    here.departments.set([eyes])
    conversation = patient_writes("孩子有点咳嗽", attended=False).message.conversation

    ticket = hand_over(conversation, reason=Reason.UNSURE, urgency=1, department=other, now=now)

    assert in_scope(ticket, nurse=here)
    claim_ticket(ticket.pk, nurse=here, now=now)
    with pytest.raises(CannotTransfer):
        transfer_ticket(ticket.pk, nurse=here, department=other, now=now)
