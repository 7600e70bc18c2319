"""python manage.py keys init | add | rewrap | retire | status: the life of the key ring.

A rotation is: add, restart the processes, rewrap, retire. Only the patients' data keys are
wrapped anew, not what they seal, so it takes minutes, and patients go on writing meanwhile.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, QuerySet

from vault import keys
from vault.datakeys import rewrap
from vault.keys import KeyRing
from vault.models import DataKey

BATCH = 500  # data keys read at once; each is written on its own


class Command(BaseCommand):
    help = "Make the key ring, rotate it, and say which of its keys are in use."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        first = acts.add_parser("init", help="make the ring of a new installation")
        first.add_argument("--if-missing", action="store_true", help="keep the ring that is there")
        acts.add_parser("add", help="add a key, which seals from now on")
        acts.add_parser("rewrap", help="wrap every data key under the newest key; resumable")
        acts.add_parser("retire", help="take the old keys off the ring, once nothing needs them")
        acts.add_parser("status", help="say which keys wrap how many data keys")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.VAULT_KEYS)
        if options["act"] == "init":
            self._init(path, keep=options["if_missing"])
            return
        keys.forget()
        try:
            ring = keys.ring()
        except FileNotFoundError as error:
            raise CommandError(f"There is no key ring at {path}; `keys init` makes one.") from error
        match options["act"]:
            case "add":
                self._add(ring, path)
            case "rewrap":
                self._rewrap(ring)
            case "retire":
                self._retire(ring, path)
            case "status":
                self._status(ring)

    def _init(self, path: Path, *, keep: bool) -> None:
        if path.exists():
            if not keep:
                raise CommandError(f"{path} exists; `keys add` adds a key to it.")
            return
        if keys.are_needed():
            # A new ring opens nothing of it, and would hide that the old one is missing.
            raise CommandError(
                f"数据库已加密，但找不到密钥文件 {path}，请从备份中恢复它，不要新建。\n"
                f"The data is sealed, but the key file {path} is missing: restore it from its"
                " backup. A new one would not open anything."
            )
        KeyRing.new().write(path)
        keys.forget()
        self.stdout.write(f"Made {path}. Without it nothing can be read: back it up elsewhere.")

    def _add(self, ring: KeyRing, path: Path) -> None:
        longer = ring.with_new_key()
        longer.write(path)
        keys.forget()
        self.stdout.write(f"{longer.active} seals from now on. Restart the processes, then rewrap.")

    def _rewrap(self, ring: KeyRing) -> None:
        done = 0
        for batch in _batches(wrapped_by_others(ring)):
            done += sum(rewrap(data_key) for data_key in batch)
            self.stdout.write(f"{done} data keys rewrapped.")
        self.stdout.write(f"Everything is under {ring.active}. Next: retire.")

    def _retire(self, ring: KeyRing, path: Path) -> None:
        left = wrapped_by_others(ring).count()
        if left:
            raise CommandError(f"{left} data keys still need an old key: rewrap first.")
        if len(ring.keys) == 1:
            raise CommandError(f"{ring.active} is the only key on the ring.")
        # Old backups open only with the ring of their day.
        old = path.with_name(f"{path.stem}.until-{ring.active}{path.suffix}")
        ring.write(old)
        ring.without_old_keys().write(path)
        keys.forget()
        self.stdout.write(f"Only {ring.active} is left. Move {old} off this machine; old backups")
        self.stdout.write("need it. Restart the processes.")

    def _status(self, ring: KeyRing) -> None:
        living = DataKey.objects.filter(destroyed_at=None)
        uses = dict(living.values_list("ring_key").annotate(Count("id")))
        for key_id in sorted(ring.keys | uses, key=lambda known: int(known[1:])):
            marks = [f"{uses.get(key_id, 0)} data keys"]
            marks += ["active"] if key_id == ring.active else []
            marks += ["NOT ON THE RING"] if key_id not in ring.keys else []
            self.stdout.write(f"{key_id}  {', '.join(marks)}")


def wrapped_by_others(ring: KeyRing) -> QuerySet[DataKey]:
    """Living data keys that the ring's active key does not wrap."""
    return DataKey.objects.filter(destroyed_at=None).exclude(ring_key=ring.active)


def _batches(found: QuerySet[DataKey]) -> Iterator[list[DataKey]]:
    """Batches by id, each read when it is due: one long read would hold SQLite's log open."""
    after = 0
    while batch := list(found.filter(pk__gt=after).order_by("pk")[:BATCH]):
        yield batch
        after = batch[-1].pk
