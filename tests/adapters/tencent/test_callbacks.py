"""What Tencent Cloud tells us, and who only says that he is Tencent Cloud."""

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contracts import Category, EventKind, Malformed, Receipt, Refused, Status
from adapters.rehearsal.stand_in import Outgoing
from adapters.tencent.callbacks import read_events

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

REPLY = {
    "extend": "",
    "mobile": "13800000001",
    "nationcode": "86",
    "sign": "问安示范医院",
    "text": "在吗",
    "time": 1763438400,
}
REPORT = {
    "user_receive_time": "2026-11-18 12:00:00",
    "nationcode": "86",
    "mobile": "13800000001",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "",
    "sid": "2640:1",
}


def _json(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


BODIES = {
    "empty": b"",
    "no json": b"mobile=13800000001",
    "a reply in a list": _json([REPLY]),
    "a receipt outside of one": _json(REPORT),
    "a list of texts": b'["a"]',
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 50_000 + b"]" * 50_000,
    "huge": b"x" * 300_000,
    "latin": _json(REPLY).replace("在吗".encode(), b"\xff\xfe"),
    "utf-16": _json(REPLY).decode().encode("utf-16"),
    "gbk": _json(REPLY).decode().encode("gbk"),
    "no phone": _json({**REPLY, "mobile": ""}),
    "no country": _json({**REPLY, "nationcode": None}),
    "letters": _json({**REPLY, "mobile": "1380000000a"}),
    "no text": _json({name: said for name, said in REPLY.items() if name != "text"}),
    "no time": _json({**REPLY, "time": ""}),
    "time without end": _json({**REPLY, "time": float("inf")}),
    "a state of its own": _json([{**REPORT, "report_status": "PERHAPS"}]),
    "a receipt without end": _json([{**REPORT, "sid": "9" * 65}]),
}


@pytest.mark.parametrize("time", [1763438400000, "2025-11-18 12:00:00", "176343840²"], ids=str)
def test_a_date_that_cannot_be_read_costs_nobody_their_message(time: Any) -> None:
    [said] = read_events(_json({**REPLY, "time": time}))
    [receipt] = read_events(_json([{**REPORT, "user_receive_time": str(time)}]))

    assert said.text == "在吗"
    assert abs((said.occurred_at - datetime.now(UTC)).total_seconds()) < 60
    assert receipt.receipt is not None and receipt.receipt.status is Status.DELIVERED


def test_a_reply_is_read(takes_in: Any, vendor: Any) -> None:
    [event] = takes_in(vendor.writes("+8613800000001", "TD", at=1763438400))

    assert (event.kind, event.address, event.text) == (EventKind.TEXT, "+8613800000001", "TD")
    assert event.occurred_at == datetime(2025, 11, 18, 4, 0, tzinfo=UTC)


def test_a_number_from_abroad_keeps_its_country() -> None:
    [event] = read_events(_json({**REPLY, "nationcode": "+852", "mobile": "61234567"}))

    assert event.address == "+85261234567"


def test_a_redelivery_has_the_same_key() -> None:
    key = read_events(_json(REPLY))[0].dedupe_key
    others = [
        read_events(_json({**REPLY, **other}))[0].dedupe_key
        for other in ({"text": "在"}, {"time": 1763438401}, {"mobile": "13800000002"})
    ]

    assert read_events(_json({**REPLY, "time": "1763438400"}))[0].dedupe_key == key
    assert len({key, *others}) == 4
    assert len(key) <= 64


@pytest.mark.parametrize(
    ("code", "due"),
    [
        ("DELIVRD", (Status.DELIVERED, None, "")),
        ("UNDELIV", (Status.FAILED, Category.PROVIDER_DOWN, "UNDELIV")),
        ("MBBLACK", (Status.FAILED, Category.OPTED_OUT, "MBBLACK")),
        ("MK:0001", (Status.FAILED, Category.PROVIDER_DOWN, "MK:0001")),
        ("13800000001 说不要", (Status.FAILED, Category.PROVIDER_DOWN, "")),
    ],
)
def test_a_receipt_says_how_far_it_came(
    code: str, due: Any, adapter: Any, vendor: Any, takes_in: Any, message: Any
) -> None:
    vendor_id = adapter.send(message).vendor_id

    [event] = takes_in(vendor.reports(vendor_id, code))

    assert (event.kind, event.address) == (EventKind.RECEIPT, "+8613800000001")
    assert event.receipt == Receipt(vendor_id, *due)


def test_many_receipts_come_in_one_call() -> None:
    events = read_events(_json([{**REPORT, "sid": f"2640:{number}"} for number in range(100)]))

    assert len({event.dedupe_key for event in events}) == 100
    assert read_events(b"[]") == []


def test_words_that_no_database_takes_are_taken_without_them() -> None:
    body = _json(REPLY).replace("在吗".encode(), b"\\u0000\\ud800" + "在".encode())

    assert read_events(body)[0].text == "在"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_makes_no_sense_is_malformed(body: bytes, takes_in: Any, vendor: Any) -> None:
    with pytest.raises(Malformed):
        takes_in(replace(vendor.calls([]), body=body))


@pytest.mark.parametrize("key", ["", "0" * 32, "ключ", "\ud800", "short"])
def test_whoever_does_not_know_the_key_is_refused(
    key: str, adapter: Any, called: Any, vendor: Any
) -> None:
    outgoing = replace(vendor.writes("+8613800000001", "x"), query={"key": key})

    with pytest.raises(Refused):
        adapter.verify(called(outgoing))
    with pytest.raises(Refused):
        adapter.verify(called(replace(outgoing, query={})))


@pytest.mark.parametrize("key", ["", "fifteen letters"])
def test_an_account_without_a_good_key_believes_nobody(key: str, changed: Any, called: Any) -> None:
    adapter = changed(callback_key=key)

    with pytest.raises(Refused):
        adapter.verify(called(Outgoing({"key": key}, b"[]")))


def test_it_is_content_with_our_answer(adapter: Any, called: Any, vendor: Any) -> None:
    answer = adapter.acknowledge(called(vendor.calls([])))

    assert json.loads(answer.body) == {"result": 0, "errmsg": "OK"}
    assert answer.content_type.startswith("application/json")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.dictionaries(st.sampled_from(sorted({**REPLY, **REPORT})), ANYTHING),
    known=st.sampled_from([REPLY, REPORT, {}]),
    blob=st.binary(max_size=60),
)
def test_nothing_breaks_the_door(
    row: Any, known: Any, blob: bytes, takes_in: Any, vendor: Any
) -> None:
    for said in ([{**known, **row}], {**known, **row}):
        for body in (json.dumps(said).encode(), blob):
            with contextlib.suppress(Refused, Malformed):
                takes_in(replace(vendor.calls([]), body=body))


def test_one_row_that_makes_no_sense_takes_no_other_with_it() -> None:
    events = read_events(_json([{**REPORT, "sid": ""}, REPORT]))

    assert [event.kind for event in events] == [EventKind.RECEIPT]
