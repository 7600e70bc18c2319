"""Which adapter serves which kind of channel: a folder each, and its line here."""

from adapters.aliyun.adapter import AliyunAdapter
from adapters.contracts import Adapter
from adapters.miniprogram.adapter import MiniProgramAdapter
from adapters.models import Account
from adapters.tencent.adapter import TencentAdapter
from adapters.twilio.adapter import TwilioAdapter
from adapters.web.adapter import WebAdapter
from adapters.wechat.adapter import WeChatAdapter
from adapters.wecom.adapter import WeComAdapter
from patients.models import Channel

ADAPTERS: dict[str, type[Adapter]] = {
    "web": WebAdapter,
    "wechat": WeChatAdapter,
    "miniprogram": MiniProgramAdapter,
    "wecom": WeComAdapter,
    "aliyun": AliyunAdapter,
    "tencent": TencentAdapter,
    "twilio": TwilioAdapter,
}


class NoAdapter(Exception):
    """Nobody here speaks for this channel: its kind has no folder, or it was never set up."""


def adapter_of(channel: Channel) -> Adapter:
    """Build what speaks for this channel. Raises NoAdapter."""
    try:
        return ADAPTERS[channel.kind].of(channel)
    except (KeyError, Account.DoesNotExist):
        raise NoAdapter from None
