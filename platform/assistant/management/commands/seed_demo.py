"""python manage.py seed_demo: a demo hospital; the logins are written to var/demo_logins.txt."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from assistant.demo import seed_demo


class Command(BaseCommand):
    help = "Fill an empty installation with a demo hospital, its staff and its articles."

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("zh-hans"):
            logins = seed_demo(now=timezone.now())
        if logins:
            path = settings.VAR / "demo_logins.txt"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.writelines(f"{name}\t{password}\t{role}\n" for name, password, role in logins)
        self.stdout.write(f"{len(logins)} members of staff added.")
