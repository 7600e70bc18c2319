"""A hospital's installation: stops at once, by name, when something is missing."""

import os

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import BROKER_URL, DATABASE_URL, REDIS_URL, SECRET_KEY

for name, reason in {
    "SECRET_KEY": "signs sessions and visitors' tokens",
    "ALLOWED_HOSTS": "the host names of this installation",
}.items():
    if not os.environ.get(name):
        raise ImproperlyConfigured(f"Set {name}: {reason}.")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is too short: 50 random characters or more.")
if not DATABASE_URL.startswith("sqlite") and not (BROKER_URL and REDIS_URL):
    raise ImproperlyConfigured(
        "With PostgreSQL set BROKER_URL (amqp://…) and REDIS_URL (redis://…)."
    )

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
SECURE_SSL_REDIRECT = os.environ.get("SECURE_SSL_REDIRECT", "1") == "1"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
