"""What Alibaba Cloud tells us: `SmsReport` (receipts) and `SmsUp` (what patients write).

Both are arrays, at one address; which it is shows in the fields. Times are those of Shanghai.
"""

import re
from collections.abc import Sequence

from adapters import sms
from adapters.aliyun.errors import failure_of
from adapters.contracts import EventKind, InboundEvent, Malformed, Receipt, Status
from adapters.sms import Row

MAINLAND = re.compile(r"1[3-9][0-9]{9}")


def read_events(body: bytes) -> Sequence[InboundEvent]:
    """What can be read of one delivery. Raises Malformed where that is nothing."""
    return sms.readable(sms.rows_of(sms.read_json(body)), _read)


def _read(row: Row) -> InboundEvent:
    if "biz_id" in row and "content" not in row:
        return _receipt(row)
    if "content" in row and "biz_id" not in row:
        return _message(row)
    raise Malformed


def _receipt(row: Row) -> InboundEvent:
    vendor_id, address = sms.needed(row, "biz_id"), address_of(sms.needed(row, "phone_number"))
    success, code = row.get("success"), sms.code_of(row.get("err_code"))
    if not isinstance(success, bool) or len(vendor_id) > 64:
        raise Malformed
    size = sms.text_of(row, "sms_size")
    segments = int(size) if size in map(str, range(1, 100)) else 0
    receipt = Receipt(vendor_id, Status.DELIVERED, segments=segments)
    if not success:
        receipt = Receipt(vendor_id, Status.FAILED, failure_of(code), code, segments)
    at = sms.text_of(row, "report_time") or sms.text_of(row, "send_time")
    return InboundEvent(
        EventKind.RECEIPT,
        address,
        sms.key_of("receipt", vendor_id, address, str(receipt.status)),
        sms.moment_in_shanghai(at),
        receipt=receipt,
    )


def _message(row: Row) -> InboundEvent:
    """By one of the vendor's pages it needs neither number nor time; one writes times otherwise."""
    address, text = address_of(sms.needed(row, "phone_number")), sms.text_of(row, "content")
    at, number = sms.text_of(row, "send_time"), sms.text_of(row, "sequence_id")
    # Without either a second "yes" could not be told from a redelivery of the first.
    names = (number,) if number else (sms.needed(row, "send_time"), text)
    return InboundEvent(
        EventKind.TEXT,
        address,
        sms.key_of(*names, address),
        sms.moment_in_shanghai(at),
        text=text,
    )


def address_of(number: str) -> str:
    """A number as Alibaba Cloud writes it, in E.164; those of the mainland come without +86.

    Raises Malformed.
    """
    digits = number.removeprefix("+").removeprefix("00")
    return sms.phone(f"+86{digits}" if MAINLAND.fullmatch(digits) else f"+{digits}")


def number_of(address: str) -> str:
    """The same, the other way."""
    inland = address.removeprefix("+86")
    return inland if MAINLAND.fullmatch(inland) else address.removeprefix("+")
