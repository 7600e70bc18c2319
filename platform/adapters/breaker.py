"""A vendor that fails several times in a row is left alone for a while."""

import logging
from datetime import datetime, timedelta

from django.db.models import F

from adapters import policy
from adapters.contracts import Rejected, Retry, SendResult
from adapters.models import Account
from adapters.undelivered import UNKNOWN
from patients.models import Channel

logger = logging.getLogger(__name__)


def resting_until(channel: Channel, *, now: datetime) -> datetime | None:
    """Until when nobody knocks at this vendor's door."""
    account = Account.objects.filter(channel=channel, open_until__gt=now).first()
    return account.open_until if account else None


def note_health(channel: Channel, result: SendResult, *, now: datetime) -> None:
    """Count failures in a row, and rest after several; one success ends it."""
    accounts = Account.objects.filter(channel=channel)
    if not policy.is_illness(result):
        accounts.exclude(failures=0, open_until=None).update(failures=0, open_until=None)
        return
    accounts.update(failures=F("failures") + 1)
    account = accounts.first()
    why = str(result.category) if isinstance(result, Retry | Rejected) else UNKNOWN
    Channel.objects.filter(pk=channel.pk).update(failed_at=now, failure=why)
    if account is not None and (rest_s := policy.rest_s(account.failures)):
        accounts.update(open_until=now + timedelta(seconds=rest_s))
        logger.error("channel rests", extra={"channel": channel.slug, "why": why})
