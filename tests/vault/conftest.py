"""For the vault's own tests: a log that a test may tamper with, and wipe after itself."""

from collections.abc import Callable, Iterator

import pytest

from harness.access_log import run_sql, wipe, without_triggers
from vault.models import AccessHead


@pytest.fixture
def log_in_real_transactions(transactional_db: None) -> Iterator[None]:
    AccessHead.objects.get_or_create(pk=1)  # a migration wrote it, and an earlier flush took it
    yield
    wipe()


@pytest.fixture
def tamper() -> Callable[[str], None]:
    return lambda sql: without_triggers(lambda: run_sql(sql))
