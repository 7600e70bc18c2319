"""python manage.py preflight: say whether the house can open here, and if not, why."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workers import preflight


class Command(BaseCommand):
    help = "Check the folder, the port, the database and the keys before starting."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            preflight.check_folder(settings.VAR)
            preflight.check_port(
                os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
            )
            preflight.check_database()
            preflight.check_keys()
            preflight.check_rephrasing()
        except preflight.NotReady as reason:
            raise CommandError(str(reason)) from reason
        self.stdout.write("可以启动。 Ready to start.")
