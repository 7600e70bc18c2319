"""A vendor has rung: remember it, and have a worker fetch what there is."""

from datetime import datetime, timedelta

from adapters.contracts import Pulling
from adapters.models import Account, Token
from adapters.registry import adapter_of
from events import ChannelRang, publish
from patients.models import Channel

RING_LASTS = timedelta(minutes=10)  # source: sync_msg of WeCom's 微信客服


def note_ring(channel: Channel, mailbox: str, *, ring: str, now: datetime) -> None:
    """`mailbox`: which of several accounts behind one callback address it is for."""
    kin = Account.objects.filter(channel__kind=channel.kind, channel__is_active=True)
    for account in kin.select_related("channel", "data_key"):
        adapter = adapter_of(account.channel)
        if not isinstance(adapter, Pulling) or adapter.mailbox != mailbox:
            continue
        Account.objects.filter(pk=account.pk).update(rang_at=now)
        Token.objects.update_or_create(
            account=account,
            name="ring",
            defaults={
                "data_key_id": account.data_key_id,
                "value": ring,
                "fetched_at": now,
                "expires_at": now + RING_LASTS,
            },
        )
        publish(ChannelRang(account.channel_id))
