"""From logits to an Understanding: temperatures, thresholds, and the courage to abstain. Pure."""

from collections.abc import Mapping
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


@dataclass(frozen=True)
class Calibration:
    """What was chosen on messages that the network never learnt from; see the model card."""

    temperature: Mapping[str, float]  # per head; above 1 makes a boastful head modest
    abstain_below: float  # 0 to 1, on the confidence of the intent
    emergency_from: float  # 0 to 1, on the greater of the two heads that know of emergencies
    wants_human_from: float = 0.5  # 0 to 1
    department_from: float = 0.1  # 0 to 1; less is a guess, and not shown
    letters_per_piece_from: float = 1.9  # Latin text in smaller crumbs is no English

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Calibration":
        return cls(
            temperature={head: float(found["temperature"][head]) for head in HEADS},
            **{k: float(v) for k, v in found.items() if k in _THRESHOLDS},
        )


_THRESHOLDS = frozenset(Calibration.__dataclass_fields__) - {"temperature"}


def probabilities(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    raised = np.exp(scaled - scaled.max())
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares


def decide(
    logits: Logits, *, text: str, readable: bool, calibration: Calibration, model: str
) -> Understanding:
    """Say what the heads mean together; `text` is normalised and only met by plain phrases."""
    p = {head: probabilities(logits[head], calibration.temperature[head]) for head in HEADS}
    intent = INTENTS[int(p["intent"].argmax())]
    urgency = Urgency(int(p["urgency"].argmax()))
    danger = max(p["intent"][INTENTS.index(Intent.EMERGENCY)], p["urgency"][int(Urgency.EMERGENCY)])
    if not readable and danger < calibration.emergency_from:
        return raise_where_plain(replace(NOT_UNDERSTOOD, model=model), text)
    # A missed emergency costs a life, a false one a nurse's minute: the bar is lower than half.
    if danger >= calibration.emergency_from:
        intent, urgency = Intent.EMERGENCY, Urgency.EMERGENCY
    confidence = float(p["intent"][INTENTS.index(intent)])
    said = Understanding(
        intent=intent,
        intent_confidence=confidence,
        urgency=urgency,
        distress=DISTRESSES[int(p["distress"].argmax())],
        distress_confidence=float(p["distress"].max()),
        departments=_departments(p["department"], calibration.department_from),
        wants_human=bool(p["wants_human"][1] >= calibration.wants_human_from),
        abstained=not readable or confidence < calibration.abstain_below,
        model=model,
    )
    return raise_where_plain(said, text)


def _departments(shares: NDArray[np.float64], least: float) -> tuple[DepartmentScore, ...]:
    best = np.argsort(-shares, kind="stable")[:MOST_DEPARTMENTS]
    return tuple(
        DepartmentScore(DEPARTMENTS[i], float(shares[i])) for i in best if shares[i] >= least
    )
