"""Twilio on this machine: it checks who calls, sends, and signs what it tells us."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from adapters import sms
from adapters.rehearsal.stand_in import Asked, Outgoing, Said, StandIn

FORM = "application/x-www-form-urlencoded"
# In no other language, and each alone.
STOPS = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
STARTS = ("START", "YES", "UNSTOP")
STATUS_OF = {20003: 401, 20404: 404, 20429: 429}  # HTTP's, where it is not 400


@dataclass(frozen=True)
class Credentials:
    account_sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    sender: str = "+15005550006"
    service: str = "MG0123456789abcdef0123456789abcdef"
    public_url: str = "https://wenan.example/channels/twilio/callback"

    def settings(self, *, api_url: str) -> dict[str, str]:
        names = ("account_sid", "sender", "public_url")
        return {"api_url": api_url, **{name: getattr(self, name) for name in names}}

    def secrets(self) -> dict[str, str]:
        return {"auth_token": self.auth_token}


class TwilioStandIn(StandIn):
    """`sent` is what reached phones, in order; `stopped` are numbers that wrote STOP."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        self.credentials: Credentials = credentials or Credentials()
        self.account_status = "active"
        self.sent: list[tuple[str, str]] = []
        self.stopped: set[str] = set()
        self.phones: dict[str, str] = {}  # by MessageSid
        self.callbacks: dict[str, str] = {}

    def settings(self) -> dict[str, str]:
        return self.credentials.settings(api_url=self.url)

    def secrets(self) -> dict[str, str]:
        return self.credentials.secrets()

    # --- the API --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        account = f"/2010-04-01/Accounts/{self.credentials.account_sid}"
        if not asked.path.startswith(account):
            return _error(20404)
        known = f"{self.credentials.account_sid}:{self.credentials.auth_token}"
        said = asked.headers.get("authorization", "").removeprefix("Basic ")
        if base64.b64decode(said) != known.encode():
            return _error(20003)
        match asked.method, asked.path.removeprefix(account):
            case "GET", ".json":
                who = self.credentials.account_sid
                return Said({"sid": who, "status": self.account_status})
            case "POST", "/Messages.json":
                return self._send(asked)
        return _error(20404)

    def _send(self, asked: Asked) -> Said:
        fault = self.next_fault()
        if fault is not None and fault.code:
            return _error(int(fault.code))
        if fault is not None and fault.status == 429:
            return _error(20429)
        said = self._carry_out(asked)
        if fault is not None:
            return Said(status=fault.status or 200, breaks=fault.breaks, delay_s=fault.delay_s)
        return said

    def _carry_out(self, asked: Asked) -> Said:
        if asked.headers.get("content-type") != FORM:
            return _error(21603)
        form = {name: said[-1] for name, said in parse_qs(asked.body.decode()).items()}
        to, body = form.get("To", ""), form.get("Body", "")
        by_service = form.get("MessagingServiceSid") == self.credentials.service
        if not by_service and form.get("From") != self.credentials.sender:
            return _error(21606)
        if not sms.E164.fullmatch(to):
            return _error(21211)
        if len(body) > 1_600:
            return _error(21617)
        if to in self.stopped:
            return _error(21610)
        sid = f"SM{secrets.token_hex(16)}"
        self.sent.append((to, body))
        self.phones[sid], self.callbacks[sid] = to, form.get("StatusCallback", "")
        segments = 0 if by_service else sms.segments_of(body)
        answer = {
            "sid": sid, "status": "accepted" if by_service else "queued", "error_code": None,
            "num_segments": str(segments),
        }  # fmt: skip
        return Said(answer, status=201)

    # --- its callbacks --------------------------------------------------------------------------

    def writes(
        self, phone: str, text: str, *, sid: str = "", media: tuple[tuple[str, str], ...] = ()
    ) -> Outgoing:
        """Somebody writes, or sends `media`: addresses and their types. STOP blocks the number."""
        fields = {
            "MessageSid": sid or f"SM{secrets.token_hex(16)}",
            "SmsStatus": "received",
            "AccountSid": self.credentials.account_sid,
            "From": phone,
            "To": self.credentials.sender,
            "Body": text,
            "NumMedia": str(len(media)),
        }
        for number, (url, content_type) in enumerate(media):
            fields |= {f"MediaUrl{number}": url, f"MediaContentType{number}": content_type}
        word = text.strip().upper()
        if word in STOPS:
            self.stopped.add(phone)
        if word in STARTS:
            self.stopped.discard(phone)
        if text in ("STOP", "START"):  # the service's own words are told
            fields["OptOutType"] = text
        return self.calls(fields)

    def reports(self, vendor_id: str, status: str = "delivered", code: str = "") -> Outgoing:
        fields = {
            "MessageSid": vendor_id,
            "MessageStatus": status,
            "AccountSid": self.credentials.account_sid,
            "To": self.phones.get(vendor_id, "+8613800000000"),
            "From": self.credentials.sender,
        }
        return self.calls(fields | ({"ErrorCode": code} if code else {}))

    def calls(self, fields: dict[str, str]) -> Outgoing:
        """Any callback, signed for the address in the console."""
        text = self.credentials.public_url
        for name in sorted(fields):
            text += name + fields[name]
        mac = hmac.new(self.credentials.auth_token.encode(), text.encode(), hashlib.sha1)
        signature = base64.b64encode(mac.digest()).decode()
        headers = {"x-twilio-signature": signature}
        return Outgoing({}, urlencode(fields).encode(), headers, content_type=FORM)


def _error(code: int) -> Said:
    status = STATUS_OF.get(code, 400)
    return Said({"code": code, "message": f"stand-in {code}", "status": status}, status=status)
