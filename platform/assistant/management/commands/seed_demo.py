"""python manage.py seed_demo: a demo hospital; the logins are written to var/demo_logins.txt."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone, translation

from assistant.demo import seed_demo
from vault.files import write_secret


class Command(BaseCommand):
    help = "Fill an empty installation with a demo hospital, its staff and its articles."

    def handle(self, *args: Any, **options: Any) -> None:
        # The file first and then the commit: nobody could sign in to a house whose passwords went
        # with the power, and it would never be seeded again.
        with transaction.atomic(), translation.override("zh-hans"):
            logins = seed_demo(now=timezone.now())
            if logins:
                lines = [f"{name}\t{password}\t{role}\n" for name, password, role in logins]
                write_secret(settings.VAR / "demo_logins.txt", "".join(lines))
        self.stdout.write(f"{len(logins)} members of staff added.")
