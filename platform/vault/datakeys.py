"""Data keys: one for everything of one patient. Destroying it erases that patient."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.db import connection, transaction

from vault import cipher, keys
from vault.models import DataKey

CACHED = 2_000  # data keys held open per process
CACHED_S = 60  # after this long another process' erasure is noticed


class Erased(Exception):
    """The data key was destroyed, and with it everything that it sealed."""


def create_data_key() -> DataKey:
    fresh = DataKey()
    plain = secrets.token_bytes(keys.KEY_BYTES)
    _wrap(fresh, plain)
    fresh.save(force_insert=True)
    _remember(fresh.pk, plain)
    return fresh


def open_data_key(data_key_id: int) -> bytes:
    """The key itself. Raises Erased, UnknownKey, Unreadable."""
    plain = _remembered(data_key_id)
    if plain is None:
        plain = _unwrap(DataKey.objects.get(pk=data_key_id))
        _remember(data_key_id, plain)
    return plain


def open_many(data_key_ids: Iterable[int]) -> None:
    """Open these with one query, for whoever reads many rows next; silent about those erased."""
    missing = {each for each in data_key_ids if _remembered(each) is None}
    for found in DataKey.objects.filter(pk__in=missing, destroyed_at=None):
        with suppress(keys.UnknownKey, cipher.Unreadable):  # said when the row itself is opened
            _remember(found.pk, _unwrap(found))


# Written out: it runs for every message.
_ALIVE = """
SELECT id FROM vault_datakey WHERE id IN ({places}) AND destroyed_at IS NULL ORDER BY id {lock}
"""


def ensure_alive(data_key_ids: Set[int]) -> None:
    """Let nobody destroy these keys before the current transaction commits. Raises Erased.

    For whoever is about to acknowledge what was sealed under them: the cache may not know yet that
    another process destroyed one.
    """
    lock = connection.ops.for_update_sql(no_key=True) if connection.vendor != "sqlite" else ""
    places = ", ".join(["%s"] * len(data_key_ids))
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE.format(places=places, lock=lock), list(data_key_ids))
        if len(cursor.fetchall()) < len(data_key_ids):
            raise Erased


def destroy_data_key(data_key_id: int, *, now: datetime) -> None:
    """Make everything that this key sealed unreadable, for ever. Twice is once."""
    DataKey.objects.filter(pk=data_key_id, destroyed_at=None).update(wrapped=None, destroyed_at=now)
    _open_keys.drop(data_key_id)
    _remember(data_key_id, None)  # drops it again: until the commit others may have opened it


def rewrap(data_key: DataKey) -> bool:
    """Wrap a data key under the ring's active key. False when somebody just did, or erased it."""
    if data_key.wrapped is None:
        return False
    seen = data_key.ring_key
    _wrap(data_key, _unwrap(data_key))
    fresh = DataKey.objects.filter(pk=data_key.pk, ring_key=seen, destroyed_at=None)
    return bool(fresh.update(wrapped=data_key.wrapped, ring_key=data_key.ring_key))


def _wrap(data_key: DataKey, plain: bytes) -> None:
    ring = keys.ring()
    data_key.ring_key = ring.active
    data_key.wrapped = cipher.seal(
        plain, place=_place(data_key), key_id=ring.active, key=ring.keys[ring.active]
    )


def _unwrap(data_key: DataKey) -> bytes:
    if data_key.wrapped is None:
        raise Erased
    return cipher.open_sealed(
        bytes(data_key.wrapped), place=_place(data_key), key=keys.key(data_key.ring_key)
    )


def _place(data_key: DataKey) -> str:
    return f"vault_datakey:wrapped:{data_key.uid}"


@dataclass(frozen=True)
class _OnCommit:
    """What a transaction leaves in the cache when it commits: an open key, or none.

    A transaction that is rolled back gave its data keys' ids back, and the next key gets the same
    one. Until the commit the key waits among what Django does then, and goes with a rollback, be
    it one to a savepoint.
    """

    data_key_id: int
    plain: bytes | None

    def __call__(self) -> None:
        if self.plain is None:
            _open_keys.drop(self.data_key_id)
        else:
            _open_keys.put(self.data_key_id, self.plain)


def _remember(data_key_id: int, plain: bytes | None) -> None:
    transaction.on_commit(_OnCommit(data_key_id, plain))  # at once, where no transaction is open


def _remembered(data_key_id: int) -> bytes | None:
    for entry in reversed(connection.run_on_commit):
        waiting = entry[1]
        if isinstance(waiting, _OnCommit) and waiting.data_key_id == data_key_id:
            return waiting.plain
    return _open_keys.get(data_key_id)


class _OpenKeys:
    """The data keys in use, the least used forgotten first, none trusted for long."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keys: OrderedDict[int, tuple[float, bytes]] = OrderedDict()

    def get(self, data_key_id: int) -> bytes | None:
        with self._lock:
            since, plain = self._keys.get(data_key_id, (0.0, b""))
            if not plain or time.monotonic() - since > CACHED_S:
                self._keys.pop(data_key_id, None)
                return None
            self._keys.move_to_end(data_key_id)
            return plain

    def put(self, data_key_id: int, plain: bytes) -> None:
        with self._lock:
            self._keys[data_key_id] = (time.monotonic(), plain)
            if len(self._keys) > CACHED:
                self._keys.popitem(last=False)

    def drop(self, data_key_id: int) -> None:
        with self._lock:
            self._keys.pop(data_key_id, None)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()


_open_keys = _OpenKeys()
forget = _open_keys.clear
