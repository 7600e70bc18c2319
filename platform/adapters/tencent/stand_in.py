"""Tencent Cloud's SMS on this machine: it reckons each signature by itself, sends, and reports."""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adapters.rehearsal.stand_in import Asked, Outgoing, Said, StandIn

OF_CALL = ("AuthFailure", "InternalError", "RequestLimitExceeded", "UnauthorizedOperation")


@dataclass(frozen=True)
class Credentials:
    secret_id: str = field(default_factory=lambda: f"AKID{secrets.token_hex(16)}")
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16))
    callback_key: str = field(default_factory=lambda: secrets.token_hex(16))
    sdk_app_id: str = "1400006666"
    sign_name: str = "问安示范医院"
    template: str = "1110"
    template_en: str = "1111"
    code_template: str = "1112"  # approved, and named in no account's settings unless a test does

    def settings(self, *, api_url: str) -> dict[str, str]:
        names = ("secret_id", "sdk_app_id", "sign_name", "template", "template_en")
        return {"api_url": api_url, **{name: getattr(self, name) for name in names}}

    def secrets(self) -> dict[str, str]:
        return {"secret_key": self.secret_key, "callback_key": self.callback_key}


class TencentStandIn(StandIn):
    """`sent` is what reached phones, in order: the number, and the text of the template."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        self.credentials: Credentials = credentials or Credentials()
        self.signs = {self.credentials.sign_name}
        self.templates = {
            self.credentials.template: "您有新的回复,请查看 https://wenan.example/s/{1}",
            self.credentials.template_en: "You have a new answer: https://wenan.example/s/{1}",
            self.credentials.code_template: "您的验证码是 {1},10 分钟内有效,请勿告诉他人",
        }
        self.unapproved: set[str] = set()
        self.blocked: set[str] = set()  # numbers that do not want to hear
        self.sent: list[tuple[str, str]] = []
        self.phones: dict[str, str] = {}  # by SerialNo
        self._ids = count(time.time_ns())

    def settings(self) -> dict[str, str]:
        return self.credentials.settings(api_url=self.url)

    def secrets(self) -> dict[str, str]:
        return self.credentials.secrets()

    # --- the API --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        wrong = self._wrong(asked)
        if wrong:
            return _error(wrong)
        match asked.headers.get("x-tc-action"), asked.headers.get("x-tc-version"):
            case "SendSms", "2021-01-11":
                return self._send(asked)
            case "DescribeSmsTemplateList", "2021-01-11":
                return self._list(asked)
        return _error("InvalidAction")

    def _wrong(self, asked: Asked) -> str:
        """The code of what is not as it must be in a signed call; empty when nothing is."""
        scheme, _space, rest = asked.headers.get("authorization", "").partition(" ")
        said = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        who, _slash, scope = said.get("Credential", "").partition("/")
        if scheme != "TC3-HMAC-SHA256" or "x-tc-region" not in asked.headers:
            return "AuthFailure.InvalidAuthorization"
        if who != self.credentials.secret_id:
            return "AuthFailure.SecretIdNotFound"
        at = int(asked.headers.get("x-tc-timestamp", "0"))
        day = time.strftime("%Y-%m-%d", time.gmtime(at))
        if abs(time.time() - at) > 300 or scope != f"{day}/sms/tc3_request":
            return "AuthFailure.SignatureExpire"
        names = said.get("SignedHeaders", "")
        whole = f"{asked.method}\n{asked.path}\n\n"
        for name in names.split(";"):
            whole += f"{name}:{asked.headers.get(name, '').strip().lower()}\n"
        whole += f"\n{names}\n{hashlib.sha256(asked.body).hexdigest()}"
        digest = hashlib.sha256(whole.encode()).hexdigest()
        key = self._hmac(f"TC3{self.credentials.secret_key}".encode(), day)
        key = self._hmac(self._hmac(key, "sms"), "tc3_request")
        due = self._hmac(key, f"TC3-HMAC-SHA256\n{at}\n{scope}\n{digest}").hex()
        return "" if due == said.get("Signature") else "AuthFailure.SignatureFailure"

    def _hmac(self, key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    def _send(self, asked: Asked) -> Said:
        fault = self.next_fault()
        if fault is not None and fault.code:
            return _error(fault.code) if fault.code.startswith(OF_CALL) else _status(fault.code)
        if fault is not None and fault.status == 429:
            return Said(status=429)
        said = self._carry_out(asked.json)
        if fault is not None:
            return Said(status=fault.status or 200, breaks=fault.breaks, delay_s=fault.delay_s)
        return said

    def _carry_out(self, body: dict[str, Any]) -> Said:
        numbers, template = body.get("PhoneNumberSet", []), body.get("TemplateId", "")
        if body.get("SmsSdkAppId") != self.credentials.sdk_app_id:
            return _error("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        if len(numbers) != 1 or not numbers[0].startswith("+") or not numbers[0][1:].isdecimal():
            return _status("InvalidParameterValue.IncorrectPhoneNumber")
        if body.get("SignName") not in self.signs:
            return _status("FailedOperation.SignatureIncorrectOrUnapproved")
        if template not in self.templates or template in self.unapproved:
            return _status("FailedOperation.TemplateUnapprovedOrNotExist")
        given = body.get("TemplateParamSet", [])
        if len(given) != 1 or len(given[0]) > 12 or "/" in given[0]:
            return _status("FailedOperation.TemplateParamSetNotMatchApprovedTemplate")
        if numbers[0] in self.blocked:
            return _status("FailedOperation.PhoneNumberInBlacklist")
        serial = f"2640:{next(self._ids)}"
        self.phones[serial] = numbers[0]
        self.sent.append((numbers[0], self.templates[template].replace("{1}", given[0])))
        fields = {"PhoneNumber": numbers[0], "SessionContext": body.get("SessionContext", "")}
        return _status("Ok", SerialNo=serial, Fee=1, **fields)

    def _list(self, asked: Asked) -> Said:
        wanted = [str(each) for each in asked.json.get("TemplateIdSet", [])]
        rows = [
            {
                "TemplateId": int(each),
                "StatusCode": 1 if each in self.unapproved else 0,
                "TemplateContent": self.templates[each],
            }
            for each in wanted
            if each in self.templates
        ]
        return Said({"Response": {"DescribeTemplateStatusSet": rows, "RequestId": "0"}})

    # --- its callbacks --------------------------------------------------------------------------

    def writes(self, phone: str, text: str, *, at: int = 0) -> Outgoing:
        """Somebody answers an SMS; sent twice, it is a redelivery."""
        row = {
            "extend": "",
            "mobile": phone.removeprefix("+86"),
            "nationcode": "86",
            "sign": self.credentials.sign_name,
            "text": text,
            "time": at or int(time.time()),
        }
        return self.calls(row)

    def reports(self, vendor_id: str, code: str = "DELIVRD") -> Outgoing:
        at = time.gmtime(time.time() + 8 * 3_600)  # in Shanghai
        row = {
            "user_receive_time": time.strftime("%Y-%m-%d %H:%M:%S", at),
            "nationcode": "86",
            "mobile": self.phones.get(vendor_id, "+8613800000000").removeprefix("+86"),
            "report_status": "SUCCESS" if code == "DELIVRD" else "FAIL",
            "errmsg": code,
            "description": "stand-in",
            "sid": vendor_id,
        }
        return self.calls([row])

    def calls(self, said: Any) -> Outgoing:
        """Any callback, to the address with its key."""
        body = json.dumps(said, ensure_ascii=False).encode()
        query = {"key": self.credentials.callback_key}
        return Outgoing(query, body, content_type="application/json")


def _error(code: str) -> Said:
    error = {"Code": code, "Message": "stand-in"}
    return Said({"Response": {"Error": error, "RequestId": "0"}})


def _status(code: str, **fields: Any) -> Said:
    status = {"SerialNo": "", "Fee": 0, "Code": code, "Message": "stand-in", **fields}
    return Said({"Response": {"SendStatusSet": [status], "RequestId": "0"}})
