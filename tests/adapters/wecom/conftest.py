"""微信客服 on this machine, an account that speaks with it, and callbacks as they reach us."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.contracts import Callback, OutboundMessage
from adapters.models import Account
from adapters.rehearsal.stand_in import Outgoing
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.stand_in import WeComStandIn
from patients.models import Channel
from vault.datakeys import create_data_key


@pytest.fixture(scope="session")
def wecom_server() -> Iterator[WeComStandIn]:
    with WeComStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def wecom(wecom_server: WeComStandIn) -> WeComStandIn:
    wecom_server.begin_anew()
    return wecom_server


@pytest.fixture
def account(db: None, wecom: WeComStandIn) -> Account:
    return Account.objects.create(
        channel=Channel.objects.create(slug="wecom", kind="wecom", name="微信客服"),
        settings=wecom.settings(),
        secrets=wecom.secrets(),
        data_key=create_data_key(),
    )


@pytest.fixture
def adapter(account: Account) -> WeComAdapter:
    return WeComAdapter.of(account.channel)


@pytest.fixture
def changed(account: Account) -> Callable[..., WeComAdapter]:
    """The adapter after an admin changed settings or secrets."""

    def change(*, secrets: dict[str, Any] | None = None, **settings: Any) -> WeComAdapter:
        account.settings = {**account.settings, **settings}
        account.secrets = {**account.secrets, **(secrets or {})}
        account.save()
        return WeComAdapter.of(account.channel)

    return change


@pytest.fixture
def came() -> Callable[[Outgoing], Callback]:
    """What the vendor sent, as our door hands it on."""

    def arrive(outgoing: Outgoing) -> Callback:
        method = "POST" if outgoing.body else "GET"
        return Callback(method, outgoing.query, outgoing.body, {}, f"https://x/{outgoing.path}")

    return arrive


@pytest.fixture
def reply() -> Callable[..., OutboundMessage]:
    def write(text: str = "您好", **fields: str) -> OutboundMessage:
        return OutboundMessage(**{"address": "wm1", "text": text, "uid": "u1", **fields})

    return write
