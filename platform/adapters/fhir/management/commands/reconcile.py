"""python manage.py reconcile: what each outside system has beside what we have.

Counts, and names of fields; no names, no values. `--repair` has what is missing here fetched by the
next exchange. Ends with 1 when anything is missing, differs, or was not read to the end.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adapters.fhir.models import System
from adapters.fhir.reconciling import is_clean, reconcile, report


class Command(BaseCommand):
    help = "Compare what outside systems have with what we have."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="one system; without it, all that are in use")
        parser.add_argument("--repair", action="store_true", help="fetch what is missing here")

    def handle(self, *args: Any, **options: Any) -> None:
        systems = System.objects.filter(is_active=True)
        if options["slug"]:
            systems = System.objects.filter(slug=options["slug"])
        if not systems:
            raise CommandError("No such outside system is set up.")
        clean = True
        for system in systems:
            row = reconcile(system, clock=timezone.now, repair=options["repair"])
            self.stdout.write("\n".join([system.slug, *report(row), ""]))
            clean = clean and is_clean(row)
        if not clean:
            raise CommandError("There are differences.", returncode=1)
