"""python -m channels_app.rehearsal.stage NURSES CASES: furnish an empty house to rehearse in.

Tables, keys, the demo hospital, nurses who are signed in already, and patients whose tickets they
have claimed by turns. Prints {"sessions": [key, …], "cases": [[token, conversation], …]}. Run it
with the house's own environment.
"""

import json
import os
import sys
from importlib import import_module
from io import StringIO
from typing import Any

import django


def furnish(nurses: int, cases: int) -> dict[str, list[Any]]:
    from django.conf import settings
    from django.core.management import call_command

    from vault.keys import KeyRing

    if not settings.VAULT_KEYS.exists():
        KeyRing.new().write(settings.VAULT_KEYS)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo", verbosity=0, stdout=StringIO())
    staff = [_hire(number) for number in range(nurses)]
    return {
        "sessions": [_sign_in(nurse) for nurse in staff],
        "cases": [_open_case(staff[number % nurses]) for number in range(cases)],
    }


def _hire(number: int) -> Any:
    from staff.models import Role, StaffMember

    return StaffMember.objects.create_user(f"nurse{number}", role=Role.NURSE)


def _sign_in(nurse: Any) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(nurse.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = nurse.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _open_case(nurse: Any) -> tuple[str, int]:
    """A patient who has asked for a person, and a nurse who has taken the ticket."""
    from django.utils import timezone

    from assistant.services import take_in
    from channels_app import tokens
    from patients.models import Channel
    from patients.services import meet
    from tickets.models import Reason
    from tickets.services import claim_ticket, hand_over

    now, visitor = timezone.now(), tokens.new_visitor()
    contact_point = meet(Channel.objects.get(slug="web"), address=visitor)
    conversation = take_in(contact_point, text="你好,我找护士", now=now).message.conversation
    ticket = hand_over(conversation, reason=Reason.ASKED, urgency=1, now=now)
    claim_ticket(ticket.pk, nurse=nurse, now=now)
    return tokens.make_token(visitor, channel="web"), conversation.pk


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    sys.stdout.write(json.dumps(furnish(*map(int, sys.argv[1:]))))
