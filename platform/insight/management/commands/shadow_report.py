"""python manage.py shadow_report [--days N]: a candidate beside the model in use, in counts."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from insight.drift import percent
from insight.shadow import HEADS, Pair, compare

DAYS = 7
MOST_DIFFERENCES = 30  # the commonest; a longer list is read by nobody


class Command(BaseCommand):
    help = "Say where the candidate of UNDERSTANDING_SHADOW differs from the model in use."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS)

    def handle(self, *args: Any, **options: Any) -> None:
        days: int = options["days"]
        if days < 1:
            raise CommandError("--days is 1 or more.")
        now = timezone.now()
        pairs = compare(since=now - timedelta(days=days), until=now)
        if not pairs:
            self.stdout.write("No message was understood by a candidate. See docs/operations.md.")
        for (model, candidate), pair in pairs.items():
            self.stdout.write("\n".join([*_table(model, candidate, pair, days=days), ""]))


def _table(model: str, candidate: str, pair: Pair, *, days: int) -> list[str]:
    def of_all(number: int) -> str:
        return f"{number:>8}{percent(number / pair.messages, digits=1):>10}"

    return [
        f"model      {model}",
        f"candidate  {candidate}",
        f"{'messages in ' + str(days) + ' days':<36}{pair.messages:>8}",
        *(f"{'same ' + head:<36}{of_all(pair.agreed[head])}" for head in HEADS),
        f"{'emergencies of the model alone':<36}{pair.emergencies_of_model:>8}",
        f"{'emergencies of the candidate alone':<36}{pair.emergencies_of_candidate:>8}",
        f"{'model not sure':<36}{of_all(pair.abstained['model'])}",
        f"{'candidate not sure':<36}{of_all(pair.abstained['candidate'])}",
        *_differences(pair),
        *_verdicts(pair),
    ]


def _differences(pair: Pair) -> list[str]:
    if not pair.differ:
        return []
    lines = ["", f"{'where they differ':<14}{'':<4}{'model':<22}{'candidate':<22}messages"]
    for (head, one, other), number in pair.differ.most_common(MOST_DIFFERENCES):
        lines.append(f"{head:<18}{one:<22}{other:<22}{number:>8}")
    return lines


def _verdicts(pair: Pair) -> list[str]:
    if not pair.reviewed:
        return ["", "No review of these messages is settled."]
    lines = ["", f"{'right, of ' + str(pair.reviewed) + ' settled reviews':<36}   model candidate"]
    for head in HEADS:
        model, candidate = pair.right["model", head], pair.right["candidate", head]
        lines.append(f"{head:<36}{model:>8}{candidate:>10}")
    return lines
