"""What holds the house together."""

import platform
import re
from importlib import import_module
from pathlib import Path

from celery import current_app

from config.celery import app
from events import EVENTS
from workers import sweeps

ROOT = Path(__file__).parents[2]


def test_the_standard_platform_module_is_not_shadowed() -> None:
    assert platform.python_version().startswith("3.11")
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_each_event_has_one_listener_of_its_name_and_stands_in_the_architecture() -> None:
    import_module("workers.listeners")
    page = (ROOT / "ARCHITECTURE.md").read_text()

    for event in EVENTS:
        assert event.name in app.tasks
        assert f"| `{event.name}` |" in page
    listeners = (ROOT / "workers" / "listeners.py").read_text()
    assert listeners.count("@shared_task") == len(EVENTS)


def test_each_event_that_is_owed_is_rung_again_by_a_sweep() -> None:
    source = (ROOT / "workers" / "sweeps.py").read_text()

    for event in EVENTS:
        assert event.__name__ in source or not event.is_owed


def test_every_sweep_of_the_schedule_is_a_task() -> None:
    assert set(sweeps.SCHEDULE) <= set(current_app.tasks)


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|index-url|find-links", text)
