"""Vendors on this machine, and channels that speak with them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from adapters.delivery import deliver
from adapters.rehearsal.stand_in import Outgoing
from adapters.weixin.stand_in import WeChatStandIn
from conversations.models import Conversation
from harness.accounts import open_account
from patients.models import Channel

CallBack = Callable[[Outgoing], Any]


@pytest.fixture(autouse=True)
def in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a vendor says is stored by the test's own transaction."""
    monkeypatch.setattr("channels_app.vendor_views.database.write", _here)


async def _here(act: Callable[..., Any], *args: Any) -> Any:
    return await sync_to_async(act)(*args)


@pytest.fixture
def wechat() -> Iterator[WeChatStandIn]:
    with WeChatStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def wechat_channel(db: None, wechat: WeChatStandIn) -> Channel:
    credentials = wechat.credentials
    return open_account(
        "wechat", settings=credentials.settings(api_url=wechat.url), secrets=credentials.secrets()
    )


@pytest.fixture
def call_back(client: Client, wechat_channel: Channel) -> CallBack:
    """A vendor's callback reaches our door."""

    def post(outgoing: Outgoing) -> Any:
        return client.post(
            f"/channels/{wechat_channel.slug}/callback{outgoing.path}",
            data=outgoing.body,
            content_type="text/xml",
        )

    return post


@pytest.fixture
def deliver_all() -> Callable[[], None]:
    def run() -> None:
        for pk in Conversation.objects.values_list("pk", flat=True):
            deliver(pk, clock=timezone.now)

    return run
