"""A FHIR server on this machine: it keeps versions, pages, counts, and fails on demand."""

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

from adapters.fhir.mapping.datatypes import references
from adapters.rehearsal.stand_in import Asked, Listening, Said

BASE = "/fhir"


class FhirStandIn(Listening):
    """`put` and `delete` are what the hospital's own staff do; `asked` is what we asked."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.deleted: set[str] = set()
        self.unsupported: set[str] = set()  # kinds that it does not know
        self.tokens: set[str] = set()  # none: nobody has to sign in
        self.client = ("wenan", secrets.token_hex(8))
        self.retry_after = ""
        self.includes = True  # False: it ignores _include
        self.sorts = True
        self.spoil: Callable[[dict[str, Any]], Any] = lambda bundle: (
            bundle
        )  # a page, before it goes
        self.elsewhere = ""  # where it believes to be
        self._ids = count(1)
        self._searches: dict[str, list[dict[str, Any]]] = {}

    @property
    def base_url(self) -> str:
        return f"{self.url}{BASE}"

    def put(
        self, resource: Mapping[str, Any], *, at: datetime | None = None, version: str = ""
    ) -> dict[str, Any]:
        """Store a new version; `at` is when it was changed."""
        kind, external_id = resource["resourceType"], resource["id"]
        before = self.rows[kind].get(external_id)
        number = version or str(int(before["meta"]["versionId"]) + 1 if before else 1)
        moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds")
        meta = {"versionId": number, "lastUpdated": moment.replace("+00:00", "Z")}
        self.rows[kind][external_id] = {**resource, "meta": meta}
        self.deleted.discard(f"{kind}/{external_id}")
        return self.rows[kind][external_id]

    def delete(self, kind: str, external_id: str) -> None:
        del self.rows[kind][external_id]
        self.deleted.add(f"{kind}/{external_id}")

    def asked_for(self, kind: str) -> list[Asked]:
        return [each for each in self.asked if each.path.startswith(f"{BASE}/{kind}")]

    def answer(self, asked: Asked) -> Said:
        if fault := self.next_fault():
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            if fault.breaks:
                self._carry_out(asked)
                return Said(breaks=True)
            if fault.code:
                return Said(fault.code.encode(), headers=headers)
            if fault.status:
                return Said({}, status=fault.status, headers=headers, delay_s=fault.delay_s)
        if asked.path == "/token":
            return self._token(asked)
        if self.tokens:
            given = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if given not in self.tokens:
                return Said({}, status=401)
        return self._carry_out(asked)

    def _token(self, asked: Asked) -> Said:
        if dict(parse_qsl(asked.body.decode())).get("grant_type") != "client_credentials":
            return Said({"error": "unsupported_grant_type"}, status=400)
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return Said({"access_token": token, "expires_in": 300, "token_type": "bearer"})

    def _carry_out(self, asked: Asked) -> Said:
        parts = asked.path.removeprefix(BASE).strip("/").split("/")
        if asked.method == "GET" and parts == [""]:
            return self._page(asked.query["_getpages"], int(asked.query["_offset"]), asked.query)
        kind = parts[0]
        if kind in self.unsupported:
            return Said({}, status=404)
        if asked.method == "POST":
            return self._create(kind, asked)
        if asked.method == "PUT":
            return self._update(kind, parts[1], asked)
        return self._read(kind, parts[1]) if len(parts) == 2 else self._search(kind, asked.query)

    def _read(self, kind: str, external_id: str) -> Said:
        if f"{kind}/{external_id}" in self.deleted:
            return Said({}, status=410)
        row = self.rows[kind].get(external_id)
        return Said(row) if row else Said({}, status=404)

    def _search(self, kind: str, query: Mapping[str, str]) -> Said:
        rows = list(self.rows[kind].values())
        if since := query.get("_lastUpdated", "").removeprefix("ge"):
            rows = [each for each in rows if each["meta"]["lastUpdated"] >= since]
        if query.get("_summary") == "count":
            return Said({"resourceType": "Bundle", "type": "searchset", "total": len(rows)})
        if self.sorts:
            rows.sort(key=lambda each: str(each["meta"]["lastUpdated"]))
        search = f"s{next(self._ids)}"
        self._searches[search] = rows
        return self._page(search, 0, query)

    def _page(self, search: str, offset: int, query: Mapping[str, str]) -> Said:
        if search not in self._searches:
            return Said({}, status=410)
        size = int(query.get("_count", "10"))
        rows = self._searches[search][offset : offset + size]
        entries = [{"resource": each, "search": {"mode": "match"}} for each in rows]
        if self.includes and "_include" in query:
            for named in {ref for each in rows for ref in references(each)}:
                kind, _, external_id = named.partition("/")
                if kind != "Patient" and (along := self.rows[kind].get(external_id)):
                    entries.append({"resource": along, "search": {"mode": "include"}})
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": []}
        if offset + size < len(self._searches[search]):
            more = {"_getpages": search, "_offset": str(offset + size), "_count": str(size)}
            if "_include" in query:
                more["_include"] = query["_include"]
            at = self.elsewhere or self.base_url
            bundle["link"] = [{"relation": "next", "url": f"{at}?{urlencode(more)}"}]
        return Said(self.spoil(bundle))

    def forget_searches(self) -> None:
        """As a server does after some minutes."""
        self._searches.clear()

    def _create(self, kind: str, asked: Asked) -> Said:
        unless = dict(parse_qsl(asked.headers.get("if-none-exist", ""))).get("identifier", "")
        for row in self.rows[kind].values() if unless else ():
            numbers = [f"{each.get('system')}|{each.get('value')}" for each in row["identifier"]]
            if unless in numbers:
                return self._written(row, 200)
        external_id = f"{kind.lower()}-{next(self._ids)}"
        return self._written(self.put({**json.loads(asked.body), "id": external_id}), 201)

    def _update(self, kind: str, external_id: str, asked: Asked) -> Said:
        row = self.rows[kind].get(external_id)
        if row is None:
            return Said({}, status=405)
        wanted = asked.headers.get("if-match", "").removeprefix("W/").strip('"')
        if wanted and wanted != row["meta"]["versionId"]:
            return Said({}, status=412)
        return self._written(self.put(json.loads(asked.body)), 200)

    def _written(self, row: Mapping[str, Any], status: int) -> Said:
        where = f"{self.base_url}/{row['resourceType']}/{row['id']}/_history/1"
        headers = {"ETag": f'W/"{row["meta"]["versionId"]}"', "Location": where}
        return Said(row, status=status, headers=headers)
