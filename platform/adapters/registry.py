"""Which adapter serves which kind of channel: a folder each, and its line here."""

from typing import TYPE_CHECKING, Any

from adapters.contracts import Adapter
from adapters.web.adapter import WebAdapter
from adapters.wechat.adapter import WeChatAdapter

if TYPE_CHECKING:
    from patients.models import Channel

ADAPTERS: dict[str, Any] = {  # kind → class, built by `of(channel)`
    "web": WebAdapter,
    "wechat": WeChatAdapter,
}


class NoAdapter(Exception):
    """This channel's kind has no folder here: it neither hears nor sends."""


def adapter_of(channel: "Channel") -> Adapter:
    """Build what speaks for this channel. Raises NoAdapter; Account.DoesNotExist if not set up."""
    if channel.kind not in ADAPTERS:
        raise NoAdapter
    adapter: Adapter = ADAPTERS[channel.kind].of(channel)
    return adapter
