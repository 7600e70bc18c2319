"""Seal and open: AES-256-GCM, each blob bound to its place, and the blind index.

A sealed blob is: version (1 byte) · length of key id · key id · nonce (12 bytes) · ciphertext and
tag. The associated data names table, column and row, so a blob that was moved does not open.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault import keys

VERSION = b"\x01"
NONCE_BYTES = 12  # 96 random bits, as NIST SP 800-38D recommends for GCM
INDEX_BYTES = 16  # 128 bits: no collisions in a hospital, less to attack


class Unreadable(Exception):
    """This blob was not sealed here, with this key, for this place. Never show the bytes."""


def seal(plain: bytes, *, place: str, key_id: str, key: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    head = VERSION + bytes([len(key_id)]) + key_id.encode()
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head + place.encode())


def open_sealed(blob: bytes, *, place: str, key: bytes) -> bytes:
    """Raises Unreadable."""
    start = 2 + blob[1] if len(blob) > 2 else 0
    head, nonce, body = blob[:start], blob[start : start + NONCE_BYTES], blob[start + NONCE_BYTES :]
    if head[:1] != VERSION:
        raise Unreadable(place)
    try:
        return AESGCM(key).decrypt(nonce, body, head + place.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(place) from error


def key_id_of(blob: bytes) -> str:
    return blob[2 : 2 + blob[1]].decode()


def blind_index(value: str, *, purpose: str) -> str:
    """What can be searched without being read: the same value always gives the same 32 hex digits.

    `purpose` names the column; indexes of two columns can't be compared. Normalise first.
    """
    digest = hmac.new(_index_key(purpose), value.encode(), hashlib.sha256).digest()
    return digest[:INDEX_BYTES].hex()


@lru_cache(maxsize=64)
def _index_key(purpose: str) -> bytes:
    ring = keys.ring()
    return ring.derived(ring.index, f"wenan index {purpose}")
