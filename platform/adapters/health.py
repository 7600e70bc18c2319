"""How a channel does: what was heard, what was tried, what waits. Counts only, nobody's data.

The number of queries does not grow with the rows: attempts are read from one index, by channel and
time, and no further back than a day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from adapters.contracts import Category, Field, Status
from adapters.models import CATEGORIES, STATUSES, Account, Attempt, Result
from adapters.registry import ADAPTERS
from adapters.undelivered import UNKNOWN
from conversations.models import Message
from patients.models import Channel, ContactPoint

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SILENT_AFTER = timedelta(days=2)  # a hospital's channel rests at night, and not for two days
CAUSES = 5  # of the last day, the commonest

# What we hold back before any vendor is asked says nothing of the vendor.
_HELD_BACK = Q(category__in=[Category.DECEASED, Category.NO_CONSENT, Category.MUTED])
_LOST = Q(result=Result.ACCEPTED, status=Status.FAILED)  # taken, and not delivered
_FAILED = Q(result__in=[Result.RETRY, Result.REJECTED, Result.UNKNOWN]) | _LOST


@dataclass(frozen=True)
class Tally:
    """Attempts of some time that have ended."""

    accepted: int = 0
    lost: int = 0  # of those accepted: a receipt says that they did not arrive
    retry: int = 0
    rejected: int = 0
    unknown: int = 0
    held_back: int = 0
    segments: int = 0  # what an SMS vendor bills

    @property
    def error_rate(self) -> int | None:
        """In percent; None where nothing was tried."""
        failed = self.lost + self.retry + self.rejected + self.unknown
        return percent(failed, failed + self.accepted - self.lost)


@dataclass(frozen=True)
class Cause:
    words: Any
    code: str  # the vendor's
    count: int


@dataclass(frozen=True)
class Condition:
    """How it does in one word, `code`, and in words; `tone` is good, calm, warn or bad."""

    code: str
    words: Any
    tone: str


@dataclass(frozen=True)
class Health:
    condition: Condition
    heard_at: datetime | None
    pulled_at: datetime | None
    failed_at: datetime | None
    failure: Any
    failures: int  # in a row
    resting_until: datetime | None
    today: Tally
    hour: Tally
    causes: list[Cause]
    closed: list[Cause]  # addresses that nothing reaches any more
    waiting: int  # messages that were not sent yet

    @property
    def was_tried(self) -> bool:
        return self.today != Tally() or self.hour != Tally()

    @property
    def closed_in_all(self) -> int:
        return sum(each.count for each in self.closed)


def health_of(channel: Channel, now: datetime) -> Health:
    account = Account.objects.filter(channel=channel).select_related("channel").first()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return Health(
        condition=condition_of(channel, account, now),
        heard_at=channel.heard_at,
        pulled_at=account.pulled_at if account else None,
        failed_at=channel.failed_at,
        failure=in_words(channel.failure),
        failures=account.failures if account else 0,
        resting_until=rests_until(account, now),
        today=_tally(channel, midnight),
        hour=_tally(channel, now - HOUR),
        causes=_causes(channel, now - DAY),
        closed=_closed(channel),
        waiting=Message.objects.unsent()
        .filter(conversation__contact_point__channel=channel)
        .count(),
    )


def condition_of(channel: Channel, account: Account | None, now: datetime) -> Condition:
    """The first thing to be said of a channel; what must be mended comes first."""
    if not channel.is_active:
        return Condition("off", _("switched off"), "calm")
    if account is None or missing(account):
        return Condition("unfinished", _("not set up yet"), "warn")
    if until := rests_until(account, now):
        at = timezone.localtime(until).strftime("%H:%M:%S")
        return Condition("resting", _("resting until %(at)s") % {"at": at}, "bad")
    if account.failures or _fetches_nothing(account, channel.failed_at):
        return Condition("failing", _("failing"), "bad")
    heard = channel.heard_at
    if heard is None:
        return Condition("silent", _("nothing heard yet"), "warn")
    if now - heard > SILENT_AFTER:
        days = (now - heard).days
        said = ngettext("nothing heard for %(days)s day", "nothing heard for %(days)s days", days)
        return Condition("silent", said % {"days": days}, "warn")
    return Condition("well", _("well"), "good")


def _fetches_nothing(account: Account, failed_at: datetime | None) -> bool:
    """Where a vendor only rings: whether a failure came after all that was fetched."""
    if failed_at is None or account.rang_at is None:
        return False
    return account.pulled_at is None or failed_at > account.pulled_at


def missing(account: Account) -> list[Field]:
    """What the channel's kind needs and nobody has filled in."""
    adapter = ADAPTERS.get(account.channel.kind)
    fields: tuple[Field, ...] = adapter.setup if adapter else ()
    known = {**account.settings, **account.secrets}
    return [each for each in fields if each.is_required and not known.get(each.name)]


