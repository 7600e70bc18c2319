"""One FHIR server over HTTP: searched page by page, read, and written to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from adapters.fhir.mapping.datatypes import Resource, is_id, listed, to_json
from adapters.fhir.models import SignIn, System

CONNECT_S, ANSWER_S = 3.0, 15.0  # a hospital's server counts slowly
MAX_BYTES = 16 * 2**20
MAX_ENTRIES = 1_000
MAX_WAIT_S = 3_600.0  # whatever a gateway says
EARLY = timedelta(seconds=30)  # before a token ends
FHIR_JSON = "application/fhir+json"


class Unreachable(Exception):
    """No answer, or none that can be read: tried again, after `after_s` if they said so."""

    def __init__(self, reason: str, *, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after_s = reason, after_s


class TooBig(Unreachable):
    """A page longer than we take; a smaller one may do."""


class Refusal(Exception):
    """They understood, and won't: `status` as HTTP says it."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status

    @property
    def is_gone(self) -> bool:
        return self.status in (404, 410)

    @property
    def is_other_version(self) -> bool:
        return self.status in (409, 412)


@dataclass(frozen=True)
class Page:
    entries: tuple[Any, ...]  # as they came: not every one must be an object
    next_page: str | None
    at: datetime | None  # by their clock
    found: Mapping[str, Resource] = field(default_factory=dict)  # all of it, by "Type/id"
    total: int | None = None


