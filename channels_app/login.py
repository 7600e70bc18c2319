"""Signing in, for the console and the admin: after some failures, each further one costs a wait."""

import hashlib
import math
import time
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm as AdminForm

FREE_TRIES = 5
FIRST_WAIT_S = 5
# Where everybody shares one address, a stranger's guesses make a nurse wait too: not for long.
LONGEST_WAIT_S = 60
FORGOTTEN_AFTER_S = 3600


class ConsoleLogin(AuthenticationForm):
    """Name and password. After five failures each further one costs a longer wait."""

    def clean(self) -> dict[str, Any]:
        key = _tries_key(self.cleaned_data.get("username", ""), self.request)
        tries, free_at = cache.get(key, (0, 0.0))
        wait_s = math.ceil(free_at - time.time())
        if wait_s > 0:
            # Before the password is looked at: the same for a name that does not exist.
            self.add_error(
                None,
                ngettext(
                    "Too many failed attempts. Please wait %(s)s second.",
                    "Too many failed attempts. Please wait %(s)s seconds.",
                    wait_s,
                )
                % {"s": wait_s},
            )
            return self.cleaned_data
        try:
            cleaned = super().clean()
        except Exception:
            cache.set(key, (tries + 1, time.time() + _wait_after(tries + 1)), FORGOTTEN_AFTER_S)
            raise
        cache.delete(key)
        return cleaned


class AdminLogin(ConsoleLogin, AdminForm):  # type: ignore[misc]
    """The same, for those alone who may see the admin."""


def _wait_after(tries: int) -> int:
    """Seconds until the next attempt: none for the first four, then 5, 10, 20 … 60."""
    over = tries - FREE_TRIES
    return 0 if over < 0 else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(over, 20))


def _tries_key(username: str, request: HttpRequest | None) -> str:
    # By name and address together: a stranger who guesses does not lock out the nurse herself.
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    digest = hashlib.sha256(f"{username.strip().lower()}\n{address}".encode()).hexdigest()
    return f"login-tries:{digest}"
