"""python manage.py drift: each model's last seven days beside its reference week.

Ends with 1 when a threshold of insight.drift is crossed, for whoever runs it from a timer.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from insight.drift import (
    LEAST_MESSAGES,
    MAX_CHANGE_OF_ABSTENTION,
    MAX_CHANGE_OF_UNKNOWN,
    MAX_STABILITY_INDEX,
    Drift,
    Tally,
    drifts,
    percent,
)

ROW = "{:<26}{:>12}{:>12}  {}"


class Command(BaseCommand):
    help = "Compare what the models understood in the last seven days with their reference week."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(drifts(now=timezone.now()))
        if not found:
            self.stdout.write("No day of the last seven was counted.")
        for drift in found:
            self.stdout.write("\n".join([drift.model, *_table(drift), ""]))
        if crossed := [drift.model for drift in found if drift.crossed]:
            raise CommandError(f"Changed: {', '.join(crossed)}", returncode=1)


def _table(drift: Drift) -> list[str]:
    then, now = drift.reference or Tally(), drift.recent
    lines = [
        ROW.format("", "reference", "last 7 days", ""),
        ROW.format("messages", then.messages, now.messages, _why_silent(drift)),
        ROW.format(
            "not sure",
            percent(then.abstained_share),
            percent(now.abstained_share),
            _mark(drift.abstention_changed, percent(MAX_CHANGE_OF_ABSTENTION)),
        ),
        ROW.format(
            "unknown characters",
            percent(then.unknown_share, digits=1),
            percent(now.unknown_share, digits=1),
            _mark(drift.unknown_changed, percent(MAX_CHANGE_OF_UNKNOWN)),
        ),
        ROW.format(
            "stability index, intents",
            "",
            f"{drift.stability_index:.2f}" if drift.reference else "–",
            _mark(drift.intents_changed, str(MAX_STABILITY_INDEX)),
        ),
    ]
    for intent in sorted(then.intents | now.intents):
        lines.append(_share(f"  {intent}", intent, then.intents, now.intents))
    for urgency in sorted(then.urgencies | now.urgencies):
        lines.append(_share(f"  urgency {urgency}", urgency, then.urgencies, now.urgencies))
    return lines


def _mark(changed: bool, threshold: str) -> str:
    return "CHANGED" if changed else f"a change from {threshold} on"


def _why_silent(drift: Drift) -> str:
    if drift.reference is None:
        return "no reference week is over yet"
    return "" if drift.is_telling else f"fewer than {LEAST_MESSAGES} say nothing"


def _share(name: str, label: str, then: Any, now: Any) -> str:
    shares = [percent(each[label] / each.total()) if each else "–" for each in (then, now)]
    return ROW.format(name, *shares, "").rstrip()
