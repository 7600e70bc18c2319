"""How Alibaba Cloud wants a call signed: ACS3-HMAC-SHA256.

Source: "Request syntax and signature method V3" of Alibaba Cloud's SDK documentation, whose own
example is a test here. All parameters go in the query, the body is empty.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"
NOTHING = hashlib.sha256(b"").hexdigest()


def signed_headers(
    key_id: str,
    secret: str,
    *,
    host: str,
    action: str,
    version: str,
    params: Mapping[str, str],
    at: str,
    nonce: str,
) -> dict[str, str]:
    """The headers of a POST to `/`. `at` is UTC, as 2023-10-26T10:22:32Z; a nonce serves once."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": NOTHING,
        "x-acs-date": at,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = "\n".join(("POST", "/", _canonical(params), lines, names, NOTHING))
    text = f"{ALGORITHM}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"
    )
    return headers


def _canonical(params: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="~"), quote(said, safe="~")) for name, said in params.items())
    return "&".join(f"{name}={said}" for name, said in pairs)
