"""A demo hospital, made once, in which every dialogue leaves no trace."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation

from assistant.demo import seed_demo
from patients.models import Channel
from vault import datakeys

NOW = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)  # a Wednesday, 9:00 in Shanghai


@pytest.fixture(scope="module")
def demo_hospital(django_db_setup: None, django_db_blocker: Any) -> Iterator[Channel]:
    with django_db_blocker.unblock(), transaction.atomic():
        with translation.override("zh-hans"):
            seed_demo(now=NOW)
        yield Channel.objects.get(slug="web")
        transaction.set_rollback(True)
        datakeys.forget()


@pytest.fixture
def one_dialogue(demo_hospital: Channel, django_db_blocker: Any) -> Iterator[Callable[[], Any]]:
    """A stretch of the database that is taken back: `with one_dialogue(): …`."""
    with django_db_blocker.unblock():
        yield _Taken


class _Taken:
    def __enter__(self) -> None:
        self._atomic = transaction.atomic()
        self._atomic.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)
        datakeys.forget()
