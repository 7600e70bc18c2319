"""For the vault's own tests: a log that a test may tamper with, and wipe after itself."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from vault.models import AccessHead


def without_triggers(act: Callable[[], None]) -> None:
    """Do what the access log refuses, as somebody with the database's own password could."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE vault_accessentry DISABLE TRIGGER USER")
            act()
            cursor.execute("ALTER TABLE vault_accessentry ENABLE TRIGGER USER")
            return
        cursor.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name = 'vault_accessentry'"
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        act()
        for _, sql in triggers:
            cursor.execute(sql)


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def log_in_real_transactions(transactional_db: None) -> Iterator[None]:
    AccessHead.objects.get_or_create(pk=1)  # a migration wrote it, and an earlier flush took it
    yield
    without_triggers(lambda: run_sql("DELETE FROM vault_accessentry"))


@pytest.fixture
def tamper() -> Callable[[str], None]:
    return lambda sql: without_triggers(lambda: run_sql(sql))
