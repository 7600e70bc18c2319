"""Twilio's Programmable Messaging: free text goes out, and comes in, signed.

Twilio itself answers STOP, and lets nothing through to that number until START.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters import sms
from adapters.contracts import (
    Accepted,
    Answer,
    Callback,
    Capabilities,
    Field,
    InboundEvent,
    Malformed,
    OutboundMessage,
    Refused,
    SendResult,
    Step,
    Unknown,
)
from adapters.models import Account
from adapters.twilio import signing
from adapters.twilio.callbacks import SID, read_events, read_form
from adapters.twilio.errors import meaning_of
from adapters.vendor import NoAnswer, Vendor

if TYPE_CHECKING:
    from patients.models import Channel

API = "https://api.twilio.com"
MAX_CHARS = 1_600
SERVICE = "MG"  # what the SID of a messaging service begins with

SETUP = (
    Field("account_sid", _("Account SID")),
    Field("auth_token", _("auth token"), is_secret=True),
    Field("sender", _("sender"), help=_("A number, +1…, or the SID of a messaging service, MG…")),
    Field(
        "public_url",
        _("address in Twilio's console"),
        is_required=False,
        help=_("Exactly as it stands there: Twilio signs it. Receipts come to it too."),
    ),
    sms.API_URL,
)


class TwilioAdapter:
    label: ClassVar[Any] = _("SMS by Twilio")
    setup: ClassVar[tuple[Field, ...]] = SETUP

    def __init__(self, account: Account) -> None:
        self._settings: dict[str, Any] = account.settings
        self._secrets: dict[str, str] = account.secrets
        self._vendor = Vendor(self._settings.get("api_url") or API)

    @classmethod
    def of(cls, channel: "Channel") -> "TwilioAdapter":
        return cls(Account.objects.get(channel=channel))

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            max_length=MAX_CHARS,
            length_unit="chars",
            stops_by_word=True,
            reaches_phones=True,
            carries_codes=True,
            confirms_stop=True,
        )

    # --- in -------------------------------------------------------------------------------------

    def verify(self, callback: Callback) -> None:
        if callback.method != "POST":
            raise Refused
        try:
            form = read_form(callback.body)
        except Malformed:
            raise Refused from None  # no form, so nothing that Twilio signed
        signature = callback.headers.get("x-twilio-signature", "")
        signing.check(signature, self._token, self._public_url or callback.url, form)

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        return read_events(read_form(callback.body), now=timezone.now())

    def acknowledge(self, callback: Callback) -> Answer:
        return Answer("<Response/>", "text/xml; charset=utf-8")

    @property
    def _token(self) -> str:
        return self._secrets.get("auth_token", "")

    @property
    def _public_url(self) -> str:
        return str(self._settings.get("public_url", ""))

    # --- out ------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage) -> SendResult:
        by = "MessagingServiceSid" if self._sender.startswith(SERVICE) else "From"
        form = {"To": message.address, "Body": message.text, by: self._sender}
        if self._public_url:
            form["StatusCallback"] = self._public_url
        try:
            said = self._call("POST", "/Messages.json", form)
        except NoAnswer as none:
            return none.result
        code = said.get("code")
        if isinstance(code, int):
            return meaning_of(code)
        sid = sms.text_of(said, "sid")
        if not SID.fullmatch(sid):
            return Unknown("no sid")  # not Twilio's answer: a proxy's, perhaps
        # A messaging service says 0: it has not chosen its number yet.
        segments = sms.text_of(said, "num_segments")
        counted = int(segments) if segments in map(str, range(1, 100)) else 0
        return Accepted(sid, counted or sms.segments_of(message.text))

    def _call(self, method: str, path: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        who = b64encode(f"{self._account_sid}:{self._token}".encode()).decode()
        headers = {"Authorization": f"Basic {who}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self._vendor.ask(
            method,
            f"/2010-04-01/Accounts/{quote(self._account_sid, safe='')}{path}",
            content=urlencode(form or {}, errors="replace").encode(),
            headers=headers,
        )

    @property
    def _account_sid(self) -> str:
        return str(self._settings.get("account_sid", ""))

    @property
    def _sender(self) -> str:
        return str(self._settings.get("sender", ""))

    # --- setting up -----------------------------------------------------------------------------

    def check(self) -> Sequence[Step]:
        """Ask for the account itself: nothing is sent."""
        is_sender = bool(sms.E164.fullmatch(self._sender)) or self._sender.startswith(SERVICE)
        is_public = not self._public_url or self._public_url.startswith("https://")
        return [
            self._check_account(),
            Step(
                _("sender"),
                works=is_sender,
                hint=_("A number begins with +, a messaging service with MG."),
            ),
            Step(
                _("address in Twilio's console"),
                works=is_public,
                hint=_("It begins with https://"),
            ),
        ]

    def _check_account(self) -> Step:
        name = _("Account SID and auth token")
        try:
            said = self._call("GET", ".json")
        except NoAnswer as none:
            return Step(name, works=False, hint=sms.hint_of(none.result, HINTS))
        code = said.get("code")
        if isinstance(code, int):
            return Step(name, works=False, hint=sms.hint_of(meaning_of(code), HINTS))
        hint = _("Twilio has suspended or closed this account.")
        return Step(name, works=said.get("status") == "active", hint=hint)


HINTS = {
    "20003": _("Account SID and auth token don't belong together."),
    "20404": _("Twilio knows no such account."),
}
