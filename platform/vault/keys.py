"""The key ring: which keys exist, which one seals what is written now.

The ring is a small JSON file, readable by its owner alone, outside the database:

    {"active": "k1", "keys": {"k1": "<32 bytes, base64>"}, "index": "…", "audit": "…"}

`keys` wrap the patients' data keys and seal what belongs to nobody; `index` feeds the blind
indexes; `audit` chains the access log. Every process reads the file again when it changed, and at
once when it meets a key id that it does not know, so a rotation needs no restart.
"""

import base64
import json
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection

from vault.files import write_secret

KEY_BYTES = 32  # AES-256
LOOK_EVERY_S = 5  # so soon every process seals with a key that was added


class UnknownKey(Exception):
    """No key of this id is on the ring: a wrong or an old key file."""


@dataclass(frozen=True)
class KeyRing:
    active: str
    keys: dict[str, bytes]
    index: bytes
    audit: bytes

    @classmethod
    def new(cls) -> "KeyRing":
        return cls("k1", {"k1": _fresh()}, index=_fresh(), audit=_fresh())

    @classmethod
    def read(cls, path: Path) -> "KeyRing":
        raw = json.loads(path.read_text())
        keys = {key_id: base64.b64decode(key) for key_id, key in raw["keys"].items()}
        if any(len(key) != KEY_BYTES for key in keys.values()) or raw["active"] not in keys:
            raise ValueError(
                f"{path} is not a key ring: a key is short, or the active one missing."
            )
        return cls(
            raw["active"], keys, base64.b64decode(raw["index"]), base64.b64decode(raw["audit"])
        )

    def write(self, path: Path) -> None:
        """Write the ring in one step, so that a crash leaves the old one or the new one."""
        raw = {
            "active": self.active,
            "keys": {key_id: _text(key) for key_id, key in self.keys.items()},
            "index": _text(self.index),
            "audit": _text(self.audit),
        }
        write_secret(path, json.dumps(raw, indent=1))

    def with_new_key(self) -> "KeyRing":
        """The same ring with one more key, which seals from now on."""
        key_id = f"k{1 + max(int(known[1:]) for known in self.keys)}"
        return KeyRing(key_id, {**self.keys, key_id: _fresh()}, self.index, self.audit)

    def without_old_keys(self) -> "KeyRing":
        return KeyRing(self.active, {self.active: self.keys[self.active]}, self.index, self.audit)

    def derived(self, secret: bytes, purpose: str) -> bytes:
        """A key of its own for one purpose, so that two columns' indexes can't be compared."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def ring() -> KeyRing:
    """The ring in force. Raises FileNotFoundError when no key was ever made."""
    path: Path = settings.VAULT_KEYS
    return _read(path, _version(path, int(time.monotonic() / LOOK_EVERY_S)))


def key(key_id: str) -> bytes:
    """Raises UnknownKey, after a second look at the file."""
    if key_id not in ring().keys:
        forget()
    try:
        return ring().keys[key_id]
    except KeyError:
        raise UnknownKey(key_id) from None


def are_needed() -> bool:
    """Whether something was sealed already, so that a new ring could not open it."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return False  # and a look would make the file
    if "vault_datakey" not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:  # not by the model: no app need be ready yet
        cursor.execute("SELECT 1 FROM vault_datakey LIMIT 1")
        return cursor.fetchone() is not None


def forget() -> None:
    """Read the file again at the next use."""
    _version.cache_clear()
    _read.cache_clear()


@lru_cache(maxsize=1)
def _read(path: Path, version: int) -> KeyRing:
    return KeyRing.read(path)


@lru_cache(maxsize=1)
def _version(path: Path, tick: int) -> int:
    return path.stat().st_mtime_ns


def _fresh() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
