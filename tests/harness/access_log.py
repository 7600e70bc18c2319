"""What the access log refuses, for tests that tamper with it, and for their clean end."""

from collections.abc import Callable

from django.db import connection


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


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


def wipe() -> None:
    """Let a test's end flush what otherwise only grows; the triggers stand again after."""
    without_triggers(lambda: run_sql("DELETE FROM vault_accessentry"))
