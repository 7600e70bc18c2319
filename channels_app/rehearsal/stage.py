"""python -m channels_app.rehearsal.stage NURSES: furnish an empty house to rehearse in.

Tables, keys, the demo hospital, and nurses who are signed in already; prints their session keys as
JSON. Run it with the house's own environment.
"""

import json
import os
import sys
from importlib import import_module
from io import StringIO
from typing import Any

import django


def furnish(nurses: int) -> list[str]:
    """Make everything, and return one session key a nurse."""
    from django.conf import settings
    from django.core.management import call_command

    from vault.keys import KeyRing

    if not settings.VAULT_KEYS.exists():
        KeyRing.new().write(settings.VAULT_KEYS)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo", verbosity=0, stdout=StringIO())
    return [_sign_in(number) for number in range(nurses)]


def _sign_in(number: int) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from staff.models import Role, StaffMember

    nurse: Any = StaffMember.objects.create_user(f"nurse{number}", role=Role.NURSE)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(nurse.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = nurse.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    sys.stdout.write(json.dumps(furnish(int(sys.argv[1]))))
