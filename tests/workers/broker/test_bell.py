"""The bell: it rings with the data on one machine, after them with RabbitMQ, and never fails."""

import logging
import time
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.db import transaction
from pytest_django import Settings

from config.celery import ALWAYS, EMBEDDED, rabbitmq
from workers import bell
from workers.broker.models import Ring

NOWHERE = "amqp://guest:guest@127.0.0.1:9//"  # nothing listens on the discard port


@pytest.fixture
def app() -> Iterator[Celery]:
    usual = current_app._get_current_object()
    yield Celery("wenan")  # the current one from here on
    usual.set_current()


@pytest.fixture
def on_one_machine(app: Celery, settings: Settings) -> None:
    settings.BROKER_URL = ""
    app.conf.update(ALWAYS | EMBEDDED)


@pytest.mark.django_db
def test_a_ring_names_its_task_and_its_ids_and_nothing_else(on_one_machine: None) -> None:
    bell.ring("message.received", {"conversation_id": 7})

    assert Ring.objects.get().call == "message.received {'conversation_id': 7}"


@pytest.mark.django_db
def test_ringing_twice_before_anybody_comes_is_ringing_once(on_one_machine: None) -> None:
    bell.ring("message.received", {"conversation_id": 7})
    bell.ring("message.received", {"conversation_id": 7})

    assert Ring.objects.count() == 1


@pytest.mark.django_db
def test_a_failed_ring_leaves_the_callers_transaction_usable(
    on_one_machine: None, app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    app.conf.broker_url = "no-such-transport://"

    with transaction.atomic():
        bell.ring("message.received", {"conversation_id": 7})
        assert not Ring.objects.exists()

    assert caplog.messages == ["a ring was lost, the sweep will ring again"]


@pytest.mark.django_db(transaction=True)
def test_with_a_broker_that_is_away_a_ring_still_returns_and_says_nothing_of_patients(
    app: Celery, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROKER_URL = NOWHERE
    app.conf.update(ALWAYS | rabbitmq(NOWHERE))
    side = bell.SideBell(waiting=2)
    monkeypatch.setattr(bell, "_side_bell", side)

    with transaction.atomic():
        bell.ring("message.received", {"conversation_id": 7})
        assert side.waiting() == 0  # not before the commit

    assert side.waiting() <= 1


def test_when_too_many_rings_wait_the_newest_are_dropped(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    app.conf.update(ALWAYS | rabbitmq(NOWHERE))
    side = bell.SideBell(waiting=2)

    with caplog.at_level(logging.WARNING, logger="workers.bell"):
        for number in range(10):
            side.ring("message.received", {"conversation_id": number})

    assert side.waiting() <= 2
    assert "a ring was dropped, the sweep will ring again" in caplog.messages


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_rabbitmq_gets_a_ring_after_the_commit_and_none_after_a_rollback() -> None:
    app = current_app._get_current_object()
    with app.connection_for_read() as connection:
        queue = app.amqp.queues["wenan"].bind(connection.default_channel)
        queue.declare()
        queue.purge()

        with transaction.atomic():
            bell.ring("message.received", {"conversation_id": 1})
            transaction.set_rollback(True)
        with transaction.atomic():
            bell.ring("message.received", {"conversation_id": 2})

        deadline = time.monotonic() + 30
        while (message := queue.get(no_ack=True)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert message.payload[1] == {"conversation_id": 2}
        assert queue.get() is None
