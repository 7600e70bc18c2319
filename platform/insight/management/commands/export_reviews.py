"""python manage.py export_reviews --out FILE: what reviewers settled, for training.

The file holds patients' words: readable by its owner alone, and each patient's export is in the
access log before the first word is written.
"""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from insight.models import Review
from insight.reviews import for_training, settled
from vault import access

REASON = "export_reviews"


class Command(BaseCommand):
    help = "Write the settled reviews with the messages' text into a new file, as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="a file that is not there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        try:
            handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(f"{out} exists, and is not overwritten.") from None
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from None
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                lines, patients = _read_and_log()
                for line in lines:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except BaseException:
            out.unlink()  # whole, or not there at all
            raise
        self.stdout.write(f"{len(lines)} messages of {patients} patients written to {out}.")


@transaction.atomic
def _read_and_log() -> tuple[list[dict[str, Any]], int]:
    """The lines, one a message; and how many patients' exports are now in the access log."""
    chosen: dict[int, Review] = {}
    for review in settled():
        chosen.setdefault(review.message_id, review)  # the newest verdict stands
    lines, patients = [], set()
    for review in sorted(chosen.values(), key=lambda each: each.message_id):
        line = for_training(review)
        if line is not None:
            lines.append(line)
            patients.add(review.message.conversation.contact_point.patient_id)
    for patient_id in sorted(patients):
        access.record(
            access.Action.EXPORT,
            actor_id=None,
            subject="patient",
            subject_id=patient_id,
            reason=REASON,
            now=timezone.now(),
        )
    return lines, len(patients)
