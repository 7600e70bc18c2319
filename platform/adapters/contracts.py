"""What every channel promises, and what the house may ask of it.

A callback comes in by `verify`, `parse`, `acknowledge`; a message leaves by `send`. Behind this
page nobody knows XML, openids or error 45015: what a vendor says becomes an `InboundEvent`, a
`Receipt` or a `SendResult`. docs/adding-a-channel.md is the recipe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from patients.models import Channel

# --- What comes in ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Callback:
    """One HTTP request of a vendor, as it came."""

    method: str
    query: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str]  # names in lower case
    url: str  # as the vendor called it, behind whatever proxy


@dataclass(frozen=True)
class Answer:
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Refused(Exception):
    """Not from the vendor, or too old: nothing is read further."""


class Malformed(Exception):
    """From the vendor by its signature, and not to be made sense of."""


class EventKind(StrEnum):
    TEXT = "text"
    MEDIA = "media"  # picture, voice, video, file: fetched later, `media` says how
    PLACE = "place"
    TAP = "tap"  # a menu, a quick reply
    FOLLOWED = "followed"
    LEFT = "left"  # unfollowed: nothing more reaches this address
    GRANTED = "granted"  # one more template message allowed, or refused
    RECEIPT = "receipt"
    RANG = "rang"  # there is something to fetch, see `Pulling`; `address` names the account
    MIRRORED = "mirrored"  # what a nurse said to this address in the vendor's own app
    ENDED = "ended"  # the vendor's session with this address: ours to answer again
    RECALLED = "recalled"  # the patient took a message back; `text` is its `dedupe_key`
    OTHER = "other"  # acknowledged, and not acted on


class Status(StrEnum):
    """How far an accepted message came. Receipts come in any order: the later in this list wins."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"  # final, unless it was delivered before

    @property
    def rank(self) -> int:
        return {"accepted": 0, "sent": 1, "failed": 2, "delivered": 3, "read": 4}[self]


@dataclass(frozen=True)
class Media:
    kind: str  # image, voice, video, file
    ref: str  # the vendor's name for it
    format: str = ""


@dataclass(frozen=True)
class Receipt:
    vendor_id: str  # as `Accepted` named it
    status: Status
    category: "Category | None" = None  # of a failure
    code: str = ""
    segments: int = 0  # that the vendor bills, where only its receipt says so


@dataclass(frozen=True)
class Grant:
    template: str
    accepted: bool


@dataclass(frozen=True)
class InboundEvent:
    kind: EventKind
    address: str  # the patient's, on this channel
    dedupe_key: str  # at most 64 characters; a second event with the same one is a redelivery
    occurred_at: datetime
    text: str = ""
    media: Media | None = None
    receipt: Receipt | None = None
    grants: tuple[Grant, ...] = ()
    trigger: str = ""  # which of the vendor's windows it opens, see `Capabilities.windows`
    reply_code: str = ""  # what an answer within that window must name, where a vendor wants that
    author: str = ""  # of what was mirrored: who spoke, by the vendor's name
    union: str = ""  # one person's name on all accounts of one vendor


# --- What goes out ------------------------------------------------------------------------------


class Category(StrEnum):
    """Why something was not sent, in the words that the rest of the house acts on."""

    OPTED_OUT = "opted_out"
    WINDOW_CLOSED = "window_closed"
    QUOTA = "quota"
    INVALID_RECIPIENT = "invalid_recipient"
    CONTENT = "content"
    AUTH = "auth"
    THROTTLED = "throttled"
    PROVIDER_DOWN = "provider_down"
    # Ours, before any vendor was asked:
    NO_CONSENT = "no_consent"  # to be written to for this purpose
    MUTED = "muted"
    DECEASED = "deceased"
    NOT_SET_UP = "not_set_up"  # nobody here speaks with this vendor


@dataclass(frozen=True)
class Accepted:
    vendor_id: str = ""
    segments: int = 1


@dataclass(frozen=True)
class Retry:
    """Not taken, and worth another try: it certainly did not arrive."""

    category: Category
    code: str = ""
    after_s: float | None = None  # None: by our own back-off


@dataclass(frozen=True)
class Rejected:
    """Not taken, and not to be tried again as it is."""

    category: Category
    code: str = ""


@dataclass(frozen=True)
class Unknown:
    """The line broke after we spoke: it may have arrived, so it is never sent again blindly."""

    code: str = ""


SendResult = Accepted | Retry | Rejected | Unknown


@dataclass(frozen=True)
class OutboundMessage:
    address: str
    text: str  # empty where only templates go out
    uid: str  # ours, at most 32 of [0-9a-zA-Z_-]: for vendors that take an idempotency id
    reply_code: str = ""  # of the window that it is sent in, see `InboundEvent`
    # Where only templates go out: 12 letters and digits that end the address of the way in.
    link_code: str = ""
    language: str = "zh-hans"
    # A one-time code: it goes out by its own template where only templates go out.
    code: str = field(default="", repr=False)


