"""Two sweeps at the same moment, on rows that are really committed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from careplans.asking import ask_owed
from careplans.models import CarePlan, Due, State
from conversations.models import Message

THREE = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # 15:00 in Shanghai


def test_four_sweeps_at_once_ask_once(
    transactional_db: None, medicine: Callable[..., CarePlan], rings: Any
) -> None:
    medicine(last_day=date(2026, 11, 18))

    def sweep(_: int) -> int:
        try:
            return ask_owed(now=THREE)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        asked = sum(threads.map(sweep, range(4)))

    assert asked == 1
    assert Message.objects.filter(author="system", kind="text").count() == 1
    due = Due.objects.get()
    assert (due.state, due.asks) == (State.ASKED, 1)
