"""What is counted: the same figures for every model on every set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.labels import DEPARTMENTS, Intent, Understanding, Urgency
from workers.understanding.training.corpora import DISTRESSES, INTENTS, Example


@dataclass(frozen=True)
class Answer:
    """What any model says of one message, in plain values."""

    intent: str
    urgency: int
    distress: str
    wants_human: bool
    departments: tuple[str, ...]
    emergency: bool
    abstained: bool

    @classmethod
    def of(cls, said: Understanding) -> "Answer":
        return cls(
            intent=str(said.intent),
            urgency=int(said.urgency),
            distress=str(said.distress),
            wants_human=said.wants_human,
            departments=tuple(d.name for d in said.departments),
            emergency=said.intent is Intent.EMERGENCY or said.urgency is Urgency.EMERGENCY,
            abstained=said.abstained,
        )


# A column: its heading, and what it says of pairs of example and answer (None: nothing to say).
Pairs = Sequence[tuple[Example, Answer]]
Column = tuple[str, Callable[[Pairs], float | None]]


def accuracy(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return the mean F1 over the labels that occur in the truth."""
    scores = []
    for label in {truth for truth, _ in pairs}:
        hits = sum(t == label == a for t, a in pairs)
        scores.append(2 * hits / sum((t == label) + (a == label) for t, a in pairs))
    return sum(scores) / len(scores) if scores else None


def _intent(pairs: Pairs) -> list[tuple[str, str]]:
    return [(INTENTS[e.intent], a.intent) for e, a in pairs if e.intent is not None]


def _kept(pairs: Pairs) -> Pairs:
    return [(e, a) for e, a in pairs if not a.abstained]


def _emergencies(pairs: Pairs) -> list[tuple[bool, bool]]:
    return [(e.urgency == 3, a.emergency) for e, a in pairs if e.urgency is not None]


def _urgency(pairs: Pairs) -> list[bool]:
    return [e.urgency == a.urgency for e, a in pairs if e.urgency is not None]


def _distress(pairs: Pairs) -> list[tuple[str, str]]:
    return [(DISTRESSES[e.distress], a.distress) for e, a in pairs if e.distress is not None]


def _departments(pairs: Pairs, depth: int) -> float | None:
    return accuracy(
        [DEPARTMENTS[e.department] in a.departments[:depth] for e, a in pairs
         if e.department is not None]
    )  # fmt: skip


def _person_f1(pairs: Pairs) -> float | None:
    known = [(bool(e.wants_human), a.wants_human) for e, a in pairs if e.wants_human is not None]
    either = sum(t + a for t, a in known)
    return 2 * sum(t and a for t, a in known) / either if either else None


COLUMNS: tuple[Column, ...] = (
    ("intent", lambda p: accuracy([t == a for t, a in _intent(p)])),
    ("intent F1", lambda p: macro_f1(_intent(p))),
    ("coverage", lambda p: accuracy([not a.abstained for e, a in p if e.intent is not None])),
    ("kept right", lambda p: accuracy([t == a for t, a in _intent(_kept(p))])),
    ("emerg. recall", lambda p: accuracy([a for t, a in _emergencies(p) if t])),
    ("emerg. precision", lambda p: accuracy([t for t, a in _emergencies(p) if a])),
    ("urgency", lambda p: accuracy(_urgency(p))),
    ("distress", lambda p: accuracy([t == a for t, a in _distress(p)])),
    ("distress F1", lambda p: macro_f1(_distress(p))),
    ("person F1", _person_f1),
    ("dept", lambda p: _departments(p, 1)),
    ("dept top 3", lambda p: _departments(p, 3)),
)
