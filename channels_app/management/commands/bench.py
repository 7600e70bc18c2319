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
from urllib.parse import urlsplit

import psycopg
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adapters.twilio.stand_in import TwilioStandIn
from channels_app.rehearsal.house import ROOT, OwnHouse
from channels_app.rehearsal.load import Load, Result
from channels_app.rehearsal.report import percentile, table
from channels_app.rehearsal.talking import REFERENCE, Heard, Talking

AT_ONCE = 16  # patients who write at the same time
PATIENTS = 48  # of one round; each has a nurse who looks at that conversation
EACH = 18  # messages of one patient: below the house's limit a minute
MIN_SHARE, MAX_TIMES = 0.5, 3.0  # goals: throughput at least, p99 at most, beside the bare chat
RATE = 20.0  # messages a second of patients who talk with the assistant
WARM_UP_S, TALK_S = 10.0, 60.0
TALKERS = 6  # for each second of it: enough that somebody is always free to say the next message
ANSWERED_WITHIN_S = 1.0  # goal for the p99 of every skill, model included
NEEDED = ("PostgreSQL", "RabbitMQ", "Redis")
_LEFT_OUT = gettext_lazy(
    "PostgreSQL + RabbitMQ + Redis left out: install postgresql, rabbitmq-server and redis-server,"
    " or set BENCH_DATABASE_URL, BENCH_BROKER_URL and BENCH_REDIS_URL."
)
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
        add("--only", choices=["chat", "skills"], help="one of the two measurements")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["only"] != "skills":
            self._chat(rounds=options["rounds"], patients=max(AT_ONCE, options["patients"]))
        if options["only"] != "chat":
            self._skills()

    def _skills(self) -> None:
        """How long a patient waits for the answer of each skill, at a steady rate."""
        with _servers() as servers:
            houses: list[tuple[str, dict[str, str]]] = [("SQLite", {})]
            if servers:
                houses.append(("PostgreSQL + RabbitMQ + Redis", servers))
            else:
                self.stdout.write(str(_LEFT_OUT))
            for name, environment in houses:
                self._talk(_("talking with the assistant, %(on)s") % {"on": name}, environment)

    def _talk(self, title: str, environment: dict[str, str]) -> None:
        with _house(environment) as house, TwilioStandIn() as sms:  # who sends the one-time codes
            house.furnish()
            account = {"settings": sms.settings(), "secrets": sms.secrets()}
            house.ward("open", told=json.dumps([{"slug": "sms", "kind": "twilio", **account}]))
            house.start()
            house.wait_until_ready()
            for seconds in (WARM_UP_S, TALK_S):
                talking = Talking(house.url, RATE, seconds, int(TALKERS * seconds))
                heard = Heard(**_in_a_process("talking", asdict(talking)))
        self.stdout.write(f"{title}\n{table(_skill_rows(heard))}")
        said = _("%(rate)s messages/s; missed %(missed)s; not said in time %(late)s")
        rate = heard.sent / heard.took_s if heard.took_s else 0.0
        told = {"rate": f"{rate:.1f}", "missed": str(heard.missed), "late": str(heard.late)}
        self.stdout.write(said % told)

    def _chat(self, *, rounds: int, patients: int) -> None:
        with ExitStack() as stack:
            pairs = [
                (
                    stack.enter_context(_bare(_("bare, in memory"), {}, rounds, patients)),
                    stack.enter_context(_stored(_("stored, SQLite"), {}, rounds, patients)),
                )
            ]
            if servers := stack.enter_context(_servers()):
                bare, stored = _("bare, Redis"), _("stored, PostgreSQL + RabbitMQ + Redis")
                pairs.append(
                    (
                        stack.enter_context(_bare(bare, servers, rounds, patients)),
                        stack.enter_context(_stored(stored, servers, rounds, patients)),
                    )
                )
            else:
                self.stdout.write(str(_LEFT_OUT))
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
    return Result(**_in_a_process("load", asdict(load)))


def _in_a_process(name: str, told: dict[str, Any]) -> dict[str, Any]:
    """What a module of `rehearsal` makes of one JSON; a process of its own shares nobody's time."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", f"channels_app.rehearsal.{name}"],
        cwd=ROOT,
        input=json.dumps(told),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def _skill_rows(heard: Heard) -> list[Sequence[str]]:
    """A line for each service; its p99 beside that of a greeting, which no skill or model makes."""
    reference = percentile(heard.answered_s.get(REFERENCE, [0.0]), 0.99)
    rows: list[Sequence[str]] = [
        (_("answer of"), _("messages"), "p50", "p99", f"/ {REFERENCE}", "")
    ]
    for service, times in heard.answered_s.items():
        p99 = percentile(times, 0.99)
        verdict = _("goal met") if p99 < ANSWERED_WITHIN_S else _("goal missed")
        ratio = f"{p99 / reference:.1f} ×" if reference else ""
        ms = (f"{1000 * percentile(times, 0.5):.0f} ms", f"{1000 * p99:.0f} ms")
        rows.append((service, str(len(times)), *ms, ratio, verdict))
    return rows


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
    """PostgreSQL, RabbitMQ and Redis: given, or our own where they are installed; else nothing."""
    names = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")
    given = {name: os.environ.get(f"BENCH_{name}", "") for name in names}
    harness = _harness()
    if all(given.values()):
        with _own_database(given["DATABASE_URL"]) as url:
            yield {**given, "DATABASE_URL": url}
    elif harness is None or any(name in line for line in harness.missing() for name in NEEDED):
        yield {}
    else:
        with harness.postgres() as url, harness.rabbitmq() as broker, harness.redis() as redis:
            yield dict(zip(names, (url, broker, redis), strict=True))


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    """An empty one on the server that is named, gone afterwards."""
    name = f"wenan_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
