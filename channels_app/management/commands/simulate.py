"""Rehearse with a running house: patients write what real ones wrote; promises are checked."""

import asyncio
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.translation import gettext as _

from channels_app.rehearsal.dialogues import NoDialogues, read_dialogues
from channels_app.rehearsal.patient import HouseAway, HouseRefuses
from channels_app.rehearsal.report import simulation_rows, table
from channels_app.rehearsal.simulation import House, Outcome, rehearse
from tickets.models import Reason, Ticket

TOLD_EVERY_S = 5.0  # progress


class Command(BaseCommand):
    help = "Replay real patients' messages to a running server, and check that every promise held."
    requires_system_checks = ()  # a plain client: the server may be another machine's

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--dialogues", type=Path, required=True, help='JSONL: {"turns": [["P", text], …]}')
        add("--patients", type=int, default=40)
        add("--rate", type=float, default=20.0, help="messages a second, of all patients together")
        add("--url", default="http://127.0.0.1:8000")
        add("--channel", default="web")
        add("--lang", default="zh-hans")
        add("--timeout", type=float, default=60.0, help="seconds that any one wait may last")
        add("--seed", type=int, default=0)
        add("--reasons", action="store_true", help="ask this machine's database why it handed over")

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = self._rehearse(options)
        reasons = handoffs_by_reason(outcome) if options["reasons"] else None
        self.stdout.write(table(simulation_rows(outcome, reasons)))
        if not outcome.findings.is_clean:
            raise CommandError(_("A promise was broken: see the table."))

    def _rehearse(self, options: dict[str, Any]) -> Outcome:
        house = House(options["url"], channel=options["channel"], lang=options["lang"])
        place = {"url": house.url, "file": options["dialogues"], "channel": house.channel}
        try:
            dialogues = read_dialogues(options["dialogues"], at_most=options["patients"])
        except (OSError, NoDialogues):
            raise CommandError(
                _("%(file)s holds no dialogues that could be read.") % place
            ) from None
        try:
            return asyncio.run(
                rehearse(
                    house,
                    dialogues,
                    patients=options["patients"],
                    rate=options["rate"],
                    timeout_s=options["timeout"],
                    seed=options["seed"],
                    progress=self._tell(),
                )
            )
        except HouseAway:
            raise CommandError(
                _("Nothing answers at %(url)s. Start the server, or give its address with --url.")
                % place
            ) from None
        except HouseRefuses as refusal:
            raise CommandError(
                _(
                    "%(url)s answers, but lets no patient in (HTTP %(status)s). Look at the"
                    " address, the channel “%(channel)s” and ALLOWED_HOSTS."
                )
                % {**place, "status": refusal.status}
            ) from None

    def _tell(self) -> Any:
        told_at = time.monotonic()

        def tell(said: int, messages: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at > TOLD_EVERY_S or said == messages:
                told_at = time.monotonic()
                self.stderr.write(f"{said}/{messages}")

        return tell


def handoffs_by_reason(outcome: Outcome) -> dict[str, int]:
    """Count the tickets of these patients by reason. Raises CommandError without their database."""
    ids = [sent.client_id for case in outcome.cases for sent in case.sent[:1]]
    reasons: Counter[str] = Counter()
    try:
        for start in range(0, len(ids), 500):  # SQLite takes no more than some thousand parameters
            theirs = Ticket.objects.filter(
                conversation__messages__client_id__in=ids[start : start + 500]
            )
            reasons.update(theirs.values_list("reason", flat=True))
    except DatabaseError:
        raise CommandError(
            _("--reasons needs the server's own database; run it on the same machine.")
        ) from None
    return {str(Reason(reason).label): count for reason, count in reasons.items()}
