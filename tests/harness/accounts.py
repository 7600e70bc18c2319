"""Channels with an account, as an admin sets them up."""

from typing import Any

from adapters.models import Account
from patients.models import Channel
from vault.datakeys import create_data_key


def open_account(kind: str, *, settings: dict[str, Any], secrets: dict[str, str]) -> Channel:
    channel = Channel.objects.create(slug=kind, kind=kind, name=kind)
    Account.objects.create(
        channel=channel, settings=settings, secrets=secrets, data_key=create_data_key()
    )
    return channel
