"""From logits to an Understanding: temperatures, thresholds, and the courage to abstain. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.labels import (
    DEPARTMENTS,
    NOT_UNDERSTOOD,
    DepartmentScore,
    Distress,
    Intent,
    Understanding,
    Urgency,
)
from workers.understanding.safety import raise_where_plain

Logits = Mapping[str, NDArray[np.float32]]

HEADS = ("intent", "urgency", "distress", "wants_human", "department")
INTENTS = tuple(Intent)
DISTRESSES = tuple(Distress)
MOST_DEPARTMENTS = 3
# A signed-off article answers both: which of them it is changes nothing.
ANSWERED_ALIKE = frozenset({Intent.VISIT_GUIDE, Intent.FEES_INSURANCE})
EMERGENCY = INTENTS.index(Intent.EMERGENCY)
CRISIS = DISTRESSES.index(Distress.CRISIS)


@dataclass(frozen=True)
class Calibration:
    """What was chosen on messages of an author that the network never learnt from; see the card."""

    temperature: Mapping[str, float]  # per head; above 1 makes a boastful head modest
    abstain_below: Mapping[str, float]  # per intent, 0 to 1: dear mistakes need more confidence
    emergency_from: float  # 0 to 1, on the mean of the two heads that know of emergencies
    watch_from: float = 1.0  # 0 to 1; from here on somebody looks the same day
    wants_human_from: float = 0.5  # 0 to 1
    crisis_from: float = 0.5  # 0 to 1
    department_from: float = 0.05  # 0 to 1; less is a guess, and not shown
    also_from: float = 0.2  # 0 to 1; a second wish
    letters_per_piece_from: float = 1.9  # Latin text in smaller crumbs is no English

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Calibration":
        return cls(
            temperature={head: float(found["temperature"][head]) for head in HEADS},
            abstain_below={str(i): float(found["abstain_below"][str(i)]) for i in INTENTS},
            **{k: float(v) for k, v in found.items() if k in _THRESHOLDS},
        )


_THRESHOLDS = frozenset(Calibration.__dataclass_fields__) - {"temperature", "abstain_below"}


def probabilities(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max())
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares


def decide(
    looks: Sequence[Logits], *, text: str, readable: bool, calibration: Calibration, model: str
) -> Understanding:
    """Say what the heads mean together; `text` is normalised and only met by plain phrases.

    The first look is at the whole message, or at both ends of a long one. The others, at what lies
    between, may only raise: a danger, a crisis, a wish for a person.
    """
    seen = [
        {head: probabilities(look[head], calibration.temperature[head]) for head in HEADS}
        for look in looks
    ]
    p = seen[0]
    intent = INTENTS[int(p["intent"].argmax())]
    urgency = Urgency(int(p["urgency"].argmax()))
    danger = max(map(danger_of, seen))
    evidence = _evidence(p, danger, calibration)
    if not readable and danger < calibration.emergency_from:
        unread = replace(NOT_UNDERSTOOD, model=model, evidence=evidence)
        return raise_where_plain(unread, text)
    confidence = float(p["intent"][INTENTS.index(intent)])
    # A missed emergency costs a life, a false one a nurse's minute: the bar is lower than half.
    if danger >= calibration.emergency_from:
        intent, urgency, confidence = Intent.EMERGENCY, Urgency.EMERGENCY, danger
    elif danger >= calibration.watch_from or urgency is Urgency.EMERGENCY:
        urgency = Urgency.SAME_DAY  # not sure of danger, and not sure of none
    distress = DISTRESSES[int(p["distress"].argmax())]
    if max(float(each["distress"][CRISIS]) for each in seen) >= calibration.crisis_from:
        distress = Distress.CRISIS
    said = Understanding(
        intent=intent,
        intent_confidence=confidence,
        urgency=urgency,
        distress=distress,
        distress_confidence=float(
            max(each["distress"][DISTRESSES.index(distress)] for each in seen)
        ),
        departments=_departments(p["department"], calibration.department_from),
        wants_human=max(float(each["wants_human"][1]) for each in seen)
        >= calibration.wants_human_from,
        abstained=not readable or _is_unsure(p["intent"], intent, calibration),
        model=model,
        also=_also(p["intent"], intent, calibration.also_from),
        evidence=evidence,
    )
    return raise_where_plain(said, text)


def _is_unsure(shares: NDArray[np.float64], intent: Intent, calibration: Calibration) -> bool:
    """Whether a person should decide. Of danger never: who is unsure of that rings the alarm."""
    if intent is Intent.EMERGENCY:
        return False
    return sure_of(shares, intent) < calibration.abstain_below[str(intent)]


def sure_of(shares: NDArray[np.float64], intent: Intent) -> float:
    """How sure it is of what follows: of an intent, or of several that are answered alike."""
    alike = ANSWERED_ALIKE if intent in ANSWERED_ALIKE else {intent}
    return float(sum(shares[INTENTS.index(each)] for each in alike))


def danger_of(p: Mapping[str, NDArray[np.float64]]) -> float:
    """What the two heads that know of emergencies say together; their mean errs least."""
    return float(p["intent"][EMERGENCY] + p["urgency"][int(Urgency.EMERGENCY)]) / 2


def _also(shares: NDArray[np.float64], first: Intent, least: float) -> tuple[Intent, ...]:
    order = np.argsort(-shares, kind="stable")
    return tuple(INTENTS[i] for i in order if shares[i] >= least and INTENTS[i] is not first)


def _evidence(
    p: Mapping[str, NDArray[np.float64]], danger: float, calibration: Calibration
) -> dict[str, Any]:
    """The scores that a decision used and the thresholds they were held against."""
    scores = {head: [round(float(share), 3) for share in p[head]] for head in HEADS[:-1]}
    thresholds = {name: getattr(calibration, name) for name in sorted(_THRESHOLDS)}
    return {
        "scores": scores,
        "danger": round(danger, 3),
        "thresholds": {**thresholds, "abstain_below": dict(calibration.abstain_below)},
    }


def _departments(shares: NDArray[np.float64], least: float) -> tuple[DepartmentScore, ...]:
    best = np.argsort(-shares, kind="stable")[:MOST_DEPARTMENTS]
    return tuple(
        DepartmentScore(DEPARTMENTS[i], float(shares[i])) for i in best if shares[i] >= least
    )
