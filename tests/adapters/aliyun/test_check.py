"""A check says which step fails, and what to do."""

from typing import Any

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]


def _told(adapter: Any) -> list[tuple[str, bool]]:
    return [(str(step.name), step.works) for step in adapter.check()]


def _hints(adapter: Any) -> list[str]:
    return [str(step.hint) for step in adapter.check() if not step.works]


def test_all_is_well(adapter: Any, vendor: Any) -> None:
    steps = adapter.check()

    assert [step.works for step in steps] == [True] * 5
    assert vendor.sent == []


@pytest.mark.parametrize(
    ("change", "works", "hints"),
    [
        ({"access_key_id": "other"}, [True, False], 1),
        ({"access_key_secret": "other"}, [True, False], 1),
        ({"api_url": "http://127.0.0.1:9"}, [True, False], 1),
        ({"callback_key": "short"}, [False, True, True, True, True], 1),
        ({"sign_name": "别人"}, [True, True, False, True, True], 1),
        ({"template": "SMS_9"}, [True, True, True, False, True], 1),
        ({"template": "", "template_en": ""}, [True, True, True, False], 1),
    ],
)
def test_a_step_that_fails_is_named(
    change: dict[str, str], works: list[bool], hints: int, changed: Any
) -> None:
    adapter = changed(**change)

    assert [step for _name, step in _told(adapter)] == works
    assert len([each for each in _hints(adapter) if each]) == hints


def test_a_template_waits_for_approval_or_has_no_variable(adapter: Any, vendor: Any) -> None:
    vendor.unapproved.add("SMS_100000001")
    vendor.templates["SMS_100000002"] = "You have a new answer."
    vendor.signs["问安示范医院"] = 0

    assert [works for _name, works in _told(adapter)] == [True, True, False, False, False]
