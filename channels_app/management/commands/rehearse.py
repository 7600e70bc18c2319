"""A hospital's day over all channels, with every vendor on this machine."""

from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from channels_app.rehearsal.cast import all_lines
from channels_app.rehearsal.day import live_a_day
from channels_app.rehearsal.dialogues import NoDialogues, read_dialogues
from channels_app.rehearsal.house import NotStarted, OwnHouse
from channels_app.rehearsal.report import day_rows, table


class Command(BaseCommand):
    help = "Live a hospital's day with all vendors on this machine, and check every promise."
    requires_system_checks = ()  # it furnishes a house of its own

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--dialogues", type=Path, required=True, help='JSONL: {"turns": [["P", text], …]}')
        add("--patients", type=int, default=200)
        add("--rate", type=float, default=50.0, help="callbacks a second, of all vendors together")
        add("--seed", type=int, default=0)
        add("--database-url", default="", help="empty database; without one a file of its own")
        add("--broker-url", default="")
        add("--redis-url", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dialogues = read_dialogues(options["dialogues"], at_most=options["patients"])
        except (OSError, NoDialogues):
            raise CommandError(
                _("%(file)s holds no dialogues that could be read.")
                % {"file": options["dialogues"]}
            ) from None
        servers = {
            "DATABASE_URL": options["database_url"],
            "BROKER_URL": options["broker_url"],
            "REDIS_URL": options["redis_url"],
        }
        with ExitStack() as stack:
            var = Path(stack.enter_context(TemporaryDirectory(prefix="wenan-day-")))
            house = stack.enter_context(OwnHouse(var, servers))
            lines = [stack.enter_context(line.opened()) for line in all_lines()]
            house.furnish()
            house.start()
            try:
                house.wait_until_ready()
            except NotStarted as why:
                raise CommandError(str(why)) from None
            day = live_a_day(
                house,
                lines,
                dialogues,
                patients=options["patients"],
                rate=options["rate"],
                seed=options["seed"],
            )
        self.stdout.write(table(day_rows(day)))
        if not day.is_clean:
            raise CommandError(_("A promise was broken: see the table."))