@dataclass(frozen=True)
class Window:
    """For how long after which act of the patient, and how often, we may write freely."""

    seconds: int
    messages: int | None  # None: as many as we like


@dataclass(frozen=True)
class Capabilities:
    max_length: int | None = None  # of one message, in `length_unit`
    length_unit: str = "chars"  # or "bytes" of UTF-8
    windows: Mapping[str, Window] = field(default_factory=dict)  # trigger → window; none: always
    template_only: bool = False  # no free text goes out
    is_pulled: bool = False  # the patient's screen fetches what is stored: nothing to send
    takes_idempotency_id: bool = False  # a repeat with the same uid is one message
    stops_by_word: bool = False  # 退订, STOP: what is sent unasked ends at a word
    confirms_stop: bool = False  # the vendor itself answers some of them, and blocks all of it
    fetches: bool = False  # brings pictures and voices, see `Fetching`
    passes_on: bool = False  # nurses answer in the vendor's own app, see `PassingOn`
    reaches_phones: bool = False  # its addresses are phone numbers, +8613800000000
    carries_codes: bool = False  # and it can take a one-time code there


# --- How an admin sets it up --------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """Something that the vendor's console shows and we must know."""

    name: str
    label: Any  # lazily translated
    is_secret: bool = False  # written, and never shown again
    is_required: bool = True
    choices: tuple[tuple[str, Any], ...] = ()
    help: Any = ""


@dataclass(frozen=True)
class Step:
    """One thing that must work before messages come and go, tried just now."""

    name: Any
    works: bool
    hint: Any = ""  # what to do when it does not


class Adapter(Protocol):
    label: ClassVar[Any]  # the kind of channel, in words
    setup: ClassVar[tuple[Field, ...]]

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """What speaks for this channel. Raises Account.DoesNotExist where nothing was set up."""

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self) -> Sequence[Step]:
        """Try what can be tried without a patient, and say which step fails."""

    def verify(self, callback: Callback) -> None:
        """Make sure that the vendor itself is calling, just now. Raises Refused."""

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        """Read what a verified callback says. Raises Malformed."""

    def acknowledge(self, callback: Callback) -> Answer:
        """What makes the vendor content: it does not deliver again."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Give one message to the vendor. Never raises for what the vendor or the line does."""


# --- Where the vendor only rings -----------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    events: Sequence[InboundEvent]
    cursor: str  # after these; kept once they are stored
    has_more: bool


class NotPulled(Exception):
    """The vendor gave nothing, now; `result` says why, as for a message."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(type(result).__name__)
        self.result = result


@runtime_checkable
class Pulling(Protocol):
    """An adapter whose callbacks only ring: what was said is fetched, from a cursor on."""

    @property
    def mailbox(self) -> str:
        """Which of several accounts behind one callback address this is, as RANG events name it."""

    def pull(self, cursor: str, *, ring: str) -> Batch:
        """What came after `cursor` (empty: from the start), `ring` as the last RANG event's text.

        Raises NotPulled.
        """


@dataclass(frozen=True)
class Notice:
    """A message by an approved template that says no more than that there is something to read."""

    template: str
    needs_grant: bool  # each one must have been agreed to, see `Grant`


@runtime_checkable
class Notifying(Protocol):
    """An adapter that reaches somebody by a template where free text may not go out any more."""

    @property
    def notice(self) -> Notice | None:
        """None while no template is set up."""

    def notify(self, message: OutboundMessage) -> SendResult:
        """Send the notice; of the message only `link_code` is told. Never raises."""


@dataclass(frozen=True)
class Guest:
    """Somebody whom the vendor vouches for, just now."""

    address: str
    union: str = ""


@runtime_checkable
class LettingIn(Protocol):
    """An adapter whose vendor vouches for a person by a code that their own app has got."""

    def let_in(self, code: str) -> Guest:
        """Raises Refused where the vendor does not know the code, NotPulled where it is away."""


@runtime_checkable
class Naming(Protocol):
    """An adapter that can ask by what name a person is known on all accounts of its vendor."""

    def union_of(self, address: str) -> str:
        """Empty where there is none. Raises NotPulled where the vendor is away."""


@runtime_checkable
class PassingOn(Protocol):
    """An adapter that can leave somebody to nurses in the vendor's own app."""

    def pass_on(self, address: str) -> SendResult:
        """From here on the vendor refuses what we send, until its session ends. Twice is once."""


@runtime_checkable
class Typing(Protocol):
    """An adapter whose vendor can show that somebody writes."""

    def show_typing(self, address: str) -> None:
        """Show it for a while; never raises, and nothing is lost where it fails."""


# --- Pictures and voices -------------------------------------------------------------------------


@runtime_checkable
class Fetching(Protocol):
    """An adapter that can bring what an event's `media` names."""

    def fetch(self, media: Media, *, max_bytes: int) -> bytes | Retry | Rejected:
        """Never raises. CONTENT: gone or too big; what is not there today may be tomorrow."""
