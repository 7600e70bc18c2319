"""The vendor on this machine, an account with it, and its callbacks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.aliyun.adapter import AliyunAdapter
from adapters.aliyun.stand_in import AliyunStandIn
from adapters.contracts import Callback, InboundEvent, OutboundMessage
from adapters.models import Account
from adapters.rehearsal.stand_in import Outgoing
from patients.models import Channel
from vault.datakeys import create_data_key

PHONE = "+8613800000001"
CODE = "7hKp3XwQ9rTz"


@pytest.fixture
def vendor() -> Iterator[AliyunStandIn]:
    with AliyunStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def account(db: None, vendor: AliyunStandIn) -> Account:
    channel = Channel.objects.create(slug="aliyun", kind="aliyun", name="短信")
    return Account.objects.create(
        channel=channel,
        settings=vendor.settings(),
        secrets=vendor.secrets(),
        data_key=create_data_key(),
    )


@pytest.fixture
def adapter(account: Account) -> AliyunAdapter:
    return AliyunAdapter.of(account.channel)


@pytest.fixture
def changed(account: Account) -> Callable[..., AliyunAdapter]:
    """An adapter whose account says something else."""

    def change(**fields: str) -> AliyunAdapter:
        known = account.secrets
        account.secrets = {**known, **{k: v for k, v in fields.items() if k in known}}
        account.settings |= {k: v for k, v in fields.items() if k not in known}
        account.save()
        return AliyunAdapter.of(account.channel)

    return change


@pytest.fixture
def message() -> OutboundMessage:
    return OutboundMessage(PHONE, "您好,请明天空腹来。", uid="u" * 32, link_code=CODE)


@pytest.fixture
def called() -> Callable[[Outgoing], Callback]:
    """A callback as our door hands it to an adapter."""

    def call(outgoing: Outgoing, *, method: str = "POST") -> Callback:
        url = "https://wenan.example/channels/aliyun/callback"
        return Callback(method, outgoing.query, outgoing.body, outgoing.headers, url)

    return call


@pytest.fixture
def takes_in(adapter: AliyunAdapter, called: Any) -> Callable[[Outgoing], list[InboundEvent]]:
    def take_in(outgoing: Outgoing) -> list[InboundEvent]:
        callback = called(outgoing)
        adapter.verify(callback)
        return list(adapter.parse(callback))

    return take_in
