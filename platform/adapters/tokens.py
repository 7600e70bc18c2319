"""A vendor's access token: fetched by one, used by all processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from adapters.models import Account, Token

ACCESS = "access"
EARLY = timedelta(minutes=5)  # before it ends, while the old one is still good
NOT_AGAIN = timedelta(seconds=30)  # WeChat: force_refresh at most every 30 s


@dataclass(frozen=True)
class Fetched:
    value: str
    lasts_s: int


Fetch = Callable[[bool], Fetched]  # argument: whether the vendor must make a new one


def access_token(account: Account, *, fetch: Fetch, now: datetime) -> str:
    """The token in force, fetched when there is none. Raises whatever `fetch` raises."""
    known = _known(account).filter(expires_at__gt=now + EARLY).first()
    return known.value if known else _keep(account, fetch(False), now=now)


def renew_token(account: Account, refused: str, *, fetch: Fetch, now: datetime) -> str:
    """Another token than the one that the vendor just refused; somebody may have it already."""
    known = _known(account).first()
    if known is not None and known.value != refused:
        return str(known.value)
    fetched = fetch(False)
    just_made = known is not None and now - known.fetched_at < NOT_AGAIN
    if fetched.value == refused and not just_made:
        fetched = fetch(True)
    return _keep(account, fetched, now=now)


def _known(account: Account) -> QuerySet[Token]:
    return Token.objects.filter(account=account, name=ACCESS)


def _keep(account: Account, fetched: Fetched, *, now: datetime) -> str:
    Token.objects.update_or_create(
        account=account,
        name=ACCESS,
        defaults={
            "data_key_id": account.data_key_id,
            "value": fetched.value,
            "fetched_at": now,
            "expires_at": now + timedelta(seconds=fetched.lasts_s),
        },
    )
    return fetched.value