def rests_until(account: Account | None, now: datetime) -> datetime | None:
    until = account.open_until if account else None
    return until if until and until > now else None


def with_error_rate(accounts: "QuerySet[Account]", now: datetime) -> "QuerySet[Any]":
    """Beside each account `tried_lately` and `failed_lately`, of the last hour."""
    lately = Attempt.objects.filter(channel=OuterRef("channel"), began_at__gt=now - HOUR)
    ended = lately.exclude(_HELD_BACK).exclude(result=Result.IN_FLIGHT)
    return accounts.annotate(
        tried_lately=_number_of(ended), failed_lately=_number_of(ended.filter(_FAILED))
    )


def percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def in_words(why: str) -> Any:
    """A category as it stands in a row; what is none stays as it is."""
    if why == UNKNOWN:
        return Result.UNKNOWN.label
    return CATEGORIES[Category(why)] if why in set(Category) else why


def _tally(channel: Channel, since: datetime) -> Tally:
    attempts = Attempt.objects.filter(channel=channel, began_at__gt=since).order_by()
    taken = Q(result=Result.ACCEPTED)
    counted = attempts.aggregate(
        accepted=Count("pk", filter=taken),
        lost=Count("pk", filter=_LOST),
        retry=Count("pk", filter=Q(result=Result.RETRY)),
        rejected=Count("pk", filter=Q(result=Result.REJECTED) & ~_HELD_BACK),
        unknown=Count("pk", filter=Q(result=Result.UNKNOWN)),
        held_back=Count("pk", filter=_HELD_BACK),
        segments=Sum("segments", filter=taken, default=0),
    )
    return Tally(**counted)


def _causes(channel: Channel, since: datetime) -> list[Cause]:
    """Why attempts failed, the commonest first."""
    failed = Attempt.objects.filter(_FAILED | _HELD_BACK, channel=channel, began_at__gt=since)
    rows = failed.order_by().values_list("category", "code", "result").annotate(n=Count("pk"))
    return [
        Cause(_why(category, result), code, count)
        for category, code, result, count in rows.order_by("-n", "category", "code")[:CAUSES]
    ]


def _why(category: str, result: str) -> Any:
    if category:
        return in_words(category)
    return Result.UNKNOWN.label if result == Result.UNKNOWN else STATUSES[Status.FAILED]


def _closed(channel: Channel) -> list[Cause]:
    closed = ContactPoint.objects.filter(channel=channel, closed_at__isnull=False)
    rows = closed.order_by().values_list("closed_why").annotate(n=Count("pk"))
    return [Cause(in_words(why), "", count) for why, count in rows.order_by("-n", "closed_why")]


def _number_of(attempts: "QuerySet[Attempt]") -> Subquery:
    counted = attempts.order_by().annotate(n=Func(F("pk"), function="COUNT"))
    return Subquery(counted.values("n"), output_field=IntegerField())
