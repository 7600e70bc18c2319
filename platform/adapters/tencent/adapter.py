"""Tencent Cloud's SMS: approved templates go out, receipts and replies come in.

A callback carries no signature, see `sms.check_key`. Of several numbers in one call each has its
own code, so HTTP's 200 and the absence of an error say nothing yet.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters import sms
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
    SendResult,
    Step,
    Unknown,
)
from adapters.models import Account
from adapters.tencent.callbacks import read_events
from adapters.tencent.errors import meaning_of
from adapters.tencent.signing import authorization
from adapters.vendor import NoAnswer, Vendor

if TYPE_CHECKING:
    from patients.models import Channel

API = "https://sms.tencentcloudapi.com"
VERSION = "2021-01-11"
REGION = "ap-guangzhou"
APPROVED = 0  # `StatusCode` of a template

SETUP = (
    Field("secret_id", _("SecretId"), help=_("Of a sub-user that may only send SMS")),
    Field("secret_key", _("SecretKey"), is_secret=True),
    Field("sdk_app_id", _("SDK AppID of the SMS application")),
    sms.SIGN_NAME,
    Field(
        "template",
        _("SMS template"),
        help=_("Its number; its text ends in the way in: https://…/{1}"),
    ),
    sms.TEMPLATE_EN,
    sms.code_template(_("Its number; its text holds the variable {1}")),
    sms.CODE_TEMPLATE_EN,
    sms.CALLBACK_KEY,
    Field("region", _("region"), is_required=False, help=_("empty: ap-guangzhou")),
    sms.API_URL,
)


class TencentAdapter:
    label: ClassVar[Any] = _("SMS by Tencent Cloud")
    setup: ClassVar[tuple[Field, ...]] = SETUP

    def __init__(self, account: Account) -> None:
        self._settings: dict[str, Any] = account.settings
        self._secrets: dict[str, str] = account.secrets
        self._url = self._settings.get("api_url") or API
        self._vendor = Vendor(self._url)

    @classmethod
    def of(cls, channel: "Channel") -> "TencentAdapter":
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
        return Answer('{"result":0,"errmsg":"OK"}', "application/json; charset=utf-8")

    @property
    def _key(self) -> str:
        return self._secrets.get("callback_key", "")

    # --- out ------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage) -> SendResult:
        template, variable = sms.filled(message, self._settings)
        if not template or not variable:
            return Rejected(Category.NOT_SET_UP, "no template" if not template else "no link")
        body = {
            "PhoneNumberSet": [message.address],
            "SmsSdkAppId": str(self._settings.get("sdk_app_id", "")),
            "SignName": str(self._settings.get("sign_name", "")),
            "TemplateId": template,
            "TemplateParamSet": [variable],
            "SessionContext": message.uid,
        }
        try:
            said = self._call("SendSms", body)
        except NoAnswer as none:
            return none.result
        return _result(said)

    def _call(self, action: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What stands in the answer's `Response`; empty when it is not Tencent Cloud's."""
        content, at = json.dumps(body, ensure_ascii=False).encode(), int(timezone.now().timestamp())
        signed = {
            "content-type": "application/json; charset=utf-8",
            "host": urlsplit(self._url).netloc,
            "x-tc-action": action,
        }
        headers = {
            **signed,
            "x-tc-version": VERSION,
            "x-tc-timestamp": str(at),
            "x-tc-region": self._settings.get("region") or REGION,
            "authorization": authorization(
                str(self._settings.get("secret_id", "")),
                self._secrets.get("secret_key", ""),
                service="sms",
                headers=signed,
                body=content,
                at=at,
            ),
        }
        said = self._vendor.ask("POST", "/", content=content, headers=headers).get("Response")
        return said if isinstance(said, Mapping) else {}

    # --- setting up -----------------------------------------------------------------------------

    def check(self) -> Sequence[Step]:
        """Ask for the templates: nothing is sent."""
        steps = [sms.key_step(self._key)]
        name = _("SecretId and SecretKey")
        notices = sms.templates_of(self._settings)
        templates = [*notices, *sms.templates_of(self._settings, "code_")]
        wanted = [int(each) for each in templates if each.isdecimal()]
        try:
            said = self._call(
                "DescribeSmsTemplateList",
                # Without a number it would be asked for a page of all.
                {"International": 0, "TemplateIdSet": wanted, "Limit": 1, "Offset": 0},
            )
        except NoAnswer as none:
            return [*steps, Step(name, works=False, hint=sms.hint_of(none.result, HINTS))]
        code = _error_in(said)
        if code or "DescribeTemplateStatusSet" not in said:
            hint = sms.hint_of(meaning_of(code or "none"), HINTS)
            return [*steps, Step(name, works=False, hint=hint)]
        steps += [Step(name, works=True), *sms.no_templates(notices)]
        return [*steps, *(_template_step(template, said) for template in templates)]


HINTS = {
    "AuthFailure.SecretIdNotFound": _("The vendor knows no such key."),
    "AuthFailure.InvalidSecretId": _("The vendor knows no such key."),
    "AuthFailure.SignatureFailure": _("The key and its secret don't belong together."),
    "AuthFailure.SignatureExpire": _("This server's clock is wrong."),
    "AuthFailure.UnauthorizedOperation": _("The key's owner may not use the SMS service."),
    "UnauthorizedOperation.RequestIpNotInWhitelist": _(
        "The vendor takes no calls from this server's address."
    ),
}


def _result(said: Mapping[str, Any]) -> SendResult:
    error = _error_in(said)
    if error:
        return meaning_of(error)
    numbers = said.get("SendStatusSet")
    if not isinstance(numbers, list) or not numbers:
        return Unknown("no status")
    codes = [sms.code_of(each.get("Code")) if isinstance(each, Mapping) else "" for each in numbers]
    if not all(codes):
        return Unknown("no code")
    wrong = next((code for code in codes if code != "Ok"), "")
    if wrong:
        return meaning_of(wrong)
    fee = numbers[0].get("Fee")
    segments = fee if isinstance(fee, int) and 0 < fee < 100 else 1
    return Accepted(sms.text_of(numbers[0], "SerialNo")[:64], int(segments))


def _error_in(said: Mapping[str, Any]) -> str:
    error = said.get("Error")
    return sms.code_of(error.get("Code")) or "error" if isinstance(error, Mapping) else ""


def _template_step(template: str, said: Mapping[str, Any]) -> Step:
    name = _("SMS template %(template)s") % {"template": template}
    listed = said.get("DescribeTemplateStatusSet")
    found = (
        [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    )
    row = next((each for each in found if sms.text_of(each, "TemplateId") == template), None)
    if row is None:
        return Step(name, works=False, hint=_("The vendor knows no such template."))
    if row.get("StatusCode") != APPROVED:
        return Step(name, works=False, hint=_("The vendor has not approved it."))
    has_variable = "{1}" in sms.text_of(row, "TemplateContent")
    return Step(name, works=has_variable, hint=_("Its text must hold the variable {1}."))
