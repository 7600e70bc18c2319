"""Alibaba Cloud's Short Message Service: approved templates go out, receipts and replies come in.

A callback has to be answered within 700 ms, else it comes again: after 1, 5 and 10 minutes, or ten
times, as the vendor's pages have it. It carries no signature, see `sms.check_key`.
"""

import json
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters import sms
from adapters.aliyun.callbacks import number_of, read_events
from adapters.aliyun.errors import meaning_of
from adapters.aliyun.signing import signed_headers
from adapters.contracts import (
    Accepted,
    Answer,
    Callback,
    Capabilities,
    Category,
    Field,
    InboundEvent,
    OutboundMessage,
    Rejected,
    Retry,
    SendResult,
    Step,
    Unknown,
)
from adapters.models import Account
from adapters.vendor import NoAnswer, Vendor

if TYPE_CHECKING:
    from patients.models import Channel

API = "https://dysmsapi.aliyuncs.com"
VERSION = "2017-05-25"
VARIABLE = "code"  # the one variable of our templates
APPROVED = 1  # `SignStatus`, `TemplateStatus`

SETUP = (
    Field("access_key_id", _("AccessKey ID"), help=_("Of a RAM user that may only send SMS")),
    Field("access_key_secret", _("AccessKey secret"), is_secret=True),
    sms.SIGN_NAME,
    Field(
        "template",
        _("SMS template"),
        help=_("Its code, SMS_…; its text ends in the way in: https://…/${code}"),
    ),
    sms.TEMPLATE_EN,
    sms.code_template(_("Its code, SMS_…; its text holds the variable ${code}")),
    sms.CODE_TEMPLATE_EN,
    sms.CALLBACK_KEY,
    sms.API_URL,
)


class AliyunAdapter:
    label: ClassVar[Any] = _("SMS by Alibaba Cloud")
    setup: ClassVar[tuple[Field, ...]] = SETUP

    def __init__(self, account: Account) -> None:
        self._settings: dict[str, Any] = account.settings
        self._secrets: dict[str, str] = account.secrets
        self._url = self._settings.get("api_url") or API
        self._vendor = Vendor(self._url)

    @classmethod
    def of(cls, channel: "Channel") -> "AliyunAdapter":
        return cls(Account.objects.get(channel=channel))

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            template_only=True,
            stops_by_word=True,
            reaches_phones=True,
            carries_codes=bool(self._settings.get("code_template")),
        )

    # --- in -------------------------------------------------------------------------------------

    def verify(self, callback: Callback) -> None:
        sms.check_key(callback, self._key)

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        return read_events(callback.body)

    def acknowledge(self, callback: Callback) -> Answer:
        return Answer('{"code":0,"msg":"成功"}', "application/json; charset=utf-8")

    @property
    def _key(self) -> str:
        return self._secrets.get("callback_key", "")

    # --- out ------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage) -> SendResult:
        template, variable = sms.filled(message, self._settings)
        if not template or not variable:
            return Rejected(Category.NOT_SET_UP, "no template" if not template else "no link")
        params = {
            "PhoneNumbers": number_of(message.address),
            "SignName": self._sign_name,
            "TemplateCode": template,
            "TemplateParam": json.dumps({VARIABLE: variable}, separators=(",", ":")),
            "OutId": message.uid,
        }
        try:
            said = self._call("SendSms", params)
        except NoAnswer as none:
            return none.result
        code = sms.code_of(said.get("Code"))
        if code == "OK":
            return Accepted(sms.text_of(said, "BizId")[:64])
        if not code:
            return Unknown("no code")  # not Alibaba Cloud's answer: a proxy's, perhaps
        return meaning_of(code, sms.text_of(said, "Message"))

    def _call(self, action: str, params: dict[str, str]) -> dict[str, Any]:
        headers = signed_headers(
            str(self._settings.get("access_key_id", "")),
            self._secrets.get("access_key_secret", ""),
            host=urlsplit(self._url).netloc,
            action=action,
            version=VERSION,
            params=params,
            at=timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            nonce=secrets.token_hex(16),
        )
        # Otherwise some of its gateway's errors come as XML.
        headers["accept"] = "application/json"
        return self._vendor.ask("POST", "/", params=params, headers=headers)

    @property
    def _sign_name(self) -> str:
        return str(self._settings.get("sign_name", ""))

    # --- setting up -----------------------------------------------------------------------------

    def check(self) -> Sequence[Step]:
        """Ask for the signature and the templates: nothing is sent."""
        steps = [sms.key_step(self._key)]
        name = _("AccessKey")
        try:
            said = self._call("QuerySmsSign", {"SignName": self._sign_name})
            refused = _refusal(said)
            if refused is not None and refused.category is not Category.CONTENT:
                return [*steps, Step(name, works=False, hint=sms.hint_of(refused, HINTS))]
            steps += [Step(name, works=True), _approval(_("SMS signature"), said, "SignStatus")]
            templates = sms.templates_of(self._settings)
            steps += sms.no_templates(templates)
            for template in [*templates, *sms.templates_of(self._settings, "code_")]:
                said = self._call("QuerySmsTemplate", {"TemplateCode": template})
                steps.append(_template_step(template, said))
        except NoAnswer as none:
            steps.append(Step(name, works=False, hint=sms.hint_of(none.result, HINTS)))
        return steps


HINTS = {
    "InvalidAccessKeyId.NotFound": _("The vendor knows no such key."),
    "InvalidAccessKeyId.Inactive": _("This key is switched off in the vendor's console."),
    "SignatureDoesNotMatch": _("The key and its secret don't belong together."),
    "InvalidTimeStamp.Expired": _("This server's clock is wrong."),
    "isp.RAM_PERMISSION_DENY": _("The key's owner may not use the SMS service."),
    "Forbidden.RAM": _("The key's owner may not use the SMS service."),
    "NoPermission": _("The key's owner may not use the SMS service."),
    "isv.DENY_IP_RANGE": _("The vendor takes no calls from this server's address."),
}


def _refusal(said: dict[str, Any]) -> Retry | Rejected | None:
    code = sms.code_of(said.get("Code"))
    meant = None if code == "OK" else meaning_of(code)
    return meant if isinstance(meant, Retry | Rejected) else None


def _approval(name: Any, said: dict[str, Any], field: str) -> Step:
    refused = _refusal(said)
    if refused is not None:
        return Step(name, works=False, hint=sms.hint_of(refused, HINTS))
    return Step(name, works=said.get(field) == APPROVED, hint=_("The vendor has not approved it."))


def _template_step(template: str, said: dict[str, Any]) -> Step:
    name = _("SMS template %(template)s") % {"template": template}
    step = _approval(name, said, "TemplateStatus")
    if step.works and f"${{{VARIABLE}}}" not in sms.text_of(said, "TemplateContent"):
        return Step(name, works=False, hint=_("Its text must hold the variable ${code}."))
    return step