@dataclass
class Server:
    """Speaks with one system. Raises Unreachable and Refusal."""

    system: System
    now: datetime

    def search(self, resource: str, params: Mapping[str, str], *, count: int) -> Page:
        query = urlencode({**params, "_count": str(count)})
        return self._page(f"{self._base}/{resource}?{query}", resource)

    def go_on(self, next_page: str, resource: str) -> Page:
        """The page that a page named. Raises Unreachable where it lies with somebody else."""
        if not self._is_theirs(next_page):
            # Our token would go there; their server does not know its own address.
            raise Unreachable("next page elsewhere")
        return self._page(next_page, resource)

    def read(self, resource: str, external_id: str) -> dict[str, Any]:
        return self._object(self._ask("GET", f"{self._base}/{resource}/{external_id}"))

    def count(self, resource: str, params: Mapping[str, str]) -> int | None:
        query = urlencode({**params, "_summary": "count"})
        said = self._object(self._ask("GET", f"{self._base}/{resource}?{query}"))
        total = said.get("total")
        return total if isinstance(total, int) else None

    def create(self, resource: Mapping[str, Any], *, unless: str) -> "Written":
        """Raises Refusal. A repeat finds what the first one made, by the search `unless`."""
        headers = {"If-None-Exist": unless, "Prefer": "return=representation"}
        kind = str(resource["resourceType"])
        return self._written(
            self._ask("POST", f"{self._base}/{kind}", body=resource, headers=headers)
        )

    def update(self, resource: Mapping[str, Any], *, version: str) -> "Written":
        """Raises Refusal where another version is in force."""
        headers = {"Prefer": "return=representation"}
        if version:
            headers["If-Match"] = f'W/"{version}"'
        where = f"{self._base}/{resource['resourceType']}/{resource['id']}"
        return self._written(self._ask("PUT", where, body=resource, headers=headers))

    @property
    def _base(self) -> str:
        return self.system.base_url.rstrip("/")

    def _is_theirs(self, url: str) -> bool:
        mine, theirs = urlsplit(self._base), urlsplit(url)
        return (mine.scheme, mine.netloc) == (theirs.scheme, theirs.netloc) and (
            theirs.path.startswith(mine.path)
        )

    def _page(self, url: str, resource: str) -> Page:
        answer = self._ask("GET", url)
        bundle = self._object(answer)
        if bundle.get("resourceType") != "Bundle" or not isinstance(bundle.get("entry", []), list):
            raise Unreachable("not a bundle")
        entries = bundle.get("entry", [])
        if len(entries) > MAX_ENTRIES:
            raise TooBig("too many entries")
        inside = [each.get("resource") if isinstance(each, dict) else each for each in entries]
        along = [each for each in inside if isinstance(each, dict)]
        links = [
            each.get("url") for each in listed(bundle, "link") if each.get("relation") == "next"
        ]
        return Page(
            entries=tuple(each for each in inside if not _came_along(each, resource)),
            next_page=str(links[0]) if links and links[0] else None,
            at=_date(answer.headers),
            found={f"{each.get('resourceType')}/{each.get('id')}": each for each in along},
        )

    def _ask(
        self,
        method: str,
        url: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Answer":
        answer = self._try(method, url, body, headers, token=self._token())
        if answer.status == httpx.codes.UNAUTHORIZED and self.system.sign_in == SignIn.CLIENT:
            answer = self._try(method, url, body, headers, token=self._token(fresh=True))
        status = answer.status
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Unreachable(f"sign-in refused: {status}", after_s=300)
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            raise Unreachable(str(status), after_s=_wait_s(answer.headers))
        if status >= 300:
            raise Refusal(status)
        return answer

    def _try(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        *,
        token: str,
    ) -> "Answer":
        told = {"Accept": FHIR_JSON, **(headers or {})}
        if token:
            told["Authorization"] = f"Bearer {token}"
        if body is not None:
            told["Content-Type"] = f"{FHIR_JSON}; charset=utf-8"
        content = None if body is None else to_json(body).encode()
        return _send(method, url, content=content, headers=told)

    def _token(self, *, fresh: bool = False) -> str:
        secrets = self.system.secrets
        if self.system.sign_in == SignIn.NONE:
            return ""
        if self.system.sign_in == SignIn.BEARER:
            return str(secrets.get("token", ""))
        until = datetime.fromisoformat(secrets.get("access_until", "2000-01-01T00:00:00+00:00"))
        if not fresh and until > self.now + EARLY and secrets.get("access"):
            return str(secrets["access"])
        return self._new_token()

    def _new_token(self) -> str:
        """Client credentials (OAuth 2); kept sealed, for all processes."""
        asked = {"grant_type": "client_credentials"}
        if self.system.scope:
            asked["scope"] = self.system.scope
        answer = _send(
            "POST",
            self.system.token_url,
            content=urlencode(asked).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=(self.system.client_id, str(self.system.secrets.get("client_secret", ""))),
        )
        if answer.status != httpx.codes.OK:
            raise Unreachable(f"no token: {answer.status}", after_s=_wait_s(answer.headers))
        said = self._object(answer)
        if not isinstance(said.get("access_token"), str):
            raise Unreachable("no token")
        lasts = said.get("expires_in")
        lasts_s = int(lasts) if isinstance(lasts, int | Decimal) else 300
        until = self.now + timedelta(seconds=min(max(lasts_s, 0), 86_400))
        fresh = {"access": said["access_token"], "access_until": until.isoformat()}
        self.system.secrets = {**self.system.secrets, **fresh}
        self.system.save(update_fields=["secrets"])
        return str(said["access_token"])

    def _written(self, answer: "Answer") -> "Written":
        try:
            said = self._object(answer)
        except Unreachable:
            said = {}
        place = urlsplit(answer.headers.get("location", "")).path.split("/")
        at = place.index("_history") if "_history" in place else len(place)
        external_id = said.get("id") or (place[at - 1] if at else "")
        meta: Mapping[str, Any] = said["meta"] if isinstance(said.get("meta"), dict) else {}
        etag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
        if not is_id(external_id):
            raise Unreachable("no id")
        version = str(meta.get("versionId") or etag)
        return Written(
            resource=said,
            external_id=external_id,
            version=version if is_id(version) else "",
            updated_at=meta.get("lastUpdated"),
        )

    def _object(self, answer: "Answer") -> dict[str, Any]:
        try:
            # As many digits as they wrote; no NaN.
            said = json.loads(answer.content, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise Unreachable("not JSON") from None
        if not isinstance(said, dict):
            raise Unreachable("not an object")
        return said


@dataclass(frozen=True)
class Written:
    resource: dict[str, Any]  # as they keep it; empty where they did not say
    external_id: str
    version: str
    updated_at: Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    content: bytes


def _send(
    method: str,
    url: str,
    *,
    content: bytes | None,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None = None,
) -> Answer:
    at = urlsplit(url)
    try:
        with _lines(f"{at.scheme}://{at.netloc}").stream(
            method, url, content=content, headers=dict(headers), auth=auth
        ) as answer:
            heard = bytearray()
            for piece in answer.iter_bytes():
                heard += piece
                if len(heard) > MAX_BYTES:
                    raise TooBig("too big")
            return Answer(answer.status_code, answer.headers, bytes(heard))
    except (httpx.HTTPError, httpx.InvalidURL) as broke:
        raise Unreachable(type(broke).__name__) from None


@lru_cache(maxsize=8)
def _lines(origin: str) -> httpx.Client:
    """Connections are kept open between calls; nothing follows a redirect to somewhere else."""
    return httpx.Client(
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=False,
    )


def _came_along(entry: Any, resource: str) -> bool:
    """Whether it is there because something else names it, or is a word of the server's."""
    kind = entry.get("resourceType") if isinstance(entry, dict) else resource
    return kind != resource and isinstance(kind, str)


def _wait_s(headers: httpx.Headers) -> float | None:
    said = headers.get("retry-after", "")
    return min(float(said), MAX_WAIT_S) if said.isdecimal() else None


def _date(headers: httpx.Headers) -> datetime | None:
    try:
        return parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None


def _no_number(_: str) -> None:
    raise ValueError("no number")
