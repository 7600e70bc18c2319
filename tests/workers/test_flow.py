"""From an event to its listener, and from what is owed to its sweep."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant import planning
from conversations.models import Author, Message
from workers import listeners, sweeps


@pytest.fixture
def understood(monkeypatch, model) -> None:
    # The model is the one stand-in; the door asks for it by this name.
    monkeypatch.setattr(listeners, "understand", model)
    model.means("chitchat")


@pytest.mark.django_db
def test_a_stored_message_rings_once_with_an_id_and_no_words(patient_writes, rings) -> None:
    received = patient_writes("一句很私密的话", attended=False)

    conversation_id = received.message.conversation_id
    assert rings == [("message.received", {"conversation_id": conversation_id})]


@pytest.mark.django_db
def test_the_listener_answers_and_delivery_settles_the_debt(patient_writes, understood) -> None:
    received = patient_writes("你好", attended=False)

    listeners.on_message_received(conversation_id=received.message.conversation_id)
    listeners.on_reply_queued(conversation_id=received.message.conversation_id)

    reply = Message.objects.get(author=Author.ASSISTANT)
    assert reply.sent_at is not None
    assert not Message.objects.unhandled().exists()


@pytest.mark.django_db
def test_a_task_that_runs_twice_answers_once(patient_writes, understood) -> None:
    received = patient_writes("你好", attended=False)

    for _ in range(2):
        listeners.on_message_received(conversation_id=received.message.conversation_id, later=1)

    assert Message.objects.filter(author=Author.ASSISTANT).count() == 1


@pytest.mark.django_db
def test_the_sweep_rings_again_for_what_is_owed(patient_writes, rings) -> None:
    patient_writes("你好", attended=False, now=timezone.now() - timedelta(seconds=5))
    rings.clear()  # the broker lost it

    sweeps.ring_owed()

    assert [name for name, _ in rings] == ["message.received"]


@pytest.mark.django_db
def test_workers_that_are_behind_are_not_rung_further_behind(patient_writes, rings) -> None:
    patient_writes("你好", attended=False, now=timezone.now() - timedelta(minutes=1))
    rings.clear()

    for _sweep in range(sweeps.TURNS):
        sweeps.ring_owed()

    assert [name for name, _ in rings] == ["message.received"]


@pytest.mark.django_db
def test_the_sweep_leaves_alone_what_was_rung_just_now(patient_writes, rings) -> None:
    patient_writes("你好", attended=False, now=timezone.now())
    rings.clear()

    sweeps.ring_owed()

    assert rings == []


@pytest.mark.django_db
def test_a_skill_that_breaks_brings_a_nurse(patient_writes, model, monkeypatch, caplog) -> None:
    def broken(turn):
        raise RuntimeError

    model.means("chitchat")
    monkeypatch.setitem(planning.SKILLS, planning.Act.GREET, broken)
    patient_writes("你好")

    from tickets.models import Ticket

    assert Ticket.objects.get().reason == "failure"
