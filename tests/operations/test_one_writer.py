"""Several write to one SQLite file: nobody is refused who could have waited, but not for ever."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError, connections

from config.sqlite3.base import ASK_EVERY_MS, DatabaseWrapper

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[DatabaseWrapper]:
    """A connection of the house's kind to a file with one table."""
    with sqlite3.connect(tmp_path / "rows.sqlite3") as file:
        file.executescript("PRAGMA journal_mode = WAL; CREATE TABLE row (said text);")
    usual = connections["default"].settings_dict
    wrapper = DatabaseWrapper({**usual, "NAME": tmp_path / "rows.sqlite3"}, "beside")
    yield wrapper
    wrapper.close()


@pytest.fixture
def other(tmp_path: Path, ours: DatabaseWrapper) -> Iterator[sqlite3.Connection]:
    writer = sqlite3.connect(
        tmp_path / "rows.sqlite3", isolation_level=None, check_same_thread=False
    )
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO row VALUES ('theirs')")
    yield writer
    writer.close()


def said(wrapper: DatabaseWrapper) -> list[str]:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT said FROM row")
        return [row[0] for row in cursor.fetchall()]


def test_who_comes_while_another_writes_waits_and_then_writes(
    ours: DatabaseWrapper, other: sqlite3.Connection
) -> None:
    tried = []

    def ask(statement: str) -> None:
        tried.append(statement)
        if len(tried) == 3:  # it has asked before, in vain
            other.execute("COMMIT")

    ours.ensure_connection()
    ours.connection.set_trace_callback(ask)
    with ours.cursor() as cursor:
        cursor.execute("INSERT INTO row VALUES ('ours')")

    assert said(ours) == ["theirs", "ours"]


def test_of_many_rows_none_is_written_twice_or_alone(
    ours: DatabaseWrapper, other: sqlite3.Connection
) -> None:
    other.execute("COMMIT")
    with ours.cursor() as cursor:
        cursor.executemany("INSERT INTO row VALUES (%s)", [["one"], ["two"]])
    with pytest.raises(IntegrityError), ours.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX once ON row (said)")
        cursor.executemany("INSERT INTO row VALUES (%s)", [["three"], ["one"]])

    assert said(ours) == ["theirs", "one", "two"]


def test_who_waits_too_long_is_told(ours: DatabaseWrapper, other: sqlite3.Connection) -> None:
    options = {**ours.settings_dict["OPTIONS"], "timeout": 5 * ASK_EVERY_MS / 1000}
    ours.settings_dict = {**ours.settings_dict, "OPTIONS": options}

    with pytest.raises(OperationalError, match="locked"), ours.cursor() as cursor:
        cursor.execute("INSERT INTO row VALUES ('ours')")

    assert said(ours) == []  # and reading waits for nobody


def test_a_mistake_is_no_reason_to_wait(ours: DatabaseWrapper) -> None:
    with pytest.raises(OperationalError, match="no such table"), ours.cursor() as cursor:
        cursor.execute("INSERT INTO elsewhere VALUES (1)")


def test_the_house_runs_on_it() -> None:
    assert isinstance(connections["default"], DatabaseWrapper)
    with connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (0,)  # the waiting is ours
