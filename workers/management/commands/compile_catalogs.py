"""python manage.py compile_catalogs: make the .mo files that Django reads from our .po files."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workers import catalogs


class Command(BaseCommand):
    help = "Compile every translation that has changed; needs no gettext."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{catalogs.compile_stale(settings.ROOT)} catalogs compiled.")
