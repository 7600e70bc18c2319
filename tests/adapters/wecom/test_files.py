"""Pictures and voices: what is brought, and what is not there."""

from typing import Any

import pytest

from adapters.contracts import Category, Fetching, Media, Rejected, Retry
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.stand_in import WeComStandIn

pytestmark = pytest.mark.vendor

MEDIA = "/cgi-bin/media/get"
VOICE = Media("voice", "M1", "amr")
SOUND = b"#!AMR\n" + bytes(range(256))


@pytest.fixture(autouse=True)
def voice(wecom: WeComStandIn) -> None:
    wecom.files["M1"] = SOUND


def test_a_voice_is_brought_as_it_is(adapter: WeComAdapter) -> None:
    assert isinstance(adapter, Fetching)
    assert adapter.capabilities.fetches
    assert adapter.fetch(VOICE, max_bytes=len(SOUND)) == SOUND


def test_one_that_is_too_big_is_not(adapter: WeComAdapter) -> None:
    result = adapter.fetch(VOICE, max_bytes=len(SOUND) - 1)

    assert result == Rejected(Category.CONTENT, "too big")


def test_one_that_is_gone_is_not_asked_for_again(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    assert adapter.fetch(Media("image", "M9"), max_bytes=99) == Rejected(Category.CONTENT, "40007")
    asked = len(wecom.asked)
    assert adapter.fetch(Media("file", ""), max_bytes=99) == Rejected(Category.CONTENT, "no name")
    assert len(wecom.asked) == asked


@pytest.mark.parametrize(
    ("code", "category"),
    [(-1, "provider_down"), (45009, "throttled"), (42001, "auth"), (48002, "auth"), (7, None)],
)
def test_what_is_not_there_today_may_be_tomorrow(
    code: int, category: str | None, wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.refuses[MEDIA] = code

    result = adapter.fetch(VOICE, max_bytes=999)

    assert isinstance(result, Retry)
    assert (result.category, result.code) == (category or "provider_down", str(code))


def test_a_token_that_was_ended_is_renewed(wecom: WeComStandIn, adapter: WeComAdapter) -> None:
    adapter.fetch(VOICE, max_bytes=999)
    wecom.forget_tokens()

    assert adapter.fetch(VOICE, max_bytes=999) == SOUND


def test_a_vendor_that_is_away_is_asked_later(changed: Any) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    assert adapter.fetch(VOICE, max_bytes=99) == Retry(Category.PROVIDER_DOWN, "token")
