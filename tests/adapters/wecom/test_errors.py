"""Every code of WeCom's, and every reason for which a message failed later: what they mean."""

from typing import Any

import pytest

from adapters.contracts import Category, Rejected, Retry
from adapters.rehearsal.stand_in import Fault
from adapters.wecom.adapter import WeComAdapter
from adapters.wecom.errors import FAIL_TYPES, MEANS, meaning_of
from adapters.wecom.stand_in import WeComStandIn

pytestmark = pytest.mark.vendor

AGAIN, NEVER = Retry, Rejected
CASES = {
    -1: (AGAIN, "provider_down"),
    40001: (AGAIN, "auth"),
    40014: (AGAIN, "auth"),
    42001: (AGAIN, "auth"),
    40003: (NEVER, "invalid_recipient"),
    40007: (NEVER, "content"),
    40058: (NEVER, "content"),
    40096: (NEVER, "invalid_recipient"),
    44004: (NEVER, "content"),
    45002: (NEVER, "content"),
    45009: (AGAIN, "throttled"),
    45033: (AGAIN, "throttled"),
    48002: (NEVER, "auth"),
    60020: (AGAIN, "auth"),
    95000: (NEVER, "auth"),
    95001: (NEVER, "quota"),
    95002: (NEVER, "window_closed"),
    95004: (NEVER, "auth"),
    95007: (NEVER, "window_closed"),
    95011: (NEVER, "auth"),
    95012: (NEVER, "auth"),
    95013: (NEVER, "window_closed"),
    95016: (NEVER, "window_closed"),
    95017: (NEVER, "auth"),
    95018: (NEVER, "window_closed"),
}
FAILURES = {
    0: "provider_down",
    1: "auth",
    2: "auth",
    4: "window_closed",
    5: "window_closed",
    6: "quota",
    7: "auth",
    8: "auth",
    9: "auth",
    10: "opted_out",
}


def test_the_tables_hold_no_more_than_these() -> None:
    assert set(MEANS) == set(CASES)
    assert set(FAIL_TYPES) == set(FAILURES)
    assert meaning_of(99_999) == Retry(Category.PROVIDER_DOWN, "99999")


@pytest.mark.parametrize(("code", "meaning"), CASES.items(), ids=map(str, CASES))
def test_a_code_of_sending(
    code: int, meaning: Any, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.writes("wm1", "在吗")
    wecom.customers["wm1"].state = 2  # not ours to take back
    wecom.faults.extend([Fault(code=str(code))] * 2)  # a token's is asked once more

    result = adapter.send(reply())

    kind, category = meaning
    assert isinstance(result, kind)
    assert (result.category, result.code) == (category, str(code))
    assert wecom.sent == []


@pytest.mark.parametrize(("fail_type", "category"), FAILURES.items(), ids=map(str, FAILURES))
def test_a_reason_for_which_a_message_failed(
    fail_type: int, category: str, wecom: WeComStandIn, adapter: WeComAdapter, reply: Any
) -> None:
    wecom.writes("wm1", "在吗")
    sent = adapter.send(reply())
    wecom.fails("u1", fail_type)

    receipt = adapter.pull("", ring="").events[-1].receipt

    assert receipt is not None
    assert (receipt.vendor_id, receipt.status) == (sent.vendor_id, "failed")
    assert (receipt.category, receipt.code) == (category, str(fail_type))


def test_a_reason_that_nobody_listed_is_the_vendors(
    wecom: WeComStandIn, adapter: WeComAdapter
) -> None:
    wecom.notices("wm1", "msg_send_fail", fail_msgid="m1", fail_type=77)
    wecom.notices("wm1", "msg_send_fail", fail_msgid="m2")

    receipts = [event.receipt for event in adapter.pull("", ring="").events]

    assert [r.category for r in receipts if r] == ["provider_down", "provider_down"]
