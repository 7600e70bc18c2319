"""What an admin fills in, and which step of it does not work."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from adapters.contracts import Accepted, Field, SendResult, Step
from adapters.vendor import NoAnswer
from adapters.wecom.api import Api, listed

CONSOLE, WECOM = "console", "wecom"  # where nurses answer
ACCOUNTS = 100  # in one answer, at most; source: "获取客服账号列表" of 微信客服
MAX_ACCOUNTS = 5_000  # a list that is longer does not end

SETUP = (
    Field("corp_id", _("corp ID"), help=_("In WeCom's console: my company")),
    Field("secret", _("secret of customer service"), is_secret=True),
    Field("token", _("callback token"), is_secret=True),
    Field("aes_key", _("EncodingAESKey"), is_secret=True),
    Field("previous_aes_key", _("previous EncodingAESKey"), is_secret=True, is_required=False),
    Field("open_kfid", _("customer service account"), help=_("its open_kfid, beginning with wk")),
    Field(
        "handoff",
        _("where nurses answer"),
        choices=((CONSOLE, _("in this console")), (WECOM, _("in the WeCom app"))),
    ),
    Field(
        "servicers",
        _("servicers"),
        is_required=False,
        help=_("userids, separated by commas, asked in turn; empty: whoever is free in WeCom"),
    ),
    Field("api_url", _("API address"), is_required=False, help=_("empty: WeCom's own")),
)


def check_token(api: Api) -> Step:
    name = _("access token")
    try:
        api.fetch_token(False)
    except NoAnswer as none:
        return Step(name, works=False, hint=_hint(none.result))
    return Step(name, works=True)


def check_account(api: Api, open_kfid: str) -> Step:
    name = _("customer service account")
    try:
        is_known = _is_known(api, open_kfid)
    except NoAnswer as none:
        return Step(name, works=False, hint=_hint(none.result))
    return Step(name, works=is_known, hint=_("WeCom knows no such customer service account."))


def _is_known(api: Api, open_kfid: str) -> bool:
    for offset in range(0, MAX_ACCOUNTS, ACCOUNTS):
        said = api.call("/cgi-bin/kf/account/list", {"offset": offset, "limit": ACCOUNTS})
        accounts = listed(said, "account_list")
        if any(isinstance(each, dict) and each.get("open_kfid") == open_kfid for each in accounts):
            return True
        if len(accounts) < ACCOUNTS:
            return False
    return False


def _hint(result: SendResult) -> Any:
    code = "" if isinstance(result, Accepted) else result.code.removeprefix("token ")
    hints = {
        "40001": _("WeCom refuses the secret: it must be the one of customer service."),
        "40013": _("WeCom knows no such corp ID."),
        "48002": _("This secret may not use customer service."),
        "60020": _("This server's address is not among WeCom's trusted IPs."),
        "95017": _("The API of customer service is switched off in WeCom's console."),
        "token": _("WeCom can't be reached from this server."),
        "no connection": _("WeCom can't be reached from this server."),
    }
    return hints.get(code, _("WeCom refused, code %(code)s.") % {"code": code})
