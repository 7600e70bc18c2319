"""Where a vendor only rings: fetch what was said, in order, from where we stopped.

A page is stored in parts, so that no other writer waits for all of it; the cursor moves in the
transaction of the last part. After a crash the same is fetched again, and its second storing
changes nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from adapters.arrivals import receive
from adapters.contracts import Capabilities, InboundEvent, NotPulled, Pulling, Retry
from adapters.models import Account, Token
from adapters.registry import NoAdapter, adapter_of
from adapters.speech import Clock
from adapters.undelivered import UNKNOWN
from events.logs import kind_and_place
from patients.models import Channel

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # a page takes a second or two
AT_ONCE = 8  # events in one transaction
PAGES = 20  # in one run; the sweep goes on
NOT_AGAIN = timedelta(seconds=15)  # after the vendor refused, or did not answer
AGAIN = timedelta(minutes=5)  # without any ring: one may have been lost


def pull(channel_id: int, *, clock: Clock) -> None:
    """Fetch and store what a channel's vendor has for us. One at a time, in order."""
    channel = Channel.objects.filter(pk=channel_id, is_active=True).first()
    if channel is None:
        return
    try:
        adapter = adapter_of(channel)
    except NoAdapter:
        return
    if not isinstance(adapter, Pulling):
        return
    hold = _Hold(channel)
    if not hold.take(clock()):
        return
    wait = timedelta()
    try:
        for _page in range(PAGES):
            if not _pull_page(channel, adapter, hold, adapter.capabilities, clock=clock):
                return
    except NotPulled as none:
        wait = _told(channel, none, now=clock())
    finally:
        hold.give_back(after=clock() + wait if wait else None)


class _Hold:
    """The right to fetch from a channel. Whoever lost it to another worker stores nothing."""

    def __init__(self, channel: Channel) -> None:
        self._rows = Account.objects.filter(channel=channel)
        self._until: datetime | None = None

    def take(self, now: datetime) -> bool:
        return self._hold(Q(pulling_until=None) | Q(pulling_until__lt=now), now)

    def renew(self, now: datetime, **moved: Any) -> bool:
        return self._hold(Q(pulling_until=self._until), now, **moved)

    @contextmanager
    def stored_with(self) -> Iterator[None]:
        """A transaction: what it renewed is not renewed where it does not commit."""
        held = self._until
        try:
            with transaction.atomic():
                yield
        except BaseException:
            self._until = held
            raise

    def give_back(self, *, after: datetime | None) -> None:
        """`after`: nobody fetches before then."""
        self._rows.filter(pulling_until=self._until).update(pulling_until=after)

    def _hold(self, still_free: Q, now: datetime, **moved: Any) -> bool:
        if not self._rows.filter(still_free).update(pulling_until=now + LEASE, **moved):
            return False
        self._until = now + LEASE
        return True


def _pull_page(
    channel: Channel, adapter: Pulling, hold: _Hold, capabilities: Capabilities, *, clock: Clock
) -> bool:
    """Whether there is more. Raises NotPulled."""
    account = Account.objects.get(channel=channel)
    began_at = clock()
    batch = adapter.pull(account.cursor, ring=_ring_of(account, now=began_at))
    moved: dict[str, Any] = {"cursor": batch.cursor}
    if not batch.has_more:
        moved["pulled_at"] = began_at
    last = max(0, len(batch.events) - 1) // AT_ONCE
    for part in range(last + 1):
        events = batch.events[part * AT_ONCE : (part + 1) * AT_ONCE]
        with_it = moved if part == last else {}
        if not _store(channel, events, hold, capabilities, with_it, clock=clock):
            return False
    return batch.has_more


def _store(
    channel: Channel,
    events: Sequence[InboundEvent],
    hold: _Hold,
    capabilities: Capabilities,
    moved: dict[str, Any],
    *,
    clock: Clock,
) -> bool:
    """False: another worker has the hold by now, and nothing was stored."""
    try:
        with hold.stored_with():
            if not hold.renew(clock(), **moved):
                return False
            receive(channel, events, capabilities=capabilities, now=clock())
    except DatabaseError:
        raise  # the house is ill, not a message: all of it is fetched again
    except Exception as error:
        logger.error("page not stored", extra={"channel": channel.slug, **kind_and_place(error)})
        _store_one_by_one(channel, events, hold, capabilities, moved, clock=clock)
    return True


def _store_one_by_one(
    channel: Channel,
    events: Sequence[InboundEvent],
    hold: _Hold,
    capabilities: Capabilities,
    moved: dict[str, Any],
    *,
    clock: Clock,
) -> None:
    """One that can't be stored keeps no other from being read; the log says how many were left."""
    with hold.stored_with():
        if not hold.renew(clock(), **moved):
            return
        for event in events:
            try:
                receive(channel, [event], capabilities=capabilities, now=clock())
            except DatabaseError:
                raise
            except Exception as error:
                told = {"channel": channel.slug, "kind": str(event.kind), **kind_and_place(error)}
                logger.error("event left out", extra=told)


def _told(channel: Channel, none: NotPulled, *, now: datetime) -> timedelta:
    """Note why nothing came; how long nobody asks again."""
    category = getattr(none.result, "category", UNKNOWN)
    Channel.objects.filter(pk=channel.pk).update(failed_at=now, failure=str(category))
    logger.warning("nothing fetched", extra={"channel": channel.slug, "why": str(category)})
    after_s = none.result.after_s if isinstance(none.result, Retry) else None
    return max(NOT_AGAIN, timedelta(seconds=after_s or 0))


def unpulled(*, now: datetime) -> list[int]:
    """The channels that rang and were not fetched from since; and now and then all."""
    silent = Q(pulled_at__lt=F("rang_at")) | Q(pulled_at=None, rang_at__isnull=False)
    old = Q(pulled_at__lt=now - AGAIN)
    free = Q(pulling_until=None) | Q(pulling_until__lt=now)
    found = Account.objects.filter(silent | old, free, channel__is_active=True)
    return list(found.values_list("channel_id", flat=True))


def _ring_of(account: Account, *, now: datetime) -> str:
    ring = Token.objects.filter(account=account, name="ring", expires_at__gt=now).first()
    return str(ring.value) if ring else ""
