"""A visitor's token: who writes here, said by our own signature and kept by the page."""

import secrets
import time

from django.core import signing

LIFETIME_S = 30 * 24 * 3600  # from the last hello
BY_LINK_S = 12 * 3600  # of who came by a link from an SMS, from its opening; each brings a new one
_BY_LINK = "~"  # begins no visitor's own name, see `new_visitor`
_SALT = "wenan.visitor"
_MAX_CHARS = 400  # ours have about 120


class BadToken(Exception):
    """Not signed by us, too old, or made for another channel."""


def new_visitor() -> str:
    return secrets.token_urlsafe(16)  # 128 bits: nobody guesses another visitor's


def visitor_by_link(contact_point_id: int) -> str:
    """The visitor who has just opened a link into this contact point's conversation."""
    return f"{_BY_LINK}{contact_point_id}.{int(time.time())}"


def contact_point_of(visitor: str) -> int | None:
    """Whose conversation a visitor by link may open; None for everybody else."""
    if not visitor.startswith(_BY_LINK):
        return None
    return int(visitor.removeprefix(_BY_LINK).partition(".")[0])


def _is_over(visitor: str) -> bool:
    """A new token at each hello makes nobody's visit by link longer."""
    if not visitor.startswith(_BY_LINK):
        return False
    opened_at = visitor.partition(".")[2]  # tokens of before named none
    return not opened_at.isdecimal() or time.time() - int(opened_at) > BY_LINK_S


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
    if made_for != channel or not isinstance(visitor, str) or _is_over(visitor):
        raise BadToken
    return visitor
