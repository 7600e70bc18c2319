"""A real house, with real processes that can be killed, on ports of its own.

On this machine's files alone; and, where the test run names servers (DATABASE_URL, BROKER_URL,
REDIS_URL), on those, in a database of its own.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from channels_app.rehearsal.house import OwnHouse

SERVERS = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHouse]:
    var = tmp_path_factory.mktemp("house")
    with _servers() as environment, OwnHouse(var, environment) as open_house:
        open_house.furnish()
        open_house.start()
        open_house.wait_until_ready()
        yield open_house


@pytest.fixture
def ask(house: OwnHouse) -> Callable[[str], Rows]:
    """Ask the house's own database, past all of its code."""

    def rows(sql: str) -> Rows:
        if house.database_url:
            with psycopg.connect(house.database_url) as database:
                return database.execute(sql).fetchall()
        with closing(sqlite3.connect(house.var / "wenan.sqlite3", timeout=20)) as database:
            return database.execute(sql).fetchall()

    return rows


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    environment = {name: os.environ.get(name, "") for name in SERVERS}
    if not all(environment.values()):
        yield {}
        return
    with _database(environment["DATABASE_URL"]) as url:
        yield {**environment, "DATABASE_URL": url}


@contextmanager
def _database(url: str) -> Iterator[str]:
    name = f"wenan_faults_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
