"""A real worker process on the embedded broker: killed, stopped, poisoned."""

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from celery import Celery, current_app
from django.db import transaction
from pytest_django import Settings

from config.celery import ALWAYS, EMBEDDED
from workers.bell import ring
from workers.broker.models import Ring
from workers.broker.rings import MAX_DELIVERIES


class Worker(Protocol):
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...
    def died(self) -> bool: ...
    def notes(self) -> list[str]: ...
    def until(self, came_true: Callable[[], bool]) -> None: ...


@pytest.fixture(autouse=True)
def on_one_machine(settings: Settings) -> Iterator[None]:
    """These are about the embedded broker, whatever the rest of the run uses."""
    usual = current_app._get_current_object()
    settings.BROKER_URL = ""
    app = Celery("wenan")
    app.conf.update(ALWAYS | EMBEDDED)
    yield
    usual.set_current()


def no_ring_is_left() -> bool:
    return not Ring.objects.exists()


def test_a_killed_workers_tasks_run_again_and_none_is_lost(worker: Worker) -> None:
    for number in range(6):
        ring("nap.take", {"number": number, "milliseconds": 2_000 if number < 2 else 0})
    worker.start()
    worker.until(lambda: {"start 0", "start 1"} <= set(worker.notes()))

    worker.kill()
    worker.start()
    worker.until(no_ring_is_left)

    notes = worker.notes()
    assert {f"end {number}" for number in range(6)} <= set(notes)
    assert notes.count("start 0") == notes.count("start 1") == 2


def test_a_stopped_worker_finishes_what_it_does_and_leaves_the_rest(worker: Worker) -> None:
    for number in range(4):
        ring("nap.take", {"number": number, "milliseconds": 1_500})
    worker.start()
    worker.until(lambda: {"start 0", "start 1"} <= set(worker.notes()))

    worker.stop()

    assert {"end 0", "end 1"} <= set(worker.notes())
    assert Ring.objects.filter(leased_until=0).count() == Ring.objects.count() == 2


def test_a_ring_that_was_rolled_back_never_reaches_a_worker(worker: Worker) -> None:
    with transaction.atomic():
        ring("nap.take", {"number": 1, "milliseconds": 0})
        transaction.set_rollback(True)
    ring("nap.take", {"number": 2, "milliseconds": 0})

    worker.start()
    worker.until(no_ring_is_left)

    assert worker.notes() == ["start 2", "end 2"]


def test_a_task_that_kills_its_worker_is_given_up(worker: Worker) -> None:
    ring("nap.die", {"number": 1})
    Ring.objects.update(deliveries=MAX_DELIVERIES - 2)  # two more, and then it is enough

    while Ring.objects.filter(dead_at=None).exists():
        worker.start()
        worker.until(lambda: worker.died() or not Ring.objects.filter(dead_at=None).exists())
        Ring.objects.update(leased_until=0)  # as if the lease had ended, without the wait

    assert worker.notes() == ["start 1"] * 2
    assert Ring.objects.get().call == "nap.die {'number': 1}"


@pytest.mark.once
def test_a_thread_keeps_its_connection_to_sqlite_from_task_to_task(worker: Worker) -> None:
    for number in range(30):
        ring("nap.count", {"number": number})

    worker.start()
    worker.until(no_ring_is_left)

    opened = [int(note.removeprefix("opened ")) for note in worker.notes()]
    assert len(opened) == 30 and max(opened) < 10  # the pool's threads, the broker's, the warm-up's
