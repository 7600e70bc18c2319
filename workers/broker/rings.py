"""What one can do with rings: put, claim, renew, acknowledge, give back, give up.

Everything goes through Django's connection of the calling thread. A ring that is put inside a
transaction therefore becomes visible with the data that it speaks of, or not at all.
"""

# ruff: noqa: S608, S611  (the only text put into these statements is our own, see _CLOCK)

import logging
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from workers.broker.models import Ring

logger = logging.getLogger(__name__)

LEASE_S = 10  # a killed worker's rings go to another after this long
MAX_DELIVERIES = 5  # then the ring itself is what kills workers

# Seconds since 1970 by the database's clock, so that the leases of several machines compare.
_CLOCK = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
}
_SKIP_LOCKED = {"sqlite": "", "postgresql": "FOR UPDATE SKIP LOCKED"}


@dataclass(frozen=True)
class Claim:
    """A ring in our hands. Its deliveries fence it: whoever claims it next counts one more."""

    ring_id: int
    deliveries: int
    envelope: str


def put(queue: str, envelope: str, *, call: str = "") -> None:
    """Ring, unless a ring for the same call still waits: whoever comes for that sees it all."""
    with transaction.atomic():  # a savepoint, where the caller has a transaction open
        if call and _still_waits(queue, call):
            return
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_PUT, [queue, call, envelope, now])


# Written out: it runs for every message.
_PUT = """
INSERT INTO workers_ring (queue, call, envelope, rung_at, leased_until, deliveries)
VALUES (%s, %s, %s, %s, 0, 0)
"""


def claim(queue: str) -> Claim | None:
    """Take the oldest free ring for LEASE_S seconds, or None."""
    # Read first: an idle poll must not take SQLite's one write lock.
    if not _rows(f"SELECT 1 FROM workers_ring WHERE {_free()} LIMIT 1", [queue]):
        return None
    clock, skip_locked = _CLOCK[connection.vendor], _SKIP_LOCKED[connection.vendor]
    oldest = f"SELECT id FROM workers_ring WHERE {_free()} ORDER BY id LIMIT 1 {skip_locked}"
    rows = _rows(
        f"UPDATE workers_ring SET leased_until = {clock} + %s, deliveries = deliveries + 1"
        f" WHERE id = ({oldest}) RETURNING id, deliveries, envelope",
        [LEASE_S, queue],
    )
    if not rows:
        return None  # another worker was faster
    taken = Claim(*rows[0])
    if taken.deliveries > MAX_DELIVERIES:
        _give_up(taken)
        return None
    return taken


def renew(claims: Collection[Claim]) -> None:
    """Hold these for another LEASE_S seconds; those that somebody else took are left to them."""
    held = Q(pk=None)
    for mine in claims:
        held |= Q(pk=mine.ring_id, deliveries=mine.deliveries)
    clock = _CLOCK[connection.vendor]
    Ring.objects.filter(held, dead_at=None).update(leased_until=RawSQL(f"{clock} + %s", [LEASE_S]))


def acknowledge(done: Claim) -> None:
    """Forget a ring whose task has run. Not fenced: done is done, whoever holds it by now."""
    Ring.objects.filter(pk=done.ring_id).delete()


def give_back(unfinished: Claim) -> None:
    """Free a ring for the next worker at once, unless somebody else has it already."""
    mine = Ring.objects.filter(pk=unfinished.ring_id, deliveries=unfinished.deliveries)
    mine.update(leased_until=0)


def size(queue: str) -> int:
    """How many rings wait or are being worked on."""
    return Ring.objects.filter(queue=queue, dead_at=None).count()


def purge(queue: str) -> int:
    """Forget every ring that no worker holds; the sweeps ring again for what is owed."""
    return Ring.objects.filter(queue=queue, dead_at=None, leased_until=0).delete()[0]


def ring_again(ring_ids: Collection[int]) -> int:
    """Give dead rings a fresh start, after somebody removed the cause."""
    dead = Ring.objects.filter(pk__in=ring_ids, dead_at__isnull=False)
    return dead.update(dead_at=None, deliveries=0, leased_until=0)


def _still_waits(queue: str, call: str) -> bool:
    # The lock keeps that ring from being answered before our caller commits what it is about;
    # SQLite's one writer does the same.
    skip_locked = _SKIP_LOCKED[connection.vendor]
    same = "queue = %s AND call = %s AND deliveries = 0 AND dead_at IS NULL"
    sql = f"SELECT 1 FROM workers_ring WHERE {same} LIMIT 1 {skip_locked}"
    return bool(_rows(sql, [queue, call]))


def _give_up(poison: Claim) -> None:
    Ring.objects.filter(pk=poison.ring_id, deliveries=poison.deliveries).update(
        dead_at=timezone.now(), leased_until=0
    )
    logger.error("a ring is given up", extra={"ring": poison.ring_id})


def _free() -> str:
    # A lease that ends later than a lease can end is void too: the clock was set back.
    clock = _CLOCK[connection.vendor]
    return (
        "queue = %s AND dead_at IS NULL"
        f" AND (leased_until < {clock} OR leased_until > {clock} + {LEASE_S + 1})"
    )


def _rows(sql: str, params: list[int | str]) -> list[tuple[int, int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[int, int, str]] = cursor.fetchall()
        return rows
