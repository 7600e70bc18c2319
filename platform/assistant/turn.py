"""One turn: what a skill is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from triage.labels import Understanding


@dataclass(frozen=True)
class Asked:
    """What a model server is asked to reword, and for whom."""

    question: str
    article: str
    lang: str  # "zh" or "en"
    names: tuple[str, ...] = field(default=(), repr=False)  # of the patient: to be taken out


@dataclass(frozen=True)
class Rephrased:
    """An article in other words, unchecked, and which model chose them."""

    text: str
    model: str


Rephrase = Callable[[Asked], Rephrased | None]


@dataclass(frozen=True)
class Turn:
    """A patient's message with all that a skill may know of it."""

    text: str
    meaning: Understanding
    lang: str  # "zh-hans" or "en", of this message
    now: datetime
    tap: str = ""  # the code of a tile or quick reply; empty when it was typed
    age: int | None = None
    gender: str | None = None
    misses: int = 0  # misunderstandings in a row before this message
    names: tuple[str, ...] = field(default=(), repr=False)  # what the record calls the patient
    rephrase: Rephrase | None = None  # None: say the article's own words


@dataclass(frozen=True)
class Reply:
    """What the assistant says. `details` tells the screen more, and traces where it comes from."""

    text: str
    details: dict[str, Any] = field(default_factory=dict)


def choice(label: str, *, tap: str = "", text: str = "") -> dict[str, str]:
    """A quick reply: shown as `label`, sent as `text`, understood as `tap` without a model."""
    return {"label": label, "text": text or label, "tap": tap}
