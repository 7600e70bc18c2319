"""How Twilio signs what it tells us: HMAC-SHA1 over the address and the sorted form.

Source: "Validating requests" of Twilio's documentation; its own validator agrees in the tests.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import urlsplit

from adapters import sms
from adapters.contracts import Refused

Form = Sequence[tuple[str, str]]

PORTS = {"https": 443, "http": 80}


def signature_of(auth_token: str, url: str, form: Form) -> str:
    text = url + "".join(name + said for name, said in sorted(set(form)))
    digest = hmac.digest(auth_token.encode(), text.encode(errors="replace"), "sha1")
    return b64encode(digest).decode()


def check(signature: str, auth_token: str, url: str, form: Form) -> None:
    """Raises Refused. `url` is the one that stands in Twilio's console."""
    if not auth_token:
        raise Refused
    # With and without a port, as Twilio's own validator does: its servers are not of one mind.
    found = [sms.same(signature, signature_of(auth_token, each, form)) for each in _ways(url)]
    if not any(found):
        raise Refused


def _ways(url: str) -> list[str]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return [url]
    host = parts.netloc.rsplit(":", 1)[0] if port else parts.netloc
    default = PORTS.get(parts.scheme, 443)
    return [
        parts._replace(netloc=host).geturl(),
        parts._replace(netloc=f"{host}:{port or default}").geturl(),
    ]
