"""A house of our own with nurses day and night, so that the hour of the run changes nothing."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from channels_app.rehearsal.house import OwnHouse

SERVERS = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")
Rows = list[tuple[object, ...]]


@contextmanager
def open_house(var: Path) -> Iterator[OwnHouse]:
    """The demo hospital with all its processes, ended by their ids."""
    with _servers() as environment, OwnHouse(var, environment) as house:
        house.furnish()
        with database_of(house) as execute:
            for edge in ("opens_at", "closes_at"):
                execute(
                    f"UPDATE hospital_openinghours SET {edge} = '00:00:00' WHERE kind = 'nurses'"
                )
        house.start()
        house.wait_until_ready()
        yield house


def logins_of(house: OwnHouse) -> dict[str, str]:
    """Passwords of the demo hospital's staff, by user name."""
    lines = (house.var / "demo_logins.txt").read_text().splitlines()
    return {line.split("\t")[0]: line.split("\t")[1] for line in lines}


def newest_open_ticket(house: OwnHouse) -> int:
    with database_of(house) as execute:
        (row,) = execute("SELECT max(id) FROM tickets_ticket WHERE resolved_at IS NULL")
    return int(str(row[0]))


@contextmanager
def database_of(house: OwnHouse) -> Iterator[Callable[[str], Rows]]:
    """The house's own database, past all of its code."""
    if house.database_url:
        with psycopg.connect(house.database_url, autocommit=True) as database:
            yield lambda sql: _fetched(database.execute(sql))
    else:
        path = house.var / "wenan.sqlite3"
        with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as file:
            yield lambda sql: file.execute(sql).fetchall()


def _fetched(cursor: "psycopg.Cursor[tuple[object, ...]]") -> Rows:
    return cursor.fetchall() if cursor.description else []


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    environment = {name: os.environ.get(name, "") for name in SERVERS}
    if not all(environment.values()):
        yield {}
        return
    name, url = f"wenan_browser_{os.getpid()}", environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield {**environment, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
