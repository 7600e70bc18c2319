"""Who sits at a nurse's screen: the account behind a socket, as the database has it now."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import translation
from django.utils.module_loading import import_string

from channels_app.origins import is_same_host
from staff.models import StaffMember

SIGNED_OUT, NOT_CARING = 4401, 4403  # close codes, see docs/protocol.md


class Gone(Exception):
    """This socket's account may be here no more; `code` closes it."""

    def __init__(self, code: int) -> None:
        self.code = code


def signed_in(scope: dict[str, Any]) -> StaffMember:
    """The account behind this socket's session, as the database has it now. Raises Gone."""
    store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    request = HttpRequest()
    request.session = store(scope["cookies"].get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not isinstance(user, StaffMember) or not user.is_active:
        raise Gone(SIGNED_OUT)
    if not user.is_caring:
        raise Gone(NOT_CARING)
    return user


def is_from_own_host(scope: dict[str, Any]) -> bool:
    """A console is opened by our own pages alone: a browser names the page's host in `Origin`."""
    headers = dict(scope["headers"])
    origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
    return is_same_host(origin, host=host)


def language_of(scope: dict[str, Any]) -> str:
    """The language that the page itself was shown in: its cookie, else the browser's wish."""
    request = HttpRequest()
    request.COOKIES = dict(scope["cookies"])
    headers = dict(scope["headers"])
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)
