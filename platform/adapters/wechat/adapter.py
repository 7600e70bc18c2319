"""A WeChat Official Account (service account)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Category,
    Field,
    Notice,
    NotPulled,
    OutboundMessage,
    Rejected,
    Window,
)
from adapters.weixin.account import SETUP, WeixinAdapter, named
from adapters.weixin.errors import meaning_of


class WeChatAdapter(WeixinAdapter):
    label: ClassVar[Any] = _("WeChat Official Account")
    # Source: "客服消息" of the service account's documentation.
    windows: ClassVar[Mapping[str, Window]] = {
        "message": Window(48 * 3_600, 5),
        "menu": Window(60, 3),
        "follow": Window(60, 3),
        "scan": Window(60, 3),
    }
    # 模板消息 of a service account; its result comes as TEMPLATESENDJOBFINISH.
    notice_path = "/cgi-bin/message/template/send"
    notice_needs_grant = False
    setup: ClassVar[tuple[Field, ...]] = (
        *SETUP,
        Field(
            "site_url",
            _("our own address"),
            is_required=False,
            help=_("https://…: a tap on the notice opens the conversation there"),
        ),
    )

    def _way_in(self, message: OutboundMessage) -> dict[str, Any]:
        site = str(self._settings.get("site_url", "")).rstrip("/")
        link = {"url": f"{site}/s/{message.link_code}"} if site else {}
        return {**link, "client_msg_id": message.uid}

    def union_of(self, address: str) -> str:
        """The unionid: there is one where the account is bound to an open platform's."""
        said = self._ask("/cgi-bin/user/info", {"openid": address})
        if code := said.get("errcode", 0):
            meaning = meaning_of(code)
            if isinstance(meaning, Rejected) and meaning.category is Category.INVALID_RECIPIENT:
                return ""
            raise NotPulled(meaning)
        return named(said, "unionid")

    @property
    def notice(self) -> Notice | None:
        return super().notice if self._settings.get("site_url") else None
