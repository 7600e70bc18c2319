"""Temperatures and thresholds, found on voices that the network never learnt from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.labels import Intent
from workers.understanding.decision import Logits, probabilities
from workers.understanding.folder import ModelFolder
from workers.understanding.training.corpora import INTENTS, Example
from workers.understanding.training.network import HEADS

STATED_ACCURACY = 0.90  # of the intents that the model does not abstain from
# A bar below or above these is chance: the calibration set holds few emergencies.
LOWEST_BAR, HIGHEST_BAR = 0.25, 0.50


def calibrate(model: ModelFolder, examples: list[Example]) -> dict[str, Any]:
    """Return what goes into calibration.json. `model` may hold any calibration: it is not used."""
    logits = [model.logits(e.text, model.tokens(e.text)) for e in examples]
    temperature = {head: _temperature(head, logits, examples) for head in HEADS}
    shares = [probabilities(row["intent"], temperature["intent"]) for row in logits]
    answers = np.array([e.intent for e in examples])
    danger = np.array(
        [
            max(
                intent[INTENTS.index(Intent.EMERGENCY)],
                probabilities(row["urgency"], temperature["urgency"])[3],
            )
            for intent, row in zip(shares, logits, strict=True)
        ]
    )
    return {
        "temperature": {head: round(t, 4) for head, t in temperature.items()},
        "abstain_below": _abstention(np.array(shares), answers),
        "emergency_from": _emergency_bar(danger, np.array([e.urgency == 3 for e in examples])),
        "stated_accuracy": STATED_ACCURACY,
        "calibrated_on": len(examples),
    }


def _temperature(head: str, logits: list[Logits], examples: list[Example]) -> float:
    known = [
        (row[head], getattr(e, head))
        for row, e in zip(logits, examples, strict=True)
        if getattr(e, head) is not None
    ]

    def surprise(t: float) -> float:
        return -float(np.mean([np.log(probabilities(row, t)[y] + 1e-12) for row, y in known]))

    return float(min(np.geomspace(0.5, 5.0, 93), key=surprise))  # steps of 2.5 %


def _abstention(shares: NDArray[np.float64], answers: NDArray[np.int64]) -> float:
    """Return the lowest confidence from which on the stated accuracy holds."""
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == answers
    for bar in np.arange(0.20, 0.96, 0.01):
        kept = confidence >= bar
        if kept.any() and right[kept].mean() >= STATED_ACCURACY:
            return round(float(bar), 2)
    return 0.95


def _emergency_bar(danger: NDArray[np.float64], real: NDArray[np.bool_]) -> float:
    """Return the bar with the best F2: a miss weighs four false alarms. Of equals the middle."""
    bars = np.arange(LOWEST_BAR, HIGHEST_BAR + 0.001, 0.01)
    scores = []
    for bar in bars:
        found = danger >= bar
        hits, missed = int((found & real).sum()), int((~found & real).sum())
        false = int((found & ~real).sum())
        scores.append(5 * hits / (5 * hits + 4 * missed + false + 1e-9))
    best = np.flatnonzero(np.isclose(scores, max(scores)))
    return round(float(bars[best[len(best) // 2]]), 2)
