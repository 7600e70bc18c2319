"""Tasks for a real worker under test. They tell what they did by adding lines to a file."""

import os
import signal
import time
from pathlib import Path

from celery import shared_task
from django.db.backends.signals import connection_created
from django.dispatch import receiver


def _note(line: str) -> None:
    with Path(os.environ["NAP_NOTES"]).open("a") as notes:
        notes.write(line + "\n")


@shared_task(name="nap.take")
def take(*, number: int, milliseconds: int) -> None:
    _note(f"start {number}")
    time.sleep(milliseconds / 1000)
    _note(f"end {number}")


@shared_task(name="nap.die")
def die(*, number: int) -> None:
    _note(f"start {number}")
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="nap.count")
def count(*, number: int) -> None:
    _note(f"opened {len(_opened)}")


_opened: list[str] = []


@receiver(connection_created)
def _note_connection(**_: object) -> None:
    _opened.append("one")
