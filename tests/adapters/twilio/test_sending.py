"""A text leaves for a phone over HTTP, and what Twilio makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.contracts import (
    Accepted,
    Category,
    OutboundMessage,
    Rejected,
    Retry,
    SendResult,
    Unknown,
)
from adapters.rehearsal.stand_in import Fault, Said
from adapters.twilio.errors import failure_of

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

RETRY, REJECTED = Retry, Rejected
CODES = [
    (20003, RETRY, "auth"),
    (20404, RETRY, "auth"),
    (21211, REJECTED, "invalid_recipient"),
    (21408, REJECTED, "auth"),
    (21602, REJECTED, "content"),
    (21603, REJECTED, "auth"),
    (21606, REJECTED, "auth"),
    (21608, REJECTED, "auth"),
    (21610, REJECTED, "opted_out"),
    (21611, RETRY, "throttled"),
    (21612, REJECTED, "invalid_recipient"),
    (21614, REJECTED, "invalid_recipient"),
    (21617, REJECTED, "content"),
    (21635, REJECTED, "invalid_recipient"),
    (21659, REJECTED, "auth"),
    (21660, REJECTED, "auth"),
    (30001, RETRY, "throttled"),
    (30002, REJECTED, "auth"),
    (30003, RETRY, "provider_down"),
    (30004, REJECTED, "opted_out"),
    (30005, REJECTED, "invalid_recipient"),
    (30006, REJECTED, "invalid_recipient"),
    (30007, REJECTED, "content"),
    (30008, RETRY, "provider_down"),
    (63016, REJECTED, "window_closed"),
    (63018, RETRY, "throttled"),
    (99999, RETRY, "provider_down"),
]
LOST: list[tuple[Fault, SendResult]] = [
    (Fault(breaks=True), Unknown("RemoteProtocolError")),
    (Fault(status=200), Unknown("no sid")),
    (Fault(status=500), Unknown("500")),
    (Fault(status=503), Unknown("503")),
]


def test_a_text_goes_out(vendor: Any, adapter: Any, message: OutboundMessage) -> None:
    result = adapter.send(message)

    [vendor_id] = vendor.phones
    assert result == Accepted(vendor_id, 1)
    assert vendor.sent == [("+8613800000001", "您好,请明天空腹来。")]
    assert vendor.callbacks[vendor_id] == vendor.credentials.public_url


def test_a_long_text_is_counted(vendor: Any, adapter: Any, message: OutboundMessage) -> None:
    assert adapter.send(replace(message, text="长" * 71)).segments == 2


def test_a_messaging_service_is_counted_by_us(
    vendor: Any, changed: Any, message: OutboundMessage
) -> None:
    adapter = changed(sender=vendor.credentials.service, public_url="")

    result = adapter.send(replace(message, text="长" * 135))

    [vendor_id] = vendor.phones
    assert result == Accepted(vendor_id, 3)  # Twilio says 0 there
    assert vendor.callbacks[vendor_id] == ""


@pytest.mark.parametrize(("code", "kind", "category"), CODES, ids=[str(row[0]) for row in CODES])
def test_a_code_and_what_it_means(
    code: int, kind: type, category: str, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(code=str(code)))

    result = adapter.send(message)

    assert isinstance(result, kind)
    assert (result.category, result.code) == (Category(category), str(code))  # type: ignore[attr-defined]
    assert failure_of(str(code)) == Category(category)
    assert vendor.sent == []


def test_a_failure_without_a_code_is_the_vendors() -> None:
    assert failure_of("") == failure_of("²") == Category.PROVIDER_DOWN


def test_too_many_calls_are_tried_again(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(status=429))  # 20429 in its body

    assert adapter.send(message) == Retry(Category.THROTTLED, "429")
    assert vendor.sent == []


@pytest.mark.parametrize(("fault", "due"), LOST, ids=str)
def test_an_answer_that_was_lost_leaves_it_unknown(
    fault: Fault, due: SendResult, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(fault)

    assert adapter.send(message) == due
    assert len(vendor.sent) == 1


@pytest.mark.parametrize(
    ("body", "due"),
    [
        ({"sid": "SM1", "num_segments": "2"}, Accepted("SM1", 2)),
        ({"sid": "SM1", "num_segments": 3}, Accepted("SM1", 3)),
        ({"sid": "SM1", "num_segments": "many"}, Accepted("SM1", 1)),
        ({"sid": "SM1"}, Accepted("SM1", 1)),
        ({"sid": "../x"}, Unknown("no sid")),
        ({"code": "21610"}, Unknown("no sid")),
        ([], Unknown("not an object")),
    ],
    ids=str,
)
def test_an_answer_and_what_it_means(
    body: Any,
    due: SendResult,
    vendor: Any,
    adapter: Any,
    message: OutboundMessage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vendor, "answer", lambda _asked: Said(body))

    assert adapter.send(message) == due


def test_a_vendor_that_is_away_is_tried_again(changed: Any, message: OutboundMessage) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    assert adapter.send(message) == Retry(Category.PROVIDER_DOWN, "no connection")


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"auth_token": "wrong"}, Retry(Category.AUTH, "20003")),
        ({"account_sid": "AC/../x"}, Retry(Category.AUTH, "20404")),
        ({"sender": "+1"}, Rejected(Category.AUTH, "21606")),
    ],
    ids=str,
)
def test_a_wrong_account_is_found_out(
    change: dict[str, str], due: SendResult, changed: Any, message: OutboundMessage
) -> None:
    assert changed(**change).send(message) == due


def test_whoever_wrote_stop_hears_nothing(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.writes("+8613800000001", "STOP")
    assert adapter.send(message) == Rejected(Category.OPTED_OUT, "21610")

    vendor.writes("+8613800000001", "START")
    assert isinstance(adapter.send(message), Accepted)


@pytest.mark.parametrize(
    ("address", "text", "code"),
    [("openid", "x", "21211"), ("+8613800000001", "x" * 1_601, "21617")],
)
def test_what_twilio_does_not_take_is_said(
    address: str, text: str, code: str, vendor: Any, adapter: Any
) -> None:
    assert adapter.send(OutboundMessage(address, text, "u")).code == code
    assert vendor.sent == []
