"""What a worker has at hand before its first message: the model, and the rules of the interview."""

import logging
from threading import Thread
from typing import Any

from celery.signals import worker_process_init, worker_ready
from django.db import connection

from events.logs import kind_and_place
from triage.services import rules_in_force
from workers.understanding import warm_up as warm_up_model

logger = logging.getLogger(__name__)


@worker_process_init.connect  # type: ignore[untyped-decorator]
@worker_ready.connect  # type: ignore[untyped-decorator]
def warm_up(**_: Any) -> None:
    """Load them beside the first messages: a child of Celery's that starts slowly is killed.

    With prefork the parent warms up too, and never needs it; it has the time.
    """
    Thread(target=_in_its_own_thread, name="warm-up", daemon=True).start()


def _in_its_own_thread() -> None:
    try:
        warm_up_now()
    finally:
        connection.close()  # a thread's own


def warm_up_now() -> None:
    """Load and compile them. What fails is logged, and tried again at the first message."""
    warm_up_model()
    try:
        rules_in_force().warm_up()
    except Exception as error:
        logger.error("warm-up failed", extra=kind_and_place(error))
