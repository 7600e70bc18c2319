"""A visitor's token: who writes here, said by our own signature and kept by the page."""

import secrets

from django.core import signing

LIFETIME_S = 30 * 24 * 3600  # from the last hello
_SALT = "wenan.visitor"
_MAX_CHARS = 400  # ours have about 120


class BadToken(Exception):
    """Not signed by us, too old, or made for another channel."""


def new_visitor() -> str:
    return secrets.token_urlsafe(16)  # 128 bits: nobody guesses another visitor's


def make_token(visitor: str, *, channel: str) -> str:
    return signing.dumps([visitor, channel], salt=_SALT)


def read_token(token: str, *, channel: str) -> str:
    """Return the visitor. Raises BadToken."""
    if len(token) > _MAX_CHARS:
        raise BadToken
    try:
        visitor, made_for = signing.loads(token, salt=_SALT, max_age=LIFETIME_S)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken from error
    if made_for != channel or not isinstance(visitor, str):
        raise BadToken
    return visitor
