"""A WeChat mini-program: its customer messages come and go as an Official Account's do."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import Field, OutboundMessage, Window
from adapters.weixin.account import SETUP, WeixinAdapter


class MiniProgramAdapter(WeixinAdapter):
    label: ClassVar[Any] = _("WeChat mini-program")
    # Source: "customerServiceMessage.send" of the mini-program's documentation.
    windows: ClassVar[Mapping[str, Window]] = {
        "message": Window(48 * 3_600, 5),
        "enter": Window(60, 2),
    }
    # 订阅消息: each was agreed to by a tap in the mini-program.
    notice_path = "/cgi-bin/message/subscribe/send"
    notice_needs_grant = True
    setup: ClassVar[tuple[Field, ...]] = (
        *SETUP,
        Field(
            "notice_page",
            _("page of the mini-program"),
            is_required=False,
            help=_("pages/…: a tap on the notice opens it"),
        ),
    )

    def _way_in(self, message: OutboundMessage) -> dict[str, Any]:
        page = str(self._settings.get("notice_page", ""))
        language = "en_US" if message.language == "en" else "zh_CN"
        return {"lang": language, **({"page": page} if page else {})}
