"""Several write at the same moment, and are stored in one transaction: each as if alone."""

from datetime import datetime

import pytest
from django.db import transaction

from assistant.services import Said, take_in_all
from conversations.models import Message
from conversations.services import ClientIdReused
from patients.models import Channel
from patients.services import erase_patient, meet
from vault.datakeys import Erased


@pytest.fixture
def says(web: Channel, hospital: object):
    def say(visitor: str, text: str, **known: str) -> Said:
        return Said(meet(web, address=visitor), text, **known)

    return say


@pytest.mark.django_db
def test_each_keeps_its_own_count(says, now: datetime) -> None:
    said = [says("a", "一"), says("b", "二"), says("a", "三"), says("a", "四"), says("b", "五")]

    received = take_in_all(said, now=now)

    assert [each.message.seq for each in received] == [1, 1, 2, 3, 2]
    assert [Message.objects.get(pk=each.message.pk).text for each in received] == list("一二三四五")
    assert {m.conversation.last_seq for m in Message.objects.filter(seq=3)} == {3}


@pytest.mark.django_db
def test_what_comes_twice_in_one_moment_is_stored_once(says, now: datetime) -> None:
    take_in_all([says("a", "早", client_id="0")], now=now)

    received = take_in_all(
        [
            says("a", "在吗", client_id="1"),
            says("a", "在吗", client_id="1"),
            says("a", "早", client_id="0"),
            says("b", "在吗", client_id="1"),
            says("a", "甲", external_id="x"),
            says("a", "甲", external_id="x"),
        ],
        now=now,
    )

    assert [each.is_new for each in received] == [True, False, False, True, True, False]
    assert [each.message.seq for each in received] == [2, 2, 1, 1, 3, 3]
    assert Message.objects.count() == 4


@pytest.mark.django_db
def test_a_refused_one_leaves_nothing_of_its_company(says, now: datetime) -> None:
    take_in_all([says("a", "在吗", client_id="1")], now=now)

    with pytest.raises(ClientIdReused), transaction.atomic():
        take_in_all([says("b", "您好"), says("a", "别的", client_id="1"), says("a", "喂")], now=now)

    assert [(m.seq, m.text) for m in Message.objects.all()] == [(1, "在吗")]


@pytest.mark.django_db
def test_nothing_is_stored_beside_an_erased_patient(says, now: datetime) -> None:
    gone = says("a", "我还在吗")
    take_in_all([gone], now=now)
    erase_patient(gone.contact_point.patient, now=now)

    with pytest.raises(Erased), transaction.atomic():
        take_in_all([says("b", "您好"), gone], now=now)

    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_danger_is_seen_in_company_too(says, now: datetime) -> None:
    calm, pressing = says("a", "几点开门"), says("b", "胸口像压了块大石头,出了一身冷汗")

    first, second = take_in_all([calm, pressing], now=now)

    assert (first.message.conversation.owner, second.message.conversation.owner) == (
        "assistant",
        "queue",
    )
    assert first.message.handled_at is None
    assert second.message.handled_at == now
