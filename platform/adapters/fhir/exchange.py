"""What one system has for us is fetched, and what we owe it is told; one worker at a time.

Each record is filed in a transaction of its own, and the cursor moves after all of a page: after
a crash the page is read again, and its second filing changes nothing. What changes while we read
has a later moment than the one we began at, and is read next time; so are the last minutes before
it, for a record may be stored after its own moment.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from adapters.fhir import validation
from adapters.fhir.client import Page, Refusal, Server, TooBig, Unreachable
from adapters.fhir.filing import Clock, Desk, forget_old
from adapters.fhir.kinds import KINDS
from adapters.fhir.mapping.datatypes import to_moment
from adapters.fhir.models import Cursor, System
from adapters.fhir.pushing import tell_owed
from events import ExchangeFellDue, publish
from hospital.models import Hospital

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)
LEASE = timedelta(seconds=120)  # a page of a slow server, and its parts asked one by one
PAGES = 10  # of a kind in one run; the next run goes on
COUNTS = (50, 5, 1)  # records of a page; fewer where a page is too big
OVERLAP = timedelta(minutes=5)
NO_CLOCK = timedelta(hours=1)  # where they don't say what time it is
BACKOFF_S, MAX_BACKOFF_S = 15, 3_600  # doubled at each failure in a row


class LeaseLost(Exception):
    """Somebody else speaks with them now."""


def ring_due(*, now: datetime) -> int:
    """Ring for every system that is to be spoken with; returns how many."""
    forget_old(now=now)
    due = System.objects.due(now=now, every=EVERY).values_list("pk", flat=True)
    for system_id in due:
        publish(ExchangeFellDue(system_id))
    return len(due)


def exchange(system_id: int, *, clock: Clock) -> dict[str, int]:
    """Fetch and tell. Returns how many records had which outcome."""
    now = clock()
    system = System.objects.in_use(now=now).filter(pk=system_id).first()
    if system is None or not validation.is_installed():
        return {}
    hold = _Hold(system)
    if not hold.take(now):
        return {}
    desk = Desk(system, Server(system, now), Hospital.objects.this_one().zone, now, clock)
    try:
        tell_owed(desk.server, now=now)
        desk.fetch_owed()
        finished = [_pull(desk, kind, hold, clock=clock) for kind in system.fetched_resources()]
        if all(finished):
            System.objects.filter(pk=system.pk).update(pulled_at=now)
        System.objects.filter(pk=system.pk).update(failures=0, failure="", rests_until=None)
    except Unreachable as away:
        _let_rest(system, away, now=clock())
    except LeaseLost:
        logger.warning("exchange given up", extra={"system": system.slug})
    finally:
        hold.give_back()
    return desk.counts


def _pull(desk: Desk, resource: str, hold: "_Hold", *, clock: Clock) -> bool:
    """Whether all of a kind was read. Raises Unreachable, LeaseLost."""
    cursor, _ = Cursor.objects.get_or_create(
        system=desk.system, resource=resource, defaults={"data_key_id": desk.system.data_key_id}
    )
    for _page in range(PAGES):
        try:
            page = _next_page(desk.server, cursor, now=desk.now)
        except Refusal as refusal:
            if cursor.next_page:  # they do not know that page any more: from where we began
                _move(cursor, next_page=None)
                continue
            # This kind only; the others may be fine.
            told = {"system": desk.system.slug, "kind": resource, "code": refusal.status}
            logger.warning("kind refused", extra=told)
            return True
        for entry in page.entries:
            desk.take(resource, entry, dict(page.found))
        if not hold.renew(clock()):
            raise LeaseLost
        began_at = cursor.began_at or page.at or desk.now - NO_CLOCK
        if page.next_page is None:
            _move(cursor, next_page=None, began_at=None, since=began_at - OVERLAP)
            return True
        _move(cursor, next_page=page.next_page, began_at=began_at)
        if desk.is_late():
            return False
    return False


def _next_page(server: Server, cursor: Cursor, *, now: datetime) -> Page:
    if cursor.next_page:
        try:
            return server.go_on(cursor.next_page, cursor.resource)
        except TooBig:
            _move(cursor, next_page=None)
    kind = KINDS[cursor.resource]
    params = {"_sort": "_lastUpdated", **kind.always(now)}
    if kind.include:
        params["_include"] = kind.include
    if cursor.since is None:
        params |= kind.first(now)
    else:
        params["_lastUpdated"] = f"ge{to_moment(cursor.since)}"
    for count in COUNTS[:-1]:
        try:
            return server.search(cursor.resource, params, count=count)
        except TooBig:
            continue
    return server.search(cursor.resource, params, count=COUNTS[-1])


def _move(cursor: Cursor, **moved: Any) -> None:
    for name, value in moved.items():
        setattr(cursor, name, value)
    cursor.save(update_fields=list(moved))


def _let_rest(system: System, away: Unreachable, *, now: datetime) -> None:
    """Leave a system alone for a while, the longer the more often it failed."""
    wait_s = min(BACKOFF_S * 2 ** min(system.failures, 10), MAX_BACKOFF_S)
    rests_until = now + timedelta(seconds=max(away.after_s or 0, wait_s))
    System.objects.filter(pk=system.pk).update(
        failures=F("failures") + 1, failure=away.reason[:80], rests_until=rests_until
    )
    logger.warning("system away", extra={"system": system.slug, "reason": away.reason})


class _Hold:
    """The right to speak with a system."""

    def __init__(self, system: System) -> None:
        self._rows = System.objects.filter(pk=system.pk)
        self._until: datetime | None = None

    def take(self, now: datetime) -> bool:
        rows = self._rows.filter(busy_until=None) | self._rows.filter(busy_until__lte=now)
        return self._keep(rows, now)

    def renew(self, now: datetime) -> bool:
        return self._keep(self._rows.filter(busy_until=self._until), now)

    def give_back(self) -> None:
        self._rows.filter(busy_until=self._until).update(busy_until=None)

    def _keep(self, rows: Any, now: datetime) -> bool:
        if not rows.update(busy_until=now + LEASE):
            return False
        self._until = now + LEASE
        return True
