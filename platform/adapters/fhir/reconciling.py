"""What they have beside what we have: counts, and names of fields; what is missing is fetched.

A comparison reads everything, a page at a time, and changes nothing by itself. With `repair` it
owes what is missing here, and what differs and is theirs to say, to the next exchange.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Min

from adapters.fhir.client import Page, Refusal, Server, Unreachable
from adapters.fhir.filing import Clock, Desk
from adapters.fhir.kinds import KINDS, Reading
from adapters.fhir.mapping.datatypes import Missing, NotForUs, NotReadable, is_id
from adapters.fhir.models import LeftOut, Push, Reconciliation, System
from appointments.models import Appointment, Status
from appointments.ports import APPOINTMENT, AppointmentRecord, SlotRecord
from hospital.models import Hospital
from patients.models import Conflict, ExternalIdentifier
from patients.ports import PATIENT, THEIRS, Origin, differing, index_external

PAGES = 2_000  # of a kind
COUNT = 100
ASKED_AFTER = 200  # records of a kind that were not seen, asked for one by one


@dataclass
class Finding:
    """One kind of record, compared."""

    there: int = 0
    here: int = 0
    missing_here: int = 0
    missing_there: int = 0
    differing: dict[str, int] = field(default_factory=dict)  # by field
    rows_differing: int = 0
    not_readable: int = 0
    is_complete: bool = False  # all pages were read
    failure: str = ""


def reconcile(system: System, *, clock: Clock, repair: bool = False) -> Reconciliation:
    """Compare, and keep what was found."""
    now = clock()
    row = Reconciliation.objects.create(system=system, began_at=now)
    desk = Desk(system, Server(system, now), Hospital.objects.this_one().zone, now, clock)
    found: dict[str, Any] = {}
    for resource in system.fetched_resources():
        comparison = _Comparison(desk, resource, repair=repair)
        found[resource] = asdict(comparison.make())
    row.findings = {"kinds": found, **_owed(system)}
    row.ended_at = clock()
    row.save(update_fields=["findings", "ended_at"])
    return row


def _owed(system: System) -> dict[str, Any]:
    owed = Push.objects.filter(system=system, owed_since__isnull=False)
    oldest = owed.aggregate(oldest=Min("owed_since"))["oldest"]
    return {
        "left_out": LeftOut.objects.filter(system=system).count(),
        "owed": owed.count(),
        "oldest_owed": oldest.isoformat() if oldest else None,
        "conflicts": Conflict.objects.filter(source=system.slug, settled_at=None).count(),
    }


class _Comparison:
    """All records of one kind, theirs beside ours."""

    def __init__(self, desk: Desk, resource: str, *, repair: bool) -> None:
        self._desk, self._resource, self._repair = desk, resource, repair
        self._kind = KINDS[resource]
        self._known = ExternalIdentifier.objects.filter(
            source=desk.system.slug, resource=resource
        ).exclude(patient__erased_at__isnull=False)
        self._finding = Finding(here=self._known.count())
        self._seen: set[str] = set()

    def make(self) -> Finding:
        try:
            page: Page | None = self._first()
            for _ in range(PAGES):
                if page is None:
                    break
                for entry in page.entries:
                    self._compare(entry, page)
                page = self._after(page)
            self._finding.is_complete = page is None
            if self._finding.is_complete:
                self._look_for_unseen()
        except (Unreachable, Refusal) as away:
            self._finding.failure = str(away)[:80]
        return self._finding

    def _first(self) -> Page:
        now = self._desk.now
        params = {**self._kind.always(now), **self._kind.first(now)}
        if self._kind.include:
            params["_include"] = self._kind.include
        return self._desk.server.search(self._resource, params, count=COUNT)

    def _after(self, page: Page) -> Page | None:
        if page.next_page is None:
            return None
        return self._desk.server.go_on(page.next_page, self._resource)

    def _compare(self, raw: Any, page: Page) -> None:
        finding = self._finding
        if not isinstance(raw, dict) or not is_id(raw.get("id")):
            finding.not_readable += 1
            return
        origin = self._desk.origin_of(raw)
        index = index_external(origin, self._resource)
        if index in self._seen:
            return
        self._seen.add(index)
        finding.there += 1
        known = self._known.filter(external_index=index).first()
        try:
            reading = Reading(self._desk.zone, page.found)
            record = self._kind.read(raw, reading)
        except NotForUs:
            finding.there -= 1
            return
        except (NotReadable, Missing, AttributeError, TypeError, ValueError, LookupError):
            finding.not_readable += 1
            return
        if known is None:
            self._note_missing_here(origin, index, record)
        elif self._kind.ours is not None:
            # A merged patient is the one that stayed.
            row_id = known.patient_id if self._resource == PATIENT else known.row_id
            ours = self._kind.ours(row_id or 0)
            names = ["row"] if ours is None else differing(record, ours)
            for name in names:
                finding.differing[name] = finding.differing.get(name, 0) + 1
            finding.rows_differing += bool(names)
            if names and self._repair and self._is_theirs():
                # Filed as they have it, be it older than ours: their house came back from a backup.
                ExternalIdentifier.objects.filter(pk=known.pk).update(wanted_at=self._desk.now)

    def _is_theirs(self) -> bool:
        owner = self._desk.system.owner_of(self._resource)
        return self._kind.has_owner and owner == THEIRS

    def _note_missing_here(self, origin: Origin, index: str, record: Any) -> None:
        erased = ExternalIdentifier.objects.filter(
            source=origin.source, resource=self._resource, external_index=index
        )
        is_past = isinstance(record, SlotRecord | AppointmentRecord) and (
            record.starts_at <= self._desk.now
        )
        if erased.exists() or is_past:
            self._finding.there -= 1
            return
        self._finding.missing_here += 1
        if self._repair:
            LeftOut.objects.get_or_create(
                system=self._desk.system,
                resource=self._resource,
                external_index=index,
                defaults={
                    "data_key_id": self._desk.system.data_key_id,
                    "external_id": origin.external_id,
                    "content": "{}",
                    "reason": "found missing",
                    "first_at": self._desk.now,
                    "last_at": self._desk.now,
                    "try_at": self._desk.now,
                },
            )

    def _look_for_unseen(self) -> None:
        """Those of ours that did not come: deleted there, or outside what was asked for."""
        unseen = [
            each for each in self._known.order_by("pk") if each.external_index not in self._seen
        ]
        for known in unseen[:ASKED_AFTER]:
            external_id = str(known.external_id)
            try:
                self._desk.server.read(self._resource, external_id)
            except Refusal as refusal:
                if refusal.is_gone:
                    self._finding.missing_there += 1
                    self._desk.note_gone(self._resource, external_id)
        if self._resource == APPOINTMENT:
            self._finding.missing_there += self._untold()

    def _untold(self) -> int:
        """Appointments of ours to come that they know nothing of."""
        told = self._known.values("row_id")
        live = Appointment.objects.filter(
            status=Status.BOOKED, slot__starts_at__gt=self._desk.now
        ).exclude(pk__in=told)
        return live.count()


def report(row: Reconciliation) -> list[str]:
    """A reconciliation in lines: kinds, counts, names of fields."""
    lines = [f"{'':<22}{'there':>8}{'here':>8}{'missing here':>14}{'missing there':>15}  differing"]
    for resource, kind in row.findings.get("kinds", {}).items():
        names = ", ".join(f"{name} {count}" for name, count in kind["differing"].items())
        notes = [names, kind["failure"], "" if kind["is_complete"] else "not all read"]
        counts = f"{kind['there']:>8}{kind['here']:>8}{kind['missing_here']:>14}"
        words = "; ".join(note for note in notes if note)
        lines.append(f"{resource:<22}{counts}{kind['missing_there']:>15}  {words}".rstrip())
    found = row.findings
    oldest = found.get("oldest_owed")
    lines += [
        f"left out: {found.get('left_out', 0)}",
        f"differences to settle: {found.get('conflicts', 0)}",
        f"owed to them: {found.get('owed', 0)}" + (f", since {oldest}" if oldest else ""),
    ]
    return lines


def is_clean(row: Reconciliation) -> bool:
    """Whether nothing is missing, differs, or could not be read."""
    kinds = row.findings.get("kinds", {}).values()
    wrong = ("missing_here", "missing_there", "rows_differing", "not_readable", "failure")
    return all(kind["is_complete"] and not any(kind[name] for name in wrong) for kind in kinds)
