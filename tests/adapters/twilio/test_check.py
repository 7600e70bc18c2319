"""A check says which step fails, and what to do."""

from typing import Any

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]


def _works(adapter: Any) -> list[bool]:
    steps = adapter.check()
    assert all(step.works or str(step.hint) for step in steps)
    return [step.works for step in steps]


def test_all_is_well(adapter: Any, vendor: Any) -> None:
    assert _works(adapter) == [True, True, True]
    assert vendor.sent == []


@pytest.mark.parametrize(
    ("change", "works"),
    [
        ({"account_sid": "AC9"}, [False, True, True]),
        ({"auth_token": "wrong"}, [False, True, True]),
        ({"api_url": "http://127.0.0.1:9"}, [False, True, True]),
        ({"sender": "HOSPITAL"}, [True, False, True]),
        ({"sender": "MG0123"}, [True, True, True]),
        ({"public_url": ""}, [True, True, True]),
        ({"public_url": "wenan.example"}, [True, True, False]),
    ],
    ids=str,
)
def test_a_step_that_fails_is_named(
    change: dict[str, str], works: list[bool], changed: Any
) -> None:
    assert _works(changed(**change)) == works


def test_a_suspended_account_is_said(adapter: Any, vendor: Any) -> None:
    vendor.account_status = "suspended"

    assert _works(adapter) == [False, True, True]
