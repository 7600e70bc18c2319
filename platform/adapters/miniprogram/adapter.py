"""A WeChat mini-program: its customer messages come and go as an Official Account's do."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import Window
from adapters.weixin.account import WeixinAdapter


class MiniProgramAdapter(WeixinAdapter):
    label: ClassVar[Any] = _("WeChat mini-program")
    # Source: "customerServiceMessage.send" of the mini-program's documentation.
    windows: ClassVar[Mapping[str, Window]] = {
        "message": Window(48 * 3_600, 5),
        "enter": Window(60, 2),
    }
