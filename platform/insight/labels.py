"""The labels of one message as a person settles them, and as a model said them. Pure.

A model's own words lie in `Message.details`, as `assistant` and `insight.shadow` left them there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from triage.labels import Distress, Intent, Urgency

Details = Mapping[str, Any]

MODEL, CANDIDATE = "understanding", "shadow"  # names in `Message.details`


@dataclass(frozen=True)
class Labels:
    """What a message means, in the words of docs/labelling.md."""

    intent: Intent
    urgency: Urgency
    distress: Distress
    wants_human: bool
    department: str | None = None  # one of DEPARTMENTS
    also: tuple[Intent, ...] = ()  # further wishes
    accept: tuple[str, ...] = ()  # other departments that a good triage nurse would take

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> "Labels":
        """Raises ValueError or KeyError where a label is none of ours, or no longer."""
        return cls(
            intent=Intent(held["intent"]),
            urgency=Urgency(held["urgency"]),
            distress=Distress(held["distress"]),
            wants_human=bool(held["wants_human"]),
            department=held.get("department"),
            also=tuple(Intent(each) for each in held.get("also", ())),
            accept=tuple(held.get("accept", ())),
        )


@dataclass(frozen=True)
class Said:
    """What one model said of one message."""

    labels: Labels
    abstained: bool
    model: str

    @property
    def is_emergency(self) -> bool:
        return self.labels.urgency is Urgency.EMERGENCY or self.labels.intent is Intent.EMERGENCY

    @property
    def wants_person(self) -> bool:
        return self.labels.wants_human or self.labels.intent is Intent.HUMAN_AGENT


def said_in(details: Details | None, by: str = MODEL) -> Said | None:
    """What a model said, by the details of a message; None where none was asked, or it failed."""
    found = (details or {}).get(by) or {}
    # A tapped tile is understood without a model, what failed has no name, and what was said of a
    # voice was said of its transcript, not of the text.
    brought = details or {}
    if brought.get("tap") or brought.get("media") or not found.get("model"):
        return None
    try:
        departments = [each["name"] for each in found.get("departments", ())]
        labels = Labels.from_json({**found, "department": departments[0] if departments else None})
    except (ValueError, KeyError, TypeError):
        return None  # from before a label was renamed
    return Said(labels, bool(found.get("abstained")), str(found["model"]))


def contradicts_itself(labels: Labels) -> bool:
    """Whether two labels cannot both be true; see docs/labelling.md."""
    urgent = labels.urgency is Urgency.EMERGENCY
    return (
        urgent != (labels.intent is Intent.EMERGENCY)
        or (labels.distress is Distress.CRISIS and not urgent)
        or (labels.intent is Intent.HUMAN_AGENT and not labels.wants_human)
        or labels.intent in labels.also
        or (labels.department is None and bool(labels.accept))
        or labels.department in labels.accept
    )
