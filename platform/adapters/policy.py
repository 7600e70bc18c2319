"""What delivery decides without asking anybody: may it go, how is it cut, when again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone

from adapters.contracts import Accepted, Capabilities, Category, Rejected, Retry, SendResult
from conversations.models import Author, Message

MAX_TRIES = 5
BACKOFF_S = 15.0  # doubled at each try: 15 s, 30 s, 1 min, 2 min
RESTS_AFTER = 5  # failures in a row
REST_S, MAX_REST_S = 30.0, 600.0
# China's rule for what is sent unasked; vendors refuse campaigns outside 08:00-22:00.
SENDING_HOURS = (time(8), time(21))
HERE_FOR = timedelta(minutes=30)  # after a link was opened, its page is probably still there
LOOKS_FOR = timedelta(seconds=20)  # in which an open page would have shown a message
NOT_AGAIN = timedelta(minutes=10)  # between two notices that nobody has followed
CODE = "code"  # in a message's details: no screen is shown it
KEPT_FOR_NURSE = 1  # messages of a quota that the machine leaves to a nurse

# What says something of the vendor's health, not of this message.
ILLNESS = frozenset({Category.PROVIDER_DOWN, Category.AUTH})
# What says that this address hears nothing more.
DEAF = frozenset({Category.OPTED_OUT, Category.INVALID_RECIPIENT})
# What says that it hears nothing more before its patient writes again.
SHUT = frozenset({Category.WINDOW_CLOSED, Category.QUOTA})
# What another channel of the patient's may mend.
ELSEWHERE = frozenset({*DEAF, *SHUT, Category.NOT_SET_UP})


@dataclass(frozen=True)
class Reach:
    """What is known of a patient's address at the moment of sending."""

    is_deceased: bool = False
    closed_why: str = ""
    is_muted: bool = False
    has_consent: bool = True  # to the purpose of what is to be sent
    has_window: bool = True  # a window of the vendor's is open
    closes_at: datetime | None = None  # that window
    allowed: int | None = None  # messages in all, in what is open
    left: int | None = None  # messages that it still allows; None: any number


def is_urgent(message: Message) -> bool:
    """An emergency card: it waits for nothing that is ours to decide."""
    return "card" in (message.details or {})


def code_of(message: Message) -> dict[str, str]:
    """The one-time code that it brings, and until when it is good; empty: none."""
    return (message.details or {}).get(CODE) or {}


def goes_ahead(message: Message) -> bool:
    """Whether it waits for no other message: a card, or a code that is asked for in minutes."""
    return is_urgent(message) or bool(code_of(message))


def is_too_late(message: Message, *, now: datetime) -> bool:
    """A code that is good no more."""
    code = code_of(message)
    return bool(code) and now >= datetime.fromisoformat(code["until"])


def leaves_the_last(message: Message) -> bool:
    """Whether the last message of a quota is kept from it, for a nurse."""
    return message.author != Author.NURSE and not is_urgent(message)


def go_together(bubbles: Sequence[Message], *, capabilities: Capabilities) -> bool:
    """Whether these leave as one message: the machine's own, where a vendor counts."""
    if len({purpose_of(each) for each in bubbles}) > 1:
        return False  # one may be refused, or wait for the morning
    if len(bubbles) > 1 and any(map(code_of, bubbles)):
        return False
    machine = all(each.author != Author.NURSE for each in bubbles)
    saves = capabilities.template_only or (machine and bool(capabilities.windows))
    return len(bubbles) == 1 or saves


def purpose_of(message: Message) -> str:
    """For what it is sent unasked, see `patients.models.Purpose`; empty: it answers somebody."""
    return str((message.details or {}).get("purpose", ""))


def zone_of(message: Message) -> tzinfo:
    """By whose daylight it goes out unasked: its patient's where it says so, or the hospital's."""
    named = str((message.details or {}).get("zone", ""))
    return ZoneInfo(named) if named else timezone.get_default_timezone()


def refusal(
    reach: Reach, *, capabilities: Capabilities, may_use_the_last: bool, purpose: str = ""
) -> Category | None:
    """Why a message must not go out now; None when it may. Asked at the moment of sending."""
    if reach.is_deceased:
        return Category.DECEASED
    if reach.closed_why:
        return Category(reach.closed_why)
    if purpose and not reach.has_consent:
        return Category.NO_CONSENT
    if purpose and reach.is_muted:
        return Category.MUTED
    if not capabilities.windows:
        return None
    if not reach.has_window:
        return Category.WINDOW_CLOSED
    # A window of one message, as a greeting's, is the machine's own.
    is_kept = not may_use_the_last and (reach.allowed or 0) > KEPT_FOR_NURSE
    if reach.left is not None and reach.left <= (KEPT_FOR_NURSE if is_kept else 0):
        return Category.QUOTA
    return None


