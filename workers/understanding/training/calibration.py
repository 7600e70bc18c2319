"""Temperatures and thresholds, found on an author whom the network never learnt from.

    python -m workers.understanding.training.calibration MODEL

finds them anew for a folder: needed when the red-flag rules change, as both work together.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.labels import Intent, Urgency
from workers.understanding.decision import (
    HEADS,
    INTENTS,
    Logits,
    danger_of,
    probabilities,
    sure_of,
)
from workers.understanding.folder import ModelFolder
from workers.understanding.safety import asks_for_person
from workers.understanding.training.corpora import (
    DEVELOPMENT,
    Example,
    of_authors,
    own_messages,
)
from workers.understanding.training.folders import seal, write_json

logger = logging.getLogger("training")

# What a wrong answer costs decides how right what is kept has to be. Dear: advice on a body, a
# drug, a result. Cheap: a mistake brings a nurse, or a greeting.
DEAR, ORDINARY, CHEAP = 0.97, 0.95, 0.90  # share of right ones among those kept
STATED_ACCURACY = {
    **dict.fromkeys(INTENTS, ORDINARY),
    **dict.fromkeys(
        (Intent.SYMPTOM_TRIAGE, Intent.MEDICATION, Intent.REPORT_QUERY, Intent.REMINDER), DEAR
    ),
    **dict.fromkeys((Intent.HUMAN_AGENT, Intent.COMPLAINT, Intent.CHITCHAT, Intent.OTHER), CHEAP),
}
LOWEST_BAR, HIGHEST_BAR = 0.25, 0.50  # beyond these a bar is chance: there are few emergencies
BARS = np.arange(LOWEST_BAR, HIGHEST_BAR + 0.001, 0.01)
WATCH = 0.15  # danger from which on somebody looks the same day


def recalibrate(folder: Path) -> None:
    """Seal once with a blank calibration to load the model, then again with the real one."""
    blank = {
        "temperature": dict.fromkeys(HEADS, 1.0),
        "abstain_below": {str(intent): 0.5 for intent in INTENTS},
        "emergency_from": 0.5,
    }
    write_json(folder / "calibration.json", blank)
    seal(folder)
    found = calibrate(ModelFolder(folder), of_authors(own_messages(), DEVELOPMENT))
    write_json(folder / "calibration.json", found)
    seal(folder)
    logger.info("calibrated: %s", found)


def calibrate(model: ModelFolder, examples: Sequence[Example]) -> dict[str, Any]:
    """Return what goes into calibration.json. `model` may hold any calibration: it is not used."""
    logits = [model.looks(e.text)[0] for e in examples]
    temperature = {head: _temperature(head, logits, examples) for head in HEADS}
    said = [{head: probabilities(row[head], temperature[head]) for head in HEADS} for row in logits]
    danger = np.array([danger_of(p) for p in said])
    real = np.array([e.first("urgency") == Urgency.EMERGENCY for e in examples])
    return {
        "temperature": {head: round(t, 4) for head, t in temperature.items()},
        "abstain_below": _abstentions(
            np.array([p["intent"] for p in said]), np.array([e.first("intent") for e in examples])
        ),
        "emergency_from": _emergency_bar(danger, real),
        "watch_from": WATCH,
        "wants_human_from": _best_bar(
            np.array([p["wants_human"][1] for p in said]),
            np.array([bool(e.first("wants_human")) for e in examples]),
            beside=np.array([asks_for_person(e.text) for e in examples]),
        ),
        "calibrated_on": len(examples),
    }


def _temperature(head: str, logits: Sequence[Logits], examples: Sequence[Example]) -> float:
    known = [
        (row[head], e.first(head))
        for row, e in zip(logits, examples, strict=True)
        if e.first(head) is not None
    ]

    def surprise(t: float) -> float:
        return -float(np.mean([np.log(probabilities(row, t)[y] + 1e-12) for row, y in known]))

    return float(min(np.geomspace(0.5, 5.0, 93), key=surprise))  # steps of 2.5 %


def _abstentions(shares: NDArray[np.float64], answers: NDArray[Any]) -> dict[str, float]:
    """For each intent the lowest confidence from which on its stated accuracy holds.

    Found together for all that share a price: one intent alone has too few messages.
    """
    said = shares.argmax(axis=1)
    confidence = np.array(
        [sure_of(row, INTENTS[nth]) for row, nth in zip(shares, said, strict=True)]
    )
    bars = {}
    for price in (DEAR, ORDINARY, CHEAP):
        ours = [nth for nth, intent in enumerate(INTENTS) if STATED_ACCURACY[intent] == price]
        of_these = np.isin(said, ours)
        bars[price] = _bar(confidence[of_these], (said == answers)[of_these], price)
    return {str(intent): bars[STATED_ACCURACY[intent]] for intent in INTENTS}


def _bar(confidence: NDArray[np.float64], right: NDArray[np.bool_], accuracy: float) -> float:
    for bar in np.arange(0.20, 0.96, 0.01):
        kept = confidence >= bar
        if kept.any() and right[kept].mean() >= accuracy:
            return round(float(bar), 2)
    return 0.95


def _emergency_bar(danger: NDArray[np.float64], real: NDArray[np.bool_]) -> float:
    """The highest bar that finds every emergency that the lowest one finds.

    The rules are left out of it: what they find today, another wording hides from them tomorrow.
    """
    most = (danger >= LOWEST_BAR)[real].mean()
    bars = [bar for bar in BARS if (danger >= bar)[real].mean() >= most]
    return round(float(max(bars)), 2)


def _best_bar(
    shares: NDArray[np.float64], real: NDArray[np.bool_], *, beside: NDArray[np.bool_]
) -> float:
    """The bar with the best F1, beside what plain phrases find anyway; of equals the middle."""

    def f1(bar: float) -> float:
        found = (shares >= bar) | beside
        return float(2 * (found & real).sum() / max(1, found.sum() + real.sum()))

    bars = np.arange(0.1, 0.91, 0.05)
    scores = np.array([f1(bar) for bar in bars])
    best = np.flatnonzero(np.isclose(scores, scores.max()))
    return round(float(bars[best[len(best) // 2]]), 2)


if __name__ == "__main__":
    recalibrate(Path(sys.argv[1]))
