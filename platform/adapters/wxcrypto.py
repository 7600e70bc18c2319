"""How WeChat and WeCom sign and encrypt their callbacks. AES-256-CBC by `cryptography`.

A sealed text is: 16 random bytes, its length (4 bytes, big-endian), the text, the receiver's id;
padded to 32 (PKCS#7 with a block of 32, not AES's 16), encrypted under the key with its first 16
bytes as IV. Source: developers.weixin.qq.com, "消息加解密说明".
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from adapters.contracts import Refused

BLOCK = 32  # bytes
RANDOM = 16  # bytes before the length


class BadKey(Refused):
    """Not an EncodingAESKey: 43 characters of base64. Nothing can have been sealed under it."""


def sign(*parts: str) -> str:
    """SHA-1 over the sorted parts: WeChat's choice, not ours."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324


def check(signature: str, *parts: str) -> None:
    """Raises Refused."""
    if not hmac.compare_digest(sign(*parts).encode(), signature.encode()):
        raise Refused


class Sealer:
    """One EncodingAESKey and the receiver's id (appid, corpid)."""

    def __init__(self, encoding_key: str, *, receiver: str) -> None:
        try:
            self._key = base64.b64decode(encoding_key + "=", validate=True)
        except (binascii.Error, ValueError):
            raise BadKey from None
        if len(self._key) != 32:
            raise BadKey
        self._receiver = receiver.encode()

    def seal(self, text: str) -> str:
        plain = text.encode()
        whole = secrets.token_bytes(RANDOM) + struct.pack(">I", len(plain)) + plain + self._receiver
        short = BLOCK - len(whole) % BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(whole + bytes([short]) * short) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """The text. Raises Refused for whatever was not sealed for us under this key."""
        try:
            blob = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            raise Refused from None
        if not blob or len(blob) % 16:
            raise Refused
        decryptor = self._cipher().decryptor()
        whole = _unpadded(decryptor.update(blob) + decryptor.finalize())
        if len(whole) < RANDOM + 4:
            raise Refused
        (length,) = struct.unpack(">I", whole[RANDOM : RANDOM + 4])
        plain = whole[RANDOM + 4 : RANDOM + 4 + length]
        receiver = whole[RANDOM + 4 + length :]
        if len(plain) != length or not hmac.compare_digest(receiver, self._receiver):
            raise Refused
        try:
            return plain.decode()
        except UnicodeDecodeError:
            raise Refused from None

    def _cipher(self) -> "Cipher[modes.CBC]":
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


def open_with_any(sealers: Sequence[Sealer], sealed: str) -> tuple[str, Sealer]:
    """While a key is being changed, the old one still opens. Raises Refused."""
    for sealer in sealers:
        try:
            return sealer.open(sealed), sealer
        except Refused:
            continue
    raise Refused


def _unpadded(whole: bytes) -> bytes:
    short = whole[-1]
    if not 1 <= short <= BLOCK or whole[-short:] != bytes([short]) * short:
        raise Refused
    return whole[:-short]
