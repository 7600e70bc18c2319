"""What Alibaba Cloud tells us, and who only says that he is Alibaba Cloud."""

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.aliyun.callbacks import read_events
from adapters.contracts import Category, EventKind, Malformed, Receipt, Refused, Status
from adapters.rehearsal.stand_in import Outgoing

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

REPLY = {
    "phone_number": "13800000001",
    "content": "在吗",
    "send_time": "2026-11-18 12:00:00",
    "dest_code": "1069000",
    "sequence_id": 1234567890,
}
REPORT = {
    "phone_number": "13800000001",
    "send_time": "2026-11-18 12:00:00",
    "report_time": "2026-11-18 12:00:03",
    "success": True,
    "err_code": "DELIVERED",
    "sms_size": "1",
    "biz_id": "9001^0",
    "out_id": "",
}


def _json(*rows: Any) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False).encode()


BODIES = {
    "empty": b"",
    "no json": b"phone_number=13800000001",
    "an object": json.dumps(REPLY).encode(),
    "a list of texts": b'["a"]',
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 50_000 + b"]" * 50_000,
    "huge": b"x" * 300_000,
    "latin": _json(REPLY).replace("在吗".encode(), b"\xff\xfe"),
    "utf-16": _json(REPLY).decode().encode("utf-16"),
    "gbk": _json(REPLY).decode().encode("gbk"),
    "a number of many digits": b"[" + b"9" * 5_000 + b"]",
    "both at once": _json({**REPLY, **REPORT}),
    "neither": _json({"phone_number": "13800000001"}),
    "no phone": _json({**REPLY, "phone_number": "12"}),
    "letters": _json({**REPLY, "phone_number": "1380000000a"}),
    "superscripts": _json({**REPLY, "phone_number": "1380000000²"}),
    "neither number nor time": _json({**REPLY, "sequence_id": None, "send_time": ""}),
    "success in words": _json({**REPORT, "success": "true"}),
    "a receipt of nothing": _json({**REPORT, "biz_id": ""}),
    "a receipt without end": _json({**REPORT, "biz_id": "9" * 65}),
}


def test_a_reply_is_read(takes_in: Any, vendor: Any) -> None:
    [event] = takes_in(vendor.writes("+8613800000001", "退订"))

    assert (event.kind, event.address, event.text) == (EventKind.TEXT, "+8613800000001", "退订")
    assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize(
    "number", ["13800000001", "8613800000001", "+8613800000001", "008613800000001"]
)
def test_a_number_is_one_address_however_it_is_written(number: str) -> None:
    [event] = read_events(_json({**REPLY, "phone_number": number}))

    assert event.address == "+8613800000001"
    assert event.occurred_at == datetime(2026, 11, 18, 4, 0, tzinfo=UTC)


def test_a_redelivery_has_the_same_key_whatever_type_its_number_has() -> None:
    keys = {
        read_events(_json({**REPLY, "sequence_id": each, "phone_number": number}))[0].dedupe_key
        for each in (1234567890, "1234567890")
        for number in ("13800000001", "8613800000001")
    }
    others = {
        read_events(_json({**REPLY, **other}))[0].dedupe_key
        for other in ({"sequence_id": 7}, {"phone_number": "13800000002"})
    }

    assert len(keys) == 1
    assert len(keys | others) == 3
    assert max(map(len, keys)) <= 64


@pytest.mark.parametrize(
    ("code", "due"),
    [
        ("DELIVERED", (Status.DELIVERED, None, "")),
        (
            "MOBILE_NOT_ON_SERVICE",
            (Status.FAILED, Category.INVALID_RECIPIENT, "MOBILE_NOT_ON_SERVICE"),
        ),
        ("MOBILE_IN_BLACK", (Status.FAILED, Category.OPTED_OUT, "MOBILE_IN_BLACK")),
        ("13800000001 说不要", (Status.FAILED, Category.PROVIDER_DOWN, "")),
        ("13800000001", (Status.FAILED, Category.PROVIDER_DOWN, "")),
    ],
)
def test_a_receipt_says_how_far_it_came(
    code: str, due: Any, adapter: Any, vendor: Any, takes_in: Any, message: Any
) -> None:
    vendor_id = adapter.send(message).vendor_id

    [event] = takes_in(vendor.reports(vendor_id, code))

    assert (event.kind, event.address) == (EventKind.RECEIPT, "+8613800000001")
    assert event.receipt == Receipt(vendor_id, *due, segments=1)


ODD_DATES = [None, "", "20261118120000", "0001-01-01 00:00:00", 1763438400]


@pytest.mark.parametrize("date", ODD_DATES, ids=str)
def test_a_date_that_cannot_be_read_costs_nobody_their_message(date: Any) -> None:
    [said] = read_events(_json({**REPLY, "send_time": date}))
    [receipt] = read_events(_json({**REPORT, "report_time": date, "send_time": date}))

    assert (said.text, said.dedupe_key) == ("在吗", read_events(_json(REPLY))[0].dedupe_key)
    assert abs((said.occurred_at - datetime.now(UTC)).total_seconds()) < 60
    assert receipt.receipt == Receipt("9001^0", Status.DELIVERED, segments=1)


def test_without_a_number_it_is_who_when_and_what() -> None:
    rows = [{**REPLY, "sequence_id": None}, {**REPLY, "sequence_id": None, "content": "好的"}]
    rows.append({**rows[0], "send_time": "2026-11-18 12:00:05"})

    events = read_events(_json(*rows, rows[0]))

    keys = [event.dedupe_key for event in events]
    assert len(set(keys)) == 3 and keys[3] == keys[0]


def test_a_row_that_is_left_out_leaves_a_trace(caplog: Any) -> None:
    events = read_events(_json({**REPLY, "phone_number": "12"}, REPLY))

    assert [event.text for event in events] == ["在吗"]
    assert [(record.message, record.count) for record in caplog.records] == [("rows left out", 1)]


def test_many_receipts_come_in_one_call() -> None:
    rows = [{**REPORT, "biz_id": f"{number}^0"} for number in range(100)]

    events = read_events(_json(*rows))

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
def test_an_account_without_a_good_key_believes_nobody(
    key: str, changed: Any, called: Any, vendor: Any
) -> None:
    adapter = changed(callback_key=key)

    with pytest.raises(Refused):
        adapter.verify(called(Outgoing({"key": key}, b"[]")))


def test_it_is_content_with_our_answer(adapter: Any, called: Any, vendor: Any) -> None:
    answer = adapter.acknowledge(called(vendor.calls([])))

    assert json.loads(answer.body) == {"code": 0, "msg": "成功"}
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
    for body in (json.dumps([{**known, **row}]).encode(), blob):
        with contextlib.suppress(Refused, Malformed):
            takes_in(replace(vendor.calls([]), body=body))


def test_one_row_that_makes_no_sense_takes_no_other_with_it() -> None:
    body = _json({**REPLY, "phone_number": "10086x"}, REPLY, REPORT)

    assert [event.kind for event in read_events(body)] == [EventKind.TEXT, EventKind.RECEIPT]
