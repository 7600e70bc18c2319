"""One resource of an outside system, filed in its room; or left out, kept with the reason.

Nothing that comes is lost: what can't be filed is a row, sealed, that is tried again where time or
another record may help, and shown to an admin. No transaction is open while we speak with them.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import QuerySet

from adapters.fhir import validation
from adapters.fhir.client import Refusal, Server, Unreachable
from adapters.fhir.kinds import KINDS, Reading
from adapters.fhir.mapping.datatypes import (
    Missing,
    NotForUs,
    NotReadable,
    Resource,
    is_id,
    moment_of,
)
from adapters.fhir.models import LeftOut, System
from events.logs import kind_and_place
from patients.models import Conflict, ExternalIdentifier
from patients.ports import (
    Contradiction,
    Filed,
    Origin,
    Outcome,
    UnknownReference,
    index_external,
    note_conflict,
    note_contradiction,
)
from vault.cipher import blind_index

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

RUN = timedelta(seconds=120)  # a task that runs for five minutes is ended
TRIES = 12  # over three days
AGAIN = timedelta(minutes=1)  # doubled each time, to a day
AT_MOST = timedelta(days=1)
A_DAY_AHEAD = timedelta(days=1)
KEPT = timedelta(days=30)
PARTS = 100  # of one resource, asked for one by one
DEPTH = 3  # an appointment's slot's schedule
AT_ONCE = 50


@dataclass
class Desk:
    """Files what one system says."""

    system: System
    server: Server
    zone: ZoneInfo
    now: datetime
    clock: Clock
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, resource: str, raw: Any, found: dict[str, Resource]) -> Outcome | None:
        """File one entry; None: it was left out. Raises Unreachable, and DatabaseError."""
        reason, again, contradicts = "", False, None
        try:
            filed = self._file(resource, raw, found)
            self._no_more_left_out(resource, raw)
            return self._counted(filed.outcome)
        except NotForUs:
            self._no_more_left_out(resource, raw)
            return self._counted(Outcome.IGNORED)
        except NotReadable as unclear:
            reason = f"not readable: {unclear}"
        except Missing:
            reason, again = "a part is missing", True
        except UnknownReference as unknown:
            reason, again = f"unknown {unknown.resource}", True
        except Contradiction as other:
            reason, again = "contradicts another record", True
            contradicts = other.args[0] if resource == "Patient" else None
        except (DatabaseError, Refusal) as error:
            if isinstance(error, OperationalError):
                raise  # the house is ill, not a record: all of it is fetched again
            reason, again = type(error).__name__, True
        except Unreachable:
            raise
        except Exception as error:  # one that breaks keeps no other from being read
            reason = f"broken: {type(error).__name__}"
            told = {"system": self.system.slug, "kind": resource, **kind_and_place(error)}
            logger.error("record left out", extra=told)
        if contradicts is not None:
            origin = Origin(self.system.slug, str(raw["id"]))
            note_contradiction(origin, patient_id=contradicts, now=self.now)
        self._leave_out(resource, raw, reason, again=again)
        return None

    def fetch(self, resource: str, external_id: str) -> Outcome | None:
        """Ask for one by its number, and file it. Raises Unreachable, Refusal."""
        return self.take(resource, self.server.read(resource, external_id), {})

    def is_late(self) -> bool:
        """Whether the worker that speaks with them is needed elsewhere; the next run goes on."""
        return self.clock() - self.now > RUN

    def fetch_owed(self) -> None:
        """What was left out before, and what a person wants to have as they have it."""
        owed = LeftOut.objects.owed(now=self.now).filter(system=self.system)
        for row in owed.order_by("try_at")[:AT_ONCE]:
            if self.is_late():
                return
            self._again(row.resource, str(row.external_id))
        wanted = ExternalIdentifier.objects.filter(
            source=self.system.slug, wanted_at__isnull=False
        ).exclude(patient__erased_at__isnull=False)
        for known in wanted.order_by("wanted_at")[:AT_ONCE]:
            if self.is_late():
                return
            self._again(known.resource, str(known.external_id))

    def _again(self, resource: str, external_id: str) -> None:
        try:
            self.fetch(resource, external_id)
        except Refusal as refusal:
            if refusal.is_gone:
                self.note_gone(resource, external_id)
            else:
                self._left_out(resource, external_id).update(try_at=self.now + AT_MOST)

    def _left_out(self, resource: str, external_id: str) -> QuerySet[LeftOut]:
        index = index_external(Origin(self.system.slug, external_id), resource)
        return LeftOut.objects.filter(system=self.system, resource=resource, external_index=index)

    def note_gone(self, resource: str, external_id: str) -> None:
        """They have it no more: what became of ours is a person's to say."""
        origin = Origin(self.system.slug, external_id)
        index = index_external(origin, resource)
        known = ExternalIdentifier.objects.filter(
            source=self.system.slug, resource=resource, external_index=index
        ).first()
        self._left_out(resource, external_id).delete()
        if known is not None:
            ExternalIdentifier.objects.filter(pk=known.pk).update(wanted_at=None)
            note_conflict(Conflict.Kind.GONE, origin, resource, identifier=known, now=self.now)

    # --- filing ----------------------------------------------------------------------------------

    def _file(
        self, resource: str, raw: Any, found: dict[str, Resource], *, depth: int = DEPTH
    ) -> Filed:
        if not isinstance(raw, dict) or raw.get("resourceType") != resource:
            raise NotReadable("resourceType")
        if not is_id(raw.get("id")):
            raise NotReadable("id")
        validation.check(raw)
        kind = KINDS[resource]
        record = self._read(resource, raw, found)
        origin = self.origin_of(raw)
        owner = self.system.owner_of(resource)
        for _ in range(DEPTH):
            try:
                return kind.file_it(record, raw, origin=origin, owner=owner, now=self.now)
            except UnknownReference as unknown:
                if not depth or not self._brought(unknown, depth=depth - 1):
                    raise
        return kind.file_it(record, raw, origin=origin, owner=owner, now=self.now)

    def _read(self, resource: str, raw: dict[str, Any], found: dict[str, Resource]) -> Any:
        """A resource in the house's words; parts that did not come along are asked for."""
        for _ in range(PARTS):
            try:
                return KINDS[resource].read(raw, Reading(self.zone, found))
            except Missing as missing:
                kind, _, external_id = missing.reference.rpartition("/")
                kind = kind.rpartition("/")[2]
                if not is_id(external_id) or not kind.isalpha() or missing.reference in found:
                    raise
                found = {**found, f"{kind}/{external_id}": self.server.read(kind, external_id)}
        raise NotReadable("too many parts")

    def _brought(self, unknown: UnknownReference, *, depth: int) -> bool:
        """Whether what was named could be filed first."""
        if unknown.resource not in self.system.fetched_resources() or not is_id(
            unknown.external_id
        ):
            return False
        try:
            raw = self.server.read(unknown.resource, unknown.external_id)
            filed = self._file(unknown.resource, raw, {}, depth=depth)
        except (Refusal, NotReadable, Contradiction):
            return False
        return filed.row_id is not None

    def origin_of(self, raw: Resource) -> Origin:
        meta = raw.get("meta") or {}
        version = str(meta.get("versionId") or "")
        at = moment_of(meta.get("lastUpdated"), zone=self.zone)
        return Origin(
            source=self.system.slug,
            external_id=str(raw["id"]),
            # A change in the year 9999 would make every later one stale.
            updated_at=min(at, self.now + A_DAY_AHEAD) if at else None,
            version=version if is_id(version) else "",
        )

    def _counted(self, outcome: Outcome) -> Outcome:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        return outcome

    # --- leaving out -----------------------------------------------------------------------------

    @transaction.atomic
    def _leave_out(self, resource: str, raw: Any, reason: str, *, again: bool) -> None:
        external_id = raw.get("id") if isinstance(raw, dict) else None
        has_id = is_id(external_id)
        known = LeftOut.objects.filter(
            system=self.system, resource=resource, external_index=self._index(resource, raw)
        ).first()
        row = known or LeftOut(
            system=self.system,
            data_key_id=self.system.data_key_id,
            resource=resource,
            external_id=external_id if has_id else None,
            external_index=self._index(resource, raw),
            first_at=self.now,
        )
        row.content, row.reason, row.last_at = _as_it_came(raw), reason[:160], self.now
        row.tries += 1
        wait = min(AGAIN * 2 ** min(row.tries - 1, 20), AT_MOST)
        row.try_at = self.now + wait if again and has_id and row.tries < TRIES else None
        row.save()
        self.counts["left out"] = self.counts.get("left out", 0) + 1

    def _no_more_left_out(self, resource: str, raw: Resource) -> None:
        LeftOut.objects.filter(
            system=self.system, resource=resource, external_index=self._index(resource, raw)
        ).delete()

    def _index(self, resource: str, raw: Any) -> str:
        if isinstance(raw, dict) and is_id(raw.get("id")):
            return index_external(Origin(self.system.slug, str(raw["id"])), resource)
        return blind_index(_as_it_came(raw), purpose="external.left_out")


def forget_old(*, now: datetime) -> None:
    """Throw away what was left out long ago: it may be of somebody who was erased since."""
    LeftOut.objects.filter(last_at__lt=now - KEPT).delete()


def _as_it_came(raw: Any) -> str:
    try:
        return json.dumps(raw, default=str)  # ASCII: half a character can't be sealed
    except (RecursionError, ValueError):
        return "{}"
