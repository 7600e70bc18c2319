"""What a patient sent, what the house said of it, and whether the two agree.

The ledger holds digests, never words, so that it may be printed or kept.
"""

from collections import Counter
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Any

HUMAN = ("queue", "nurse")  # owners that make a person answerable


def digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Item:
    """One message as a patient's screen is shown it."""

    seq: int
    author: str
    kind: str
    digest: str
    client_id: str = ""
    event: str = ""
    is_card: bool = False  # the emergency card

    @classmethod
    def of(cls, shown: dict[str, Any]) -> "Item":
        details = shown.get("details") or {}
        return cls(
            seq=shown["seq"],
            author=shown.get("author", ""),
            kind=shown["kind"],
            digest=digest(shown.get("text", "")),
            client_id=shown.get("client_id", ""),
            event=details.get("event", ""),
            is_card=(details.get("card") or {}).get("kind") == "emergency",
        )

    @property
    def is_ours(self) -> bool:
        """Whether the house said something here, in words."""
        return self.kind == "text" and self.author != "patient"


@dataclass
class Sent:
    """One message of a patient. Moments are seconds on the sender's monotonic clock."""

    client_id: str
    digest: str
    sent_at: float  # the first try
    tried_at: float  # the newest try
    acked_at: float | None = None
    seq: int | None = None
    answered_at: float | None = None
    other_acks: int = 0  # repeats that were acknowledged under another seq

    def acknowledge(self, seq: int, *, now: float) -> None:
        if self.acked_at is None:
            self.acked_at, self.seq = now, seq
        elif seq != self.seq:
            self.other_acks += 1


@dataclass
class View:
    """A screen's picture of one conversation: complete from 1 to `last`."""

    items: dict[int, Item] = field(default_factory=dict)
    last: int = 0
    out_of_order: int = 0  # items that came after a higher seq of the same frame

    def hold(self, item: Item) -> None:
        """Add one item; what is known already stays as it was first shown."""
        self.items.setdefault(item.seq, item)
        while self.last + 1 in self.items:
            self.last += 1

    def take(self, shown: list[dict[str, Any]]) -> list[Item]:
        """Add a frame's items and return those that are new."""
        before, new = 0, []
        for each in shown:
            item = Item.of(each)
            self.out_of_order += item.seq <= before
            before = item.seq
            if item.seq not in self.items:
                new.append(item)
            self.hold(item)
        return new

    @property
    def newest(self) -> int:
        return max(self.items, default=0)

    @property
    def has_gap(self) -> bool:
        return self.newest > self.last

    def in_order(self) -> list[Item]:
        return [self.items[seq] for seq in sorted(self.items)]


@dataclass
class Findings:
    """What went wrong, as counts; all zero when a promise was kept."""

    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    unanswered: int = 0
    misshown: int = 0  # where the live view and a fresh pull differ

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def is_clean(self) -> bool:
        return not any(astuple(self))


def examine(sent: list[Sent], *, live: View, fresh: View, owner: str) -> Findings:
    """Hold one patient's ledger against the live view and against the whole, pulled afresh."""
    return Findings(
        lost=_lost(sent, fresh),
        duplicated=_duplicated(sent, fresh),
        out_of_order=_out_of_order(sent) + live.out_of_order + fresh.out_of_order,
        unanswered=_unanswered(sent, fresh, owner),
        misshown=sum(live.items.get(seq) != item for seq, item in fresh.items.items()),
    )


def _lost(sent: list[Sent], fresh: View) -> int:
    """Messages without an acknowledgement or not stored under it, and numbers nobody has."""
    kept = 0
    for each in sent:
        item = fresh.items.get(each.seq or 0)
        kept += item is not None and (item.client_id, item.digest) == (each.client_id, each.digest)
    return len(sent) - kept + fresh.newest - len(fresh.items)


def _duplicated(sent: list[Sent], fresh: View) -> int:
    """Messages stored twice or never sent, and more answers of the assistant than messages."""
    items = fresh.in_order()
    stored = Counter(item.client_id for item in items if item.author == "patient")
    known = {each.client_id for each in sent}
    again = sum(count - (client_id in known) for client_id, count in stored.items())
    answers = sum(item.is_ours and item.author == "assistant" for item in items)
    return again + max(0, answers - len(sent)) + sum(each.other_acks for each in sent)


def _out_of_order(sent: list[Sent]) -> int:
    seqs = [each.seq for each in sent if each.seq is not None]
    return sum(later <= earlier for earlier, later in pairwise(seqs))


def _unanswered(sent: list[Sent], fresh: View, owner: str) -> int:
    """Messages that nobody answered and nobody is answerable for."""
    if owner in HUMAN:
        return 0
    items = fresh.in_order()
    last_word = max((item.seq for item in items if item.is_ours), default=0)
    after = sum(each.seq is not None and each.seq > last_word for each in sent)
    if any(item.event == "queued" for item in items):
        return after  # a person answers several messages at once
    answers = sum(item.is_ours for item in items)
    return max(after, sum(each.seq is not None for each in sent) - answers)
