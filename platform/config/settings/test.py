"""Fast and closed: nothing leaves the machine, keys live in memory, passwords hash quickly."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("WENAN_VAR", tempfile.mkdtemp(prefix="wenan-test-"))

from .base import *  # noqa: F403
from .base import DATABASES, VAR

SECRET_KEY = "for tests only, " * 4
VAULT_KEYS = Path(VAR) / "keys.json"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: the promises under test are those of WAL and IMMEDIATE.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR) / "test.sqlite3")}
