"""An admin sets it up, and each step that does not work says what to do."""

from typing import Any

import pytest
from django.utils import translation

from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.stand_in import WeComStandIn

pytestmark = pytest.mark.vendor

LIST = "/cgi-bin/kf/account/list"
WORKS = [("keys of the callback", True), ("access token", True), ("customer service account", True)]


def _steps(adapter: WeComAdapter) -> list[tuple[str, bool]]:
    with translation.override("en"):
        return [(str(step.name), step.works) for step in adapter.check()]


def _hint(adapter: WeComAdapter) -> str:
    """Of the one step that does not work."""
    with translation.override("en"):
        [hint] = [str(step.hint) for step in adapter.check() if not step.works]
    return hint


def test_what_is_set_up_works(adapter: WeComAdapter) -> None:
    assert _steps(adapter) == WORKS


def test_what_a_vendor_must_not_show_is_secret() -> None:
    named = {field.name: field for field in WeComAdapter.setup}

    assert {name for name, field in named.items() if field.is_secret} == {
        "secret", "token", "aes_key", "previous_aes_key",
    }  # fmt: skip
    assert {name for name, field in named.items() if not field.is_required} == {
        "previous_aes_key", "servicers", "api_url",
    }  # fmt: skip
    assert [value for value, _ in named["handoff"].choices] == ["console", "wecom"]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"secrets": {"aes_key": "short"}}, "43 letters"),
        ({"secrets": {"aes_key": ""}}, "EncodingAESKey is missing"),
        ({"secrets": {"token": ""}}, "callback token is missing"),
        ({"secrets": {"secret": "wrong"}}, "refuses the secret"),
        ({"corp_id": "ww-another"}, "no such corp ID"),
        ({"open_kfid": "wk-another"}, "no such customer service account"),
        ({"api_url": "http://127.0.0.1:9"}, "can't be reached"),
    ],
    ids=["short key", "no key", "no token", "secret", "corp", "account", "away"],
)
def test_a_step_that_fails_says_what_to_do(change: dict[str, Any], hint: str, changed: Any) -> None:
    assert hint in _hint(changed(**change))


@pytest.mark.parametrize(
    ("code", "hint"),
    [(48002, "may not use"), (95017, "switched off"), (60020, "trusted IPs"), (45009, "45009")],
)
def test_a_list_that_is_refused_says_why(
    code: int, hint: str, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.refuses[LIST] = code

    assert _steps(adapter)[-1] == ("customer service account", False)
    assert hint in _hint(adapter)


def test_an_account_far_down_the_list_is_found(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    wecom.accounts = [*(f"wk{number}" for number in range(250)), *wecom.accounts]

    assert _steps(adapter) == WORKS


def test_a_list_that_never_ends_is_left(
    wecom: WeComStandIn, adapter: WeComAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.wecom import stand_in

    monkeypatch.setattr(wecom, "_list", lambda _: stand_in._done(account_list=[{}] * 100))

    assert _steps(adapter)[-1] == ("customer service account", False)
    assert sum(asked.path == LIST for asked in wecom.asked) == 50
