"""Our rings in kombu's tongue: a virtual transport for Celery, `embedded://`.

Run it with the threads pool: prefork hung for good on embedded transports after a child was killed.
There is no fanout, so workers run without gossip, mingle and remote control.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from threading import Event, Lock, Thread
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from kombu.transport import virtual
from kombu.utils.scheduling import FairCycle

from workers.broker import rings

logger = logging.getLogger(__name__)

POLL_S = 0.02  # how long a ring may lie unseen; 50 reads a second cost 2 % of a core
CALL_LENGTH = 200
RENEW_S = rings.LEASE_S / 3  # two renewals may fail before a lease ends


class Channel(virtual.Channel):
    """Puts rings, claims them, and keeps the leases of those in our hands."""

    body_encoding = "utf-8"  # Celery's body is JSON already

    def __init__(self, transport: "Transport", **options: Any) -> None:
        super().__init__(transport, **options)
        self._held = _Held()

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        with _ready_connection():
            rings.put(queue, json.dumps(message), call=_call(message["headers"]))

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        with _ready_connection():
            claim = rings.claim(queue)
        if claim is None:
            raise Empty
        message: dict[str, Any] = json.loads(claim.envelope)
        message["properties"]["delivery_tag"] = self._held.add(claim)
        message["properties"]["delivery_info"]["redelivered"] = claim.deliveries > 1
        return message

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        # Called by the pool's thread that ran the task.
        claim = self._held.drop(delivery_tag)
        super().basic_ack(delivery_tag, multiple)
        self._look_again()
        if claim is not None:
            with _ready_connection():
                rings.acknowledge(claim)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not requeue:
            self.basic_ack(delivery_tag)
            return
        self._give_back(delivery_tag)
        super().basic_ack(delivery_tag)
        self._look_again()

    def _restore(self, message: Any) -> None:
        """At shutdown: what nobody finished goes to the next worker at once."""
        self._give_back(message.delivery_tag)

    def _give_back(self, delivery_tag: str) -> None:
        claim = self._held.drop(delivery_tag)
        if claim is None:
            return
        try:
            with _ready_connection():
                rings.give_back(claim)
        except DatabaseError:
            logger.warning("a ring was not given back, its lease will end", extra=_of(claim))

    def _look_again(self) -> None:
        transport = self.connection
        if transport is not None:  # None: closed while the task ran
            transport.slot_freed.set()

    def _size(self, queue: str) -> int:
        return rings.size(queue)

    def _purge(self, queue: str) -> int:
        return rings.purge(queue)

    def close(self) -> None:
        super().close()
        self._held.close()


class Transport(virtual.Transport):
    Channel = Channel  # type: ignore[assignment]
    cycle: FairCycle

    driver_type = "sql"
    driver_name = "wenan"
    # Celery connects anew, with growing pauses, when the database was away.
    connection_errors = (  # type: ignore[assignment]
        *virtual.Transport.connection_errors,
        OperationalError,
        InterfaceError,
    )

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.slot_freed = Event()

    def establish_connection(self) -> "Transport":
        with _ready_connection():
            connection.ensure_connection()
        super().establish_connection()
        return self

    def drain_events(self, connection: Any, timeout: Any = None, **_: Any) -> None:
        """Deliver one ring. Times out after one pause: Celery's loop has other things to do."""
        while True:
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                self.slot_freed.wait(POLL_S)
                self.slot_freed.clear()
                if timeout is not None:
                    raise TimeoutError from None

    def driver_version(self) -> str:
        return "1"


class _Held:
    """The rings in our hands. A thread renews their leases until they are dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._claims: dict[str, rings.Claim] = {}
        self._closed = Event()
        self._heart: Thread | None = None

    def add(self, claim: rings.Claim) -> str:
        """Hold a ring; the answer is its delivery tag."""
        tag = f"{claim.ring_id}.{claim.deliveries}"
        with self._lock:
            self._claims[tag] = claim
            if self._heart is None:
                self._heart = Thread(target=self._beat, name="ring-leases", daemon=True)
                self._heart.start()
        return tag

    def drop(self, tag: str) -> rings.Claim | None:
        with self._lock:
            return self._claims.pop(tag, None)

    def close(self) -> None:
        self._closed.set()

    def _beat(self) -> None:
        try:
            while not self._closed.wait(RENEW_S):
                with self._lock:
                    claims = list(self._claims.values())
                if claims:
                    self._renew(claims)
        finally:
            connection.close()

    @staticmethod
    def _renew(claims: list[rings.Claim]) -> None:
        try:
            with _ready_connection():
                rings.renew(claims)
        except DatabaseError:
            logger.warning("leases could not be renewed", exc_info=True)


@contextmanager
def _ready_connection() -> Iterator[None]:
    """Drop this thread's database connection after an error, so that the next try gets a new one.

    Not inside a transaction: that one is the caller's, to roll back.
    """
    try:
        yield
    except (OperationalError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise


def _call(headers: dict[str, Any]) -> str:
    """Task and ids, by which two rings are the same; "" for one that must stand alone."""
    if headers.get("eta") or "task" not in headers:
        return ""  # a task's own retry waits for its time, and nobody may wait with it
    call = f"{headers['task']} {headers['kwargsrepr']}"
    return call if len(call) <= CALL_LENGTH else ""


def _of(claim: rings.Claim) -> dict[str, object]:
    return {"ring": claim.ring_id}
