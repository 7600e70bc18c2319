"""Which pages may talk to us: a browser says by `Origin` whose page it is."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_same_host(origin: str, *, host: str) -> bool:
    """Whether a page of this very host asks. An opaque origin ("null") is nobody's."""
    # Without this a name that an attacker points at us would count as "the same".
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        return False
    try:
        asked, page = urlsplit(f"//{host}"), urlsplit(origin)
        if page.scheme not in ("http", "https") or page.hostname != asked.hostname:
            return False
        default = _DEFAULT_PORTS[page.scheme]
        # A proxy may end TLS, so a host without a port stands for either default.
        return (page.port or default) == (asked.port or default)
    except ValueError:  # a port that is no number
        return False


def is_welcome(origin: str, *, host: str) -> bool:
    """Whether this page may open a patient's socket."""
    return origin in settings.WIDGET_ORIGINS or is_same_host(origin, host=host)