def morning_after(now: datetime) -> datetime | None:
    """When what was not asked for may go out; None: now. `now` in the time of who gets it."""
    if SENDING_HOURS[0] <= now.time() < SENDING_HOURS[1]:
        return None
    day = now if now.time() < SENDING_HOURS[0] else now + timedelta(days=1)
    return day.replace(hour=SENDING_HOURS[0].hour, minute=0, second=0, microsecond=0)


def notice_at(
    *, now: datetime, written_at: datetime, told_at: datetime | None, opened_at: datetime | None
) -> datetime:
    """When to say, by a template, that something was written; now or earlier: at once.

    Whoever came in by the last notice is perhaps looking; whoever did not is not told again yet.
    """
    if opened_at is not None and opened_at > now - HERE_FOR:
        return written_at + LOOKS_FOR
    if told_at is not None and (opened_at is None or opened_at < told_at):
        return told_at + NOT_AGAIN
    return now


def again_after_s(result: Retry, *, tries: int) -> float | None:
    """Seconds until the next try; None when that was the last. `tries` were made, this included."""
    if tries >= MAX_TRIES:
        return None
    backoff_s: float = BACKOFF_S * 2 ** (tries - 1)
    return max(result.after_s or 0.0, backoff_s)


def rest_s(failures: int) -> float:
    """How long nobody knocks after so many failures in a row; 0 while it is still worth it."""
    if failures < RESTS_AFTER:
        return 0.0
    return float(min(MAX_REST_S, REST_S * 2 ** (failures - RESTS_AFTER)))


def is_illness(result: SendResult) -> bool:
    match result:
        case Accepted():
            return False
        case Retry(category=category) | Rejected(category=category):
            return category in ILLNESS
    return True  # unknown: the line broke


def split(text: str, *, capabilities: Capabilities) -> list[str]:
    """Cut a text into pieces that the channel takes; at a paragraph, line, sentence, or anywhere.

    Never inside a character, nor inside what belongs to one (an accent, an emoji's parts).
    """
    limit = capabilities.max_length
    if limit is None:
        return [text]
    pieces = []
    while _length(text, capabilities) > limit:
        at = _cut(text, limit=limit, capabilities=capabilities)
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [piece for piece in [*pieces, text] if piece] or [text]


ENDS = ("\n\n", "\n", "。", "！", "？", "；", ". ", "! ", "? ", "，", ", ", " ")
_JOINS = frozenset("\u200d\ufe0e\ufe0f\u20e3")


def _cut(text: str, *, limit: int, capabilities: Capabilities) -> int:
    """Where to cut: after the last good end in the second half of what fits."""
    fits = _fitting(text, limit=limit, capabilities=capabilities)
    for end in ENDS:
        at = text.rfind(end, fits // 2, fits)
        if at > 0:
            return min(at + len(end), fits)
    at = fits
    while at > 1 and _belongs_to_previous(text, at):
        at -= 1
    return at if at > 1 else fits


def _belongs_to_previous(text: str, at: int) -> bool:
    here, before = text[at], text[at - 1]
    return (
        here in _JOINS
        or before == "\u200d"
        or "\u0300" <= here <= "\u036f"
        or "\U0001f3fb" <= here <= "\U0001f3ff"  # skin tones
    )


def _fitting(text: str, *, limit: int, capabilities: Capabilities) -> int:
    """The longest beginning, in characters, that is within the limit; at least one."""
    if capabilities.length_unit == "chars":
        return max(1, limit)
    return max(1, len(text.encode()[:limit].decode(errors="ignore")))


def _length(text: str, capabilities: Capabilities) -> int:
    return len(text.encode()) if capabilities.length_unit == "bytes" else len(text)


def fits(texts: Iterable[str], *, capabilities: Capabilities) -> bool:
    """Whether several bubbles make one message of this channel."""
    whole = JOINT.join(texts)
    return (
        capabilities.max_length is None or _length(whole, capabilities) <= capabilities.max_length
    )


JOINT = "\n\n"  # between bubbles that go out as one message
