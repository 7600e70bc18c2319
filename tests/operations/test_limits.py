"""Nobody waits for ever, and nothing that was acknowledged is lost: what we ask of the servers."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import redis
from django.db import connection

from harness import servers
from live import show, watch
from live.shout import Shouter


@pytest.mark.django_db
def test_a_commit_is_on_the_disk() -> None:
    if connection.vendor != "sqlite":
        return  # PostgreSQL's own default
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone() == (2,)  # FULL


@pytest.mark.django_db
def test_postgresql_ends_what_takes_too_long() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "statement_timeout"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("30s",)


def test_what_a_url_asks_for_is_kept() -> None:
    program = "from config.settings import base; print(base.DATABASES['default']['OPTIONS'])"
    url = "postgresql://wenan@127.0.0.1/wenan?sslmode=verify-full"

    said = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "'sslmode': 'verify-full'" in said
    assert "statement_timeout=30000" in said
    assert "'connect_timeout': 5" in said


@pytest.mark.servers
async def test_a_redis_that_falls_silent_is_asked_and_then_given_up(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE_S", 1.5)
    heard: asyncio.Queue[str] = asyncio.Queue()

    def deliver(group: str, _: dict[str, Any]) -> None:
        heard.put_nowait(group)

    with servers.redis() as settings.REDIS_URL:
        watching = asyncio.create_task(watch._watch_redis(deliver))
        await asyncio.sleep(4)  # several pings are answered
        # What this process commits it shows without Redis, so its own frames are passed over.
        Shouter().shout([("mine", {"type": "news"})], origin=show.ORIGIN)
        Shouter().shout([("consoles", {"type": "news"})], origin="another")
        assert await asyncio.wait_for(heard.get(), 30) == "consoles"

        with redis.Redis.from_url(settings.REDIS_URL) as client:
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(OSError):
                await asyncio.wait_for(watching, 30)
        finally:
            os.kill(pid, signal.SIGCONT)
