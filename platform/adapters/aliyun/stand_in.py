"""Alibaba Cloud's SMS on this machine: it reckons each signature by itself, sends, and reports."""

import hashlib
import hmac
import json
import secrets
import time
from calendar import timegm
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote_plus

from adapters.rehearsal.stand_in import Asked, Outgoing, Said, StandIn

HERE = 8 * 3_600  # Shanghai's hours, in seconds


@dataclass(frozen=True)
class Credentials:
    access_key_id: str = "LTAI0123456789abcdef"
    access_key_secret: str = field(default_factory=lambda: secrets.token_hex(15))
    callback_key: str = field(default_factory=lambda: secrets.token_hex(16))
    sign_name: str = "问安示范医院"
    template: str = "SMS_100000001"
    template_en: str = "SMS_100000002"
    code_template: str = (
        "SMS_100000003"  # approved, and named in no account's settings unless a test does
    )

    def settings(self, *, api_url: str) -> dict[str, str]:
        names = ("access_key_id", "sign_name", "template", "template_en")
        return {"api_url": api_url, **{name: getattr(self, name) for name in names}}

    def secrets(self) -> dict[str, str]:
        return {"access_key_secret": self.access_key_secret, "callback_key": self.callback_key}


class AliyunStandIn(StandIn):
    """`sent` is what reached phones, in order: the number, and the text of the template."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        self.credentials: Credentials = credentials or Credentials()
        self.signs = {self.credentials.sign_name: 1}
        self.templates = {
            self.credentials.template: "您有新的回复,请查看 https://wenan.example/s/${code}",
            self.credentials.template_en: "You have a new answer: https://wenan.example/s/${code}",
            self.credentials.code_template: "您的验证码是 ${code},10 分钟内有效,请勿告诉他人",
        }
        self.unapproved: set[str] = set()
        self.blocked: set[str] = set()  # numbers that do not want to hear
        self.sent: list[tuple[str, str]] = []
        self.phones: dict[str, str] = {}  # by BizId
        self.out_ids: dict[str, str] = {}
        self._nonces: set[str] = set()
        self._ids = count(time.time_ns())

    def settings(self) -> dict[str, str]:
        return self.credentials.settings(api_url=self.url)

    def secrets(self) -> dict[str, str]:
        return self.credentials.secrets()

    # --- the API --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        wrong = self._wrong(asked)
        if wrong:
            return Said({"Code": wrong, "Message": "stand-in", "RequestId": "0"}, status=403)
        match asked.headers.get("x-acs-action"), asked.headers.get("x-acs-version"):
            case "SendSms", "2017-05-25":
                return self._send(asked)
            case "QuerySmsSign", "2017-05-25":
                return self._sign(asked)
            case "QuerySmsTemplate", "2017-05-25":
                return self._template(asked)
        return Said({"Code": "InvalidAction.NotFound"}, status=404)

    def _wrong(self, asked: Asked) -> str:
        """The code of what is not as it must be in a signed call; empty when nothing is."""
        scheme, _space, rest = asked.headers.get("authorization", "").partition(" ")
        said = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
        names = said.get("SignedHeaders", "").split(";")
        must = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version"}
        if scheme != "ACS3-HMAC-SHA256" or names != sorted(names) or not must <= set(names):
            return "IncompleteSignature"
        if said.get("Credential") != self.credentials.access_key_id:
            return "InvalidAccessKeyId.NotFound"
        at = timegm(time.strptime(asked.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ"))
        if abs(time.time() - at) > 900:
            return "InvalidTimeStamp.Expired"
        nonce = asked.headers.get("x-acs-signature-nonce", "")
        if not nonce or nonce in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(nonce)
        whole = [asked.method, asked.path, self._query(asked)]
        whole += [f"{name}:{asked.headers[name].strip()}" for name in names]
        whole += ["", ";".join(names), hashlib.sha256(asked.body).hexdigest()]
        digest = hashlib.sha256("\n".join(whole).encode()).hexdigest()
        key = self.credentials.access_key_secret.encode()
        due = hmac.digest(key, f"ACS3-HMAC-SHA256\n{digest}".encode(), "sha256").hex()
        return "" if due == said.get("Signature") else "SignatureDoesNotMatch"

    def _query(self, asked: Asked) -> str:
        def coded(text: str) -> str:
            return quote_plus(text).replace("+", "%20")

        return "&".join(sorted(f"{coded(name)}={coded(x)}" for name, x in asked.query.items()))

    def _send(self, asked: Asked) -> Said:
        fault = self.next_fault()
        if fault is not None and fault.code:
            return _said(fault.code)
        if fault is not None and fault.status == 429:
            return Said(status=429)
        said = self._carry_out(asked)
        if fault is not None:
            return Said(status=fault.status or 200, breaks=fault.breaks, delay_s=fault.delay_s)
        return said

    def _carry_out(self, asked: Asked) -> Said:
        query = asked.query
        number, template = query.get("PhoneNumbers", ""), query.get("TemplateCode", "")
        if not number.isdigit() or not 8 <= len(number) <= 15:
            return _said("isv.MOBILE_NUMBER_ILLEGAL")
        if self.signs.get(query.get("SignName", "")) != 1:
            return _said("isv.SMS_SIGNATURE_ILLEGAL")
        if template not in self.templates or template in self.unapproved:
            return _said("isv.SMS_TEMPLATE_ILLEGAL")
        given = json.loads(query.get("TemplateParam", "{}"))
        if set(given) != {"code"}:
            return _said("isv.TEMPLATE_MISSING_PARAMETERS")
        if "/" in given["code"]:
            return _said("isv.PARAM_NOT_SUPPORT_URL")
        if number in self.blocked:
            return _said("isv.BLACK_KEY_CONTROL_LIMIT")
        biz_id = f"{next(self._ids)}^0"
        self.phones[biz_id], self.out_ids[biz_id] = number, query.get("OutId", "")
        self.sent.append((number, self.templates[template].replace("${code}", given["code"])))
        return _said("OK", BizId=biz_id)

    def _sign(self, asked: Asked) -> Said:
        status = self.signs.get(asked.query.get("SignName", ""))
        if status is None:
            return _said("isv.SMS_SIGNATURE_ILLEGAL")
        return _said("OK", SignStatus=status)

    def _template(self, asked: Asked) -> Said:
        code = asked.query.get("TemplateCode", "")
        if code not in self.templates:
            return _said("isv.SMS_TEMPLATE_ILLEGAL")
        status = 0 if code in self.unapproved else 1
        return _said("OK", TemplateStatus=status, TemplateContent=self.templates[code])

    # --- its callbacks --------------------------------------------------------------------------

    def writes(self, phone: str, text: str, *, sequence_id: str | int = 0) -> Outgoing:
        """Somebody answers an SMS; the same `sequence_id` again is a redelivery."""
        row = {
            "phone_number": phone.removeprefix("+86"),
            "content": text,
            "send_time": _now(),
            "dest_code": "1069000",
            "sequence_id": sequence_id or next(self._ids),
            "sign_name": self.credentials.sign_name,
        }
        return self.calls([row])

    def reports(self, vendor_id: str, code: str = "DELIVERED", *, size: int = 1) -> Outgoing:
        row = {
            "phone_number": self.phones.get(vendor_id, "13800000000"),
            "send_time": _now(),
            "report_time": _now(),
            "success": code == "DELIVERED",
            "err_code": code,
            "err_msg": "stand-in",
            "sms_size": str(size),
            "biz_id": vendor_id,
            "out_id": self.out_ids.get(vendor_id, ""),
        }
        return self.calls([row])

    def calls(self, rows: Any) -> Outgoing:
        """Any callback, to the address with its key."""
        body = json.dumps(rows, ensure_ascii=False).encode()
        query = {"key": self.credentials.callback_key}
        return Outgoing(query, body, content_type="application/json")


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + HERE))


def _said(code: str, **fields: Any) -> Said:
    return Said({"Code": code, "Message": "stand-in", "RequestId": "0", **fields})
