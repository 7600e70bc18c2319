"""Celery: who rings the workers, on one machine and on many.

With no BROKER_URL the broker is our own database (`workers.broker`); with one it is RabbitMQ.
Either way a ring is only a doorbell: the row is the debt, and a sweep rings again.
"""

import logging
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init, worker_ready
from django.conf import settings
from django.db import close_old_connections, connections
from kombu.entity import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
TRANSPORT_ALIASES["embedded"] = "workers.broker.transport:Transport"

QUEUE = "wenan"
DEAD = "wenan.dead"  # RabbitMQ only; the embedded broker marks the row
MAX_DELIVERIES = 5  # of one ring, before it counts as the cause of the crashes
BROKER_TIMEOUT_S = 2  # nothing waits longer for a broker that does not answer
FILE_OPEN_S = 60  # a worker opens its SQLite file anew after so long, should it have been replaced
ASKS_EVERY_MS = 8  # whether it may write there: who waits at a screen, or calls us, goes first

logger = logging.getLogger(__name__)


def configuration() -> dict[str, Any]:
    return ALWAYS | (rabbitmq(settings.BROKER_URL) if settings.BROKER_URL else EMBEDDED)


ALWAYS: dict[str, Any] = {
    "include": ["workers.listeners", "workers.sweeps", "workers.warming"],
    "timezone": "UTC",
    "task_default_queue": QUEUE,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_publish_retry": False,  # a ring that fails is rung again by the sweep
    "task_time_limit": 240,  # seconds; RabbitMQ takes a ring back from a worker that is longer away
    "task_soft_time_limit": 210,
    "result_expires": None,  # no results, so nothing to clean up every night
    "worker_prefetch_multiplier": 1,
    "worker_concurrency": int(os.environ.get("WORKER_CONCURRENCY", "2")),
    "worker_enable_remote_control": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    # Celery closes every connection, and PostgreSQL's pool, before and after each task. Never so
    # here: see `look_after_connections`.
    "CELERY_DB_REUSE_MAX": sys.maxsize,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # for ever: a hospital's worker waits for its broker
}
EMBEDDED: dict[str, Any] = {
    "broker_url": "embedded://database",
    # Rings inside transactions hold a connection object while they wait for SQLite's one writer.
    # With fewer objects than threads, the writer could be waiting for one of those.
    "broker_pool_limit": 256,
    "worker_pool": "threads",  # prefork hangs on embedded transports when a child is killed
}


def rabbitmq(url: str) -> dict[str, Any]:
    """Quorum queues: confirmed when stored on a majority, dead letters after too many crashes."""
    exchange = Exchange(QUEUE, type="topic")  # Celery's delayed delivery knows only topics
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": MAX_DELIVERIES - 1,  # RabbitMQ counts those after the first
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD,
    }
    queue = Queue(QUEUE, exchange, routing_key=QUEUE, queue_arguments=arguments)
    return {
        "broker_url": url,
        "broker_heartbeat": 10,  # seconds; a half-open connection is noticed after 24
        "broker_connection_timeout": BROKER_TIMEOUT_S,
        "broker_transport_options": {
            "confirm_publish": True,
            "read_timeout": BROKER_TIMEOUT_S,
            "write_timeout": BROKER_TIMEOUT_S,
        },
        "task_default_queue_type": "quorum",
        "task_default_exchange": QUEUE,
        "task_default_exchange_type": "topic",
        "task_default_routing_key": QUEUE,
        "task_queues": [queue],
        "worker_pool": "prefork",
    }


app = Celery("wenan")
app.add_defaults(configuration)


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_djangos_logging(**_: object) -> None:
    """Anybody who answers this signal keeps Celery from setting up logs of its own."""


@worker_init.connect  # type: ignore[untyped-decorator]
def share_the_file(**_: object) -> None:
    """A thread keeps its SQLite connection from task to task; PostgreSQL has a pool for that."""
    for database in connections.settings.values():
        if database["ENGINE"].endswith("sqlite3"):
            database["CONN_MAX_AGE"] = FILE_OPEN_S
            database["OPTIONS"]["ask_every_ms"] = ASKS_EVERY_MS


@task_prerun.connect  # type: ignore[untyped-decorator]
@task_postrun.connect  # type: ignore[untyped-decorator]
def look_after_connections(sender: Any, **_: object) -> None:
    """Close what is broken or old, as Django does it around a request."""
    if not sender.request.is_eager:
        close_old_connections()


@worker_ready.connect  # type: ignore[untyped-decorator]
def declare_dead_letters(**_: object) -> None:
    """RabbitMQ drops dead letters that have no queue to go to."""
    if not settings.BROKER_URL:
        return
    with app.connection_for_write() as connection:
        Queue(DEAD, queue_arguments={"x-queue-type": "quorum"})(
            connection.default_channel
        ).declare()
