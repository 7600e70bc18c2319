"""Recorded dialogues of every service, through the real path with the model that ships.

What came of them is printed, and compared with `baseline.json`: it may get better, not worse.
`python -m pytest tests/dialogues -s` shows each dialogue that did not succeed;
`WENAN_NEW_BASELINE=1` writes the baseline anew.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dialogues.conftest import NOW
from dialogues.runner import CASES, Wrong, cases, check, play, start
from patients.models import Channel
from workers.understanding import understand

BASELINE = Path(__file__).with_name("baseline.json")
SERVICES = sorted(path.stem for path in CASES.glob("*.jsonl"))
LEAST = 60  # dialogues of a service
ROOM = 1.05  # turns may differ by so much: a better answer may take one more


@dataclass
class Result:
    dialogues: int
    succeeded: int
    turns: float  # mean, of those that succeeded
    handed_over: int


@pytest.mark.django_db
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_does_as_well_as_before(
    service: str, demo_hospital: Channel, one_dialogue: Callable[[], Any]
) -> None:
    page, failed, turns, handed_over = import_module(f"dialogues.{service}"), [], [], 0
    recorded = cases(service)
    for number, case in enumerate(recorded):
        with one_dialogue():
            patient = start(demo_hospital, f"{service}{number}", understand=understand, now=NOW)
            try:
                world = page.prepare(patient, case.get("given", {}))
                played = play(
                    patient,
                    case["turns"],
                    words=getattr(page, "words", None),
                    happens=getattr(page, "happens", None),
                )
                check(played, case["expect"])
                page.check(patient, case["expect"], world)
            except Wrong as wrong:
                failed.append(f"{case['id']}: {wrong}")
                continue
            turns.append(played.turns)
            handed_over += played.handed_over

    result = Result(
        len(recorded), len(turns), round(sum(turns) / max(1, len(turns)), 2), handed_over
    )
    print(f"\n{service}: {asdict(result)}")
    print("\n".join(failed))
    assert len(recorded) >= LEAST
    _compare(service, result, failed)


def _compare(service: str, result: Result, failed: list[str]) -> None:
    kept = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {}
    if os.environ.get("WENAN_NEW_BASELINE"):
        kept[service] = asdict(result)
        text = json.dumps(dict(sorted(kept.items())), indent=2)
        BASELINE.write_text(f"{text}\n", "utf-8")
        return
    before = Result(**kept[service])
    assert result.succeeded >= before.succeeded, "\n".join(failed)
    assert result.turns <= before.turns * ROOM
