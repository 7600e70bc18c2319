"""What is counted: the same figures for every model on every set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.labels import DEPARTMENTS, Intent, Understanding, Urgency
from triage.redflags import find_red_flags
from workers.understanding.training.corpora import DISTRESSES, INTENTS, Example

TARGET = 0.95  # of what is kept, for the coverage
BINS = 10  # of the calibration error


@dataclass(frozen=True)
class Answer:
    """What any model says of one message, in plain values."""

    intent: str
    confidence: float  # 0 to 1; of the baseline a margin, which only orders
    urgency: int
    distress: str
    wants_human: bool
    departments: tuple[str, ...]
    emergency: bool
    abstained: bool
    by_rule: bool  # a red flag at the door, whatever the model says

    @classmethod
    def of(cls, said: Understanding, text: str) -> "Answer":
        return cls(
            intent=str(said.intent),
            confidence=said.intent_confidence,
            urgency=int(said.urgency),
            distress=str(said.distress),
            wants_human=said.wants_human,
            departments=tuple(d.name for d in said.departments),
            emergency=said.intent is Intent.EMERGENCY or said.urgency is Urgency.EMERGENCY,
            abstained=said.abstained,
            by_rule=bool(find_red_flags(text)),
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
    return [
        (INTENTS[first], a.intent) for e, a in pairs if (first := e.first("intent")) is not None
    ]


def _kept(pairs: Pairs) -> Pairs:
    return [(e, a) for e, a in pairs if not a.abstained]


def coverage_at_target(pairs: Pairs) -> float | None:
    """The largest share that can be kept, the surest first, with TARGET of it right."""
    known = [(a.confidence, INTENTS[f] == a.intent) for e, a in pairs
             if (f := e.first("intent")) is not None]  # fmt: skip
    known.sort(key=lambda each: -each[0])
    right, best = 0, 0
    for kept, (_, is_right) in enumerate(known, 1):
        right += is_right
        if right >= TARGET * kept:
            best = kept
    return best / len(known) if known else None


def calibration_error(pairs: Pairs) -> float | None:
    """Mean distance of confidence and accuracy over ten bins (expected calibration error)."""
    known = [(a.confidence, INTENTS[f] == a.intent) for e, a in pairs
             if (f := e.first("intent")) is not None]  # fmt: skip
    total = 0.0
    for nth in range(BINS):
        inside = [(c, r) for c, r in known if min(BINS - 1, int(c * BINS)) == nth]
        if inside:
            confidence = sum(c for c, _ in inside) / len(inside)
            total += abs(confidence - sum(r for _, r in inside) / len(inside)) * len(inside)
    return total / len(known) if known else None


def _emergencies(
    pairs: Pairs, found: Callable[[Answer], bool]
) -> tuple[float | None, float | None]:
    """Recall and precision of one way to find them."""
    known = [
        (u == Urgency.EMERGENCY, found(a))
        for e, a in pairs
        if (u := e.first("urgency")) is not None
    ]
    return accuracy([f for t, f in known if t]), accuracy([t for t, f in known if f])


def _model(a: Answer) -> bool:
    return a.emergency


def _rule(a: Answer) -> bool:
    return a.by_rule


def _both(a: Answer) -> bool:
    return a.emergency or a.by_rule


def _too_calm(pairs: Pairs) -> float | None:
    """Emergencies that neither rule nor model saw and that were called 0 or 1: a count."""
    real = [a for e, a in pairs if e.first("urgency") == Urgency.EMERGENCY]
    return float(sum(a.urgency <= 1 and not a.by_rule for a in real)) if real else None


def _urgency(pairs: Pairs) -> list[bool]:
    return [u == a.urgency for e, a in pairs if (u := e.first("urgency")) is not None]


def _distress(pairs: Pairs) -> list[tuple[str, str]]:
    return [(DISTRESSES[d], a.distress) for e, a in pairs if (d := e.first("distress")) is not None]


def _departments(pairs: Pairs, depth: int, *, accepted: bool = False) -> float | None:
    """Of complaints (own, or without any intent said): whether one of the first is right."""
    right = []
    for e, a in pairs:
        intent = e.first("intent")
        complaint = intent is None or INTENTS[intent] in ("symptom_triage", "emergency")
        if e.department and complaint:
            named = e.department if accepted else {e.first("department"): 1.0}
            wanted = {DEPARTMENTS[d] for d in named if d is not None}
            right.append(bool(wanted.intersection(a.departments[:depth])))
    return accuracy(right)


def _person_f1(pairs: Pairs) -> float | None:
    known = [
        (bool(w), a.wants_human) for e, a in pairs if (w := e.first("wants_human")) is not None
    ]
    either = sum(t + a for t, a in known)
    return 2 * sum(t and a for t, a in known) / either if either else None


COLUMNS: tuple[Column, ...] = (
    ("intent", lambda p: accuracy([t == a for t, a in _intent(p)])),
    ("F1", lambda p: macro_f1(_intent(p))),
    ("kept", lambda p: accuracy([not a.abstained for e, a in p if e.intent])),
    ("kept right", lambda p: accuracy([t == a for t, a in _intent(_kept(p))])),
    ("cover at 95 %", coverage_at_target),
    ("ECE", calibration_error),
    ("danger: rules R", lambda p: _emergencies(p, _rule)[0]),
    ("P", lambda p: _emergencies(p, _rule)[1]),
    ("model R", lambda p: _emergencies(p, _model)[0]),
    ("P", lambda p: _emergencies(p, _model)[1]),
    ("both R", lambda p: _emergencies(p, _both)[0]),
    ("P", lambda p: _emergencies(p, _both)[1]),
    ("too calm", _too_calm),
    ("urgency", lambda p: accuracy(_urgency(p))),
    ("distress F1", lambda p: macro_f1(_distress(p))),
    ("person F1", _person_f1),
    ("dept", lambda p: _departments(p, 1)),
    ("or accepted", lambda p: _departments(p, 1, accepted=True)),
    ("top 3", lambda p: _departments(p, 3)),
)
