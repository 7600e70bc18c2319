"""One machine, no servers: SQLite, the embedded broker, secrets that `make run` made under var/."""

from .base import *  # noqa: F403
from .base import SECRET_KEY, VAR

if not SECRET_KEY and (VAR / "secret_key").exists():
    SECRET_KEY = (VAR / "secret_key").read_text().strip()
