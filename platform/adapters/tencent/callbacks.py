"""What Tencent Cloud tells us: an array of receipts, or one object that a patient wrote."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.utils import timezone

from adapters import sms
from adapters.contracts import EventKind, InboundEvent, Malformed, Receipt, Status
from adapters.sms import Row
from adapters.tencent.errors import failure_of

SECONDS = re.compile(r"[0-9]{9,10}")  # since 1970; milliseconds would lie centuries ahead


def read_events(body: bytes) -> Sequence[InboundEvent]:
    """What can be read of one delivery. Raises Malformed where that is nothing."""
    found = sms.read_json(body)
    if isinstance(found, Mapping):
        return [_message(found)]
    return sms.readable(sms.rows_of(found), _receipt)


def _receipt(row: Row) -> InboundEvent:
    vendor_id, address = sms.needed(row, "sid"), _address_in(row)
    status, code = sms.needed(row, "report_status"), sms.code_of(row.get("errmsg"))
    if status not in ("SUCCESS", "FAIL") or len(vendor_id) > 64:
        raise Malformed
    receipt = Receipt(vendor_id, Status.DELIVERED)
    if status == "FAIL":
        receipt = Receipt(vendor_id, Status.FAILED, failure_of(code), code)
    return InboundEvent(
        EventKind.RECEIPT,
        address,
        sms.key_of("receipt", vendor_id, address, status),
        sms.moment_in_shanghai(sms.text_of(row, "user_receive_time")),
        receipt=receipt,
    )


def _message(row: Row) -> InboundEvent:
    address, seconds = _address_in(row), sms.needed(row, "time")
    if "text" not in row:
        raise Malformed
    text, is_read = sms.text_of(row, "text"), bool(SECONDS.fullmatch(seconds))
    return InboundEvent(
        EventKind.TEXT,
        address,
        # A reply has no id: it is who, when and what.
        sms.key_of(address, seconds, text),
        datetime.fromtimestamp(int(seconds), tz=UTC) if is_read else timezone.now(),
        text=text,
    )


def _address_in(row: Row) -> str:
    nation = sms.needed(row, "nationcode").removeprefix("+")
    return sms.phone(f"+{nation}{sms.needed(row, 'mobile')}")
