"""A WeChat mini-program: its customer messages come and go as an Official Account's do."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Field,
    Guest,
    Notice,
    NotPulled,
    OutboundMessage,
    Refused,
    Window,
)
from adapters.vendor import NoAnswer
from adapters.weixin.account import SETUP, WeixinAdapter, named
from adapters.weixin.errors import meaning_of

BUSY = -1


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

    def let_in(self, code: str) -> Guest:
        """Who has tapped: `code` is what wx.login gave to the mini-program, good for one time."""
        params = {
            "appid": self._app_id,
            "secret": self._secrets.get("app_secret", ""),
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            said = self._vendor.ask("GET", "/sns/jscode2session", params=params)
        except NoAnswer as none:
            raise NotPulled(none.result) from None
        if said.get("errcode") == BUSY:
            raise NotPulled(meaning_of(BUSY))
        openid = named(said, "openid")
        if not openid:
            raise Refused
        return Guest(openid, named(said, "unionid"))

    @property
    def notice(self) -> Notice | None:
        return super().notice if self._settings.get("notice_page") else None
