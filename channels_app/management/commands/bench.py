"""What the promises cost: the full, stored path beside a bare chat that keeps nothing."""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from channels_app.rehearsal.house import ROOT, OwnHouse
from channels_app.rehearsal.load import Load, Result
from channels_app.rehearsal.report import percentile, table

AT_ONCE = 16  # patients who write at the same time
PATIENTS = 48  # of one round; each has a nurse who looks at that conversation
EACH = 18  # messages of one patient: below the house's limit a minute
MIN_SHARE, MAX_TIMES = 0.5, 3.0  # goals: throughput at least, p99 at most, beside the bare chat
SERVERS = ROOT / "tests" / "harness" / "servers.py"


@dataclass
class Contender:
    """One server under load, and what was measured so far."""

    name: str
    house: OwnHouse
    sessions: list[str] = field(default_factory=list)
    cases: list[tuple[str, int]] = field(default_factory=list)  # not yet written with
    rounds: list[Result] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Messages a second."""
        took_s = sum(each.took_s for each in self.rounds)
        return sum(len(each.seen_s) for each in self.rounds) / took_s if took_s else 0.0

    def ms(self, share: float) -> float:
        return 1000 * percentile([s for each in self.rounds for s in each.seen_s], share)

    @property
    def missed(self) -> int:
        return sum(each.missed for each in self.rounds)


class Command(BaseCommand):
    help = "Measure messages a second and the time from a patient to a nurse's screen."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--rounds", type=int, default=3, help="of each server, in turns")
        add(
            "--patients",
            type=int,
            default=PATIENTS,
            help=f"of one round; each writes {EACH} messages",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rounds, patients = options["rounds"], max(AT_ONCE, options["patients"])
        with ExitStack() as stack:
            pairs = [
                (
                    stack.enter_context(_bare(_("bare, in memory"), {}, rounds, patients)),
                    stack.enter_context(_stored(_("stored, SQLite"), {}, rounds, patients)),
                )
            ]
            if servers := stack.enter_context(_servers()):
                bare, stored = _("bare, Redis"), _("stored, PostgreSQL + Redis")
                pairs.append(
                    (
                        stack.enter_context(_bare(bare, servers, rounds, patients)),
                        stack.enter_context(_stored(stored, servers, rounds, patients)),
                    )
                )
            else:
                self.stdout.write(
                    _(
                        "PostgreSQL + Redis left out: install postgresql and redis-server, or set"
                        " BENCH_DATABASE_URL (empty database) and BENCH_REDIS_URL."
                    )
                )
            self._measure(list(chain(*pairs)), rounds=rounds, patients=patients)
        self.stdout.write(table(_rows(pairs)))

    def _measure(self, contenders: Sequence[Contender], *, rounds: int, patients: int) -> None:
        """By turns, so that what else this machine does falls on all of them."""
        for contender in contenders:
            _load(contender, patients=patients)  # to warm up
        for number in range(rounds):
            for contender in contenders:
                self.stderr.write(f"{number + 1}/{rounds} {contender.name}")
                contender.rounds.append(_load(contender, patients=patients))


def _load(contender: Contender, *, patients: int) -> Result:
    taken, contender.cases = contender.cases[:patients], contender.cases[patients:]
    load = Load(
        url=contender.house.url,
        sessions=contender.sessions,
        at_once=AT_ONCE,
        cases=taken,
        each=EACH,
    )
    done = subprocess.run(
        [sys.executable, "-m", "channels_app.rehearsal.load"],
        cwd=ROOT,
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Result(**json.loads(done.stdout))


def _rows(pairs: Sequence[tuple[Contender, Contender]]) -> list[Sequence[str]]:
    head = ("", _("messages/s"), "p50", "p99", _("missed"))
    measured = [
        (c.name, f"{c.rate:.0f}", f"{c.ms(0.5):.0f} ms", f"{c.ms(0.99):.0f} ms", str(c.missed))
        for c in chain(*pairs)
    ]
    return [head, *measured, *(_ratio(stored, bare) for bare, stored in pairs)]


def _ratio(stored: Contender, bare: Contender) -> tuple[str, ...]:
    share = stored.rate / bare.rate if bare.rate else 0.0
    times = stored.ms(0.99) / bare.ms(0.99) if bare.ms(0.99) else 0.0
    met = share >= MIN_SHARE and times <= MAX_TIMES
    verdict = _("goal met") if met else _("goal missed")
    return (f"{stored.name} / {bare.name}", f"{share:.2f}", "", f"{times:.1f} ×", verdict)


@contextmanager
def _bare(name: str, servers: dict[str, str], rounds: int, patients: int) -> Iterator[Contender]:
    """A bare Channels chat on the same server with the same flags; see `rehearsal.bare`."""
    with _house(servers) as house:
        house.start_instead("web", application="channels_app.rehearsal.bare:application")
        house.wait_until_ready("/healthz")
        yield Contender(name, house, cases=[("", 0)] * (1 + rounds) * patients)


@contextmanager
def _stored(name: str, servers: dict[str, str], rounds: int, patients: int) -> Iterator[Contender]:
    with _house(servers) as house:
        furnished = house.furnish(nurses=patients, cases=(1 + rounds) * patients)
        house.start()
        house.wait_until_ready()
        yield Contender(name, house, furnished.sessions, furnished.cases)


@contextmanager
def _house(environment: dict[str, str]) -> Iterator[OwnHouse]:
    with (
        tempfile.TemporaryDirectory(prefix="wenan-bench-") as var,
        OwnHouse(Path(var), environment) as house,
    ):
        yield house


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    """Addresses of a PostgreSQL and a Redis: given, or our own where they are installed."""
    given = {n: os.environ.get(f"BENCH_{n}", "") for n in ("DATABASE_URL", "REDIS_URL")}
    if all(given.values()):
        yield given
        return
    harness = _harness()
    if harness is None or any("PostgreSQL" in m or "Redis" in m for m in harness.missing()):
        yield {}
        return
    with harness.postgres() as database, harness.redis() as redis:
        yield {"DATABASE_URL": database, "REDIS_URL": redis}


def _harness() -> Any:
    """The tests' own servers, where this is a checkout with its development tools."""
    spec = spec_from_file_location("harness_servers", SERVERS)
    if spec is None or spec.loader is None or not SERVERS.exists():
        return None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError:
        return None
    return module
