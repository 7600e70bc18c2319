"""A WeChat Official Account (service account)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import Window
from adapters.weixin.account import WeixinAdapter


class WeChatAdapter(WeixinAdapter):
    label: ClassVar[Any] = _("WeChat Official Account")
    # Source: "客服消息" of the service account's documentation.
    windows: ClassVar[Mapping[str, Window]] = {
        "message": Window(48 * 3_600, 5),
        "menu": Window(60, 3),
        "follow": Window(60, 3),
        "scan": Window(60, 3),
    }
