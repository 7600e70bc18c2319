"""How Tencent Cloud wants a call signed: TC3-HMAC-SHA256.

Source: "Signature v3" of Tencent Cloud's API documentation, whose own example is a test here.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"


def authorization(
    secret_id: str,
    secret_key: str,
    *,
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    at: int,
) -> str:
    """Sign a POST to `/` with these headers, names in lower case. `at`: seconds since 1970."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].lower()}\n" for name in sorted(headers))
    asked = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    day = datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
