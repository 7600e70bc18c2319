"""One HTTP call to a vendor, and what a broken line means for a message."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from adapters.contracts import Category, Retry, SendResult, Unknown

CONNECT_S, ANSWER_S = 3.0, 5.0
MAX_WAIT_S = 3_600.0  # whatever a gateway says


class NoAnswer(Exception):
    """The vendor said nothing that can be read; `result` is what that means for a message."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(type(result).__name__)
        self.result = result


@dataclass(frozen=True)
class Vendor:
    """A vendor's API at one address."""

    base_url: str

    def post(
        self, path: str, *, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object of the answer, whatever its status. Raises NoAnswer."""
        # WeChat shows escaped characters as they stand, so nothing is escaped.
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        return self.ask("POST", path, content=content, headers=headers, params=params)

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The same for any call; `content` goes out as it is, for vendors that sign it."""
        try:
            answer = _client(self.base_url).request(
                method,
                path,
                content=content,
                params=dict(params or {}),
                headers=dict(headers or {}),
            )
        except httpx.HTTPError as broke:
            raise NoAnswer(_broken(broke)) from None
        _look_at(answer)
        return _object(answer.content)

    def download(
        self, path: str, *, params: Mapping[str, str] | None = None, max_bytes: int
    ) -> bytes | dict[str, Any]:
        """A file's bytes, or the JSON object that came instead of it.

        Without `params` a query in `path` goes out as it stands. Raises NoAnswer, TooBig: the line
        is cut there.
        """
        try:
            with _client(self.base_url).stream("GET", path, params=params) as answer:
                _look_at(answer)
                content = bytearray()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > max_bytes:
                        raise TooBig
        except httpx.HTTPError as broke:
            raise NoAnswer(_broken(broke)) from None
        # WeChat says what went wrong as JSON, and calls it now text, now JSON.
        kind = answer.headers.get("content-type", "")
        is_word = "json" in kind or kind.startswith("text/") or not answer.is_success
        return _object(bytes(content)) if is_word else bytes(content)


class TooBig(Exception):
    """A file longer than we take."""


def _broken(error: httpx.HTTPError) -> SendResult:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Retry(Category.PROVIDER_DOWN, "no connection")
    return Unknown(type(error).__name__)


def _look_at(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise NoAnswer(Retry(Category.THROTTLED, "429", after_s=_wait_s(answer)))
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise NoAnswer(Unknown(str(answer.status_code)))  # a gateway's word: it may have gone


def _object(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise NoAnswer(Unknown("not JSON")) from None
    if not isinstance(said, dict):
        raise NoAnswer(Unknown("not an object"))
    return said


def _wait_s(answer: httpx.Response) -> float | None:
    said = answer.headers.get("retry-after", "")
    return min(float(said), MAX_WAIT_S) if said.isdecimal() else None


@lru_cache(maxsize=32)
def _client(base_url: str) -> httpx.Client:
    """Connections are kept open between calls; nothing follows a redirect to somewhere else."""
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=False,
    )
