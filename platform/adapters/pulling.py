"""Where a vendor only rings: fetch what was said, in order, from where we stopped.

The cursor moves in the transaction that stores what came before it: after a crash the same is
fetched again, and its second storing changes nothing.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from adapters.arrivals import receive
from adapters.contracts import Adapter, NotPulled, Pulling
from adapters.delivery import Clock
from adapters.models import Account, Token
from adapters.registry import NoAdapter, adapter_of
from patients.models import Channel

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # a page takes a second or two
PAGES = 20  # in one run; the sweep goes on
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
    mine = Account.objects.filter(channel=channel)
    now = clock()
    is_free = Q(pulling_until=None) | Q(pulling_until__lt=now)
    if not isinstance(adapter, Pulling) or not mine.filter(is_free).update(
        pulling_until=now + LEASE
    ):
        return
    try:
        for _page in range(PAGES):
            if not _pull_page(channel, adapter, clock=clock):
                return
    finally:
        mine.update(pulling_until=None)


def _pull_page(channel: Channel, adapter: Adapter, *, clock: Clock) -> bool:
    """Whether there is more."""
    assert isinstance(adapter, Pulling)
    account = Account.objects.get(channel=channel)
    began_at = clock()
    try:
        batch = adapter.pull(account.cursor, ring=_ring_of(account, now=began_at))
    except NotPulled as none:
        category = getattr(none.result, "category", "unknown")
        Channel.objects.filter(pk=channel.pk).update(failed_at=began_at, failure=str(category))
        logger.warning("nothing fetched", extra={"channel": channel.slug, "why": str(category)})
        return False
    with transaction.atomic():
        receive(channel, batch.events, capabilities=adapter.capabilities, now=clock())
        Account.objects.filter(pk=account.pk).update(
            cursor=batch.cursor, pulled_at=began_at, pulling_until=clock() + LEASE
        )
    return batch.has_more


def unpulled(*, now: datetime) -> list[int]:
    """The channels that rang and were not fetched from since; and now and then all."""
    silent = Q(pulled_at__lt=F("rang_at")) | Q(pulled_at=None, rang_at__isnull=False)
    old = Q(pulled_at__lt=now - AGAIN)
    found = Account.objects.filter(silent | old, channel__is_active=True)
    return list(found.values_list("channel_id", flat=True))


def _ring_of(account: Account, *, now: datetime) -> str:
    ring = Token.objects.filter(account=account, name="ring", expires_at__gt=now).first()
    return str(ring.value) if ring else ""
