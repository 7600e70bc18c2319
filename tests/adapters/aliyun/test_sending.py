"""A template leaves for a phone over HTTP, and what the vendor makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.aliyun.errors import failure_of
from adapters.contracts import (
    Accepted,
    Category,
    OutboundMessage,
    Rejected,
    Retry,
    SendResult,
    Unknown,
)
from adapters.rehearsal.stand_in import Fault

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

RETRY, REJECTED = Retry, Rejected
CODES = [
    ("isv.BUSINESS_LIMIT_CONTROL", REJECTED, "quota"),
    ("isv.MOBILE_NUMBER_ILLEGAL", REJECTED, "invalid_recipient"),
    ("isv.DAY_LIMIT_CONTROL", REJECTED, "quota"),
    ("isv.MONTH_LIMIT_CONTROL", REJECTED, "quota"),
    ("isv.SMS_SIGNATURE_SCENE_ILLEGAL", REJECTED, "content"),
    ("isv.SIGN_STATE_ILLEGAL", REJECTED, "content"),
    ("isv.SMS_SIGN_ILLEGAL", REJECTED, "content"),
    ("isv.SMS_SIGNATURE_ILLEGAL", REJECTED, "content"),
    ("isv.SMS_TEMPLATE_ILLEGAL", REJECTED, "content"),
    ("isv.TEMPLATE_MISSING_PARAMETERS", REJECTED, "content"),
    ("isv.TEMPLATE_PARAMS_ILLEGAL", REJECTED, "content"),
    ("isv.PARAM_LENGTH_LIMIT", REJECTED, "content"),
    ("isv.PARAM_NOT_SUPPORT_URL", REJECTED, "content"),
    ("isv.SMS_CONTENT_ILLEGAL", REJECTED, "content"),
    ("isv.EXTEND_CODE_ERROR", REJECTED, "content"),
    ("isv.BLACK_KEY_CONTROL_LIMIT", REJECTED, "opted_out"),
    ("isv.CUSTOMER_REFUSED", REJECTED, "opted_out"),
    ("isv.DENY_IP_RANGE", RETRY, "auth"),
    ("isv.OUT_OF_SERVICE", REJECTED, "quota"),
    ("isv.AMOUNT_NOT_ENOUGH", REJECTED, "quota"),
    ("isp.RAM_PERMISSION_DENY", REJECTED, "auth"),
    ("isp.SYSTEM_ERROR", RETRY, "provider_down"),
    ("isp.GATEWAY_ERROR", RETRY, "provider_down"),
    ("Throttling", RETRY, "throttled"),
    ("Throttling.User", RETRY, "throttled"),
    ("Throttling.Api", RETRY, "throttled"),
    ("InvalidAccessKeyId.NotFound", RETRY, "auth"),
    ("InvalidAccessKeyId.Inactive", RETRY, "auth"),
    ("SignatureDoesNotMatch", RETRY, "auth"),
    ("IncompleteSignature", RETRY, "auth"),
    ("InvalidTimeStamp.Expired", RETRY, "auth"),
    ("Forbidden.RAM", RETRY, "auth"),
    ("NoPermission", RETRY, "auth"),
    ("isv.NOBODY_KNOWS", RETRY, "provider_down"),
]
LOST: list[tuple[Fault, SendResult]] = [
    (Fault(breaks=True), Unknown("RemoteProtocolError")),
    (Fault(status=200), Unknown("no code")),
    (Fault(status=502), Unknown("502")),
]
FAILURES = [
    ("MOBILE_NOT_ON_SERVICE", "invalid_recipient"),
    ("INVALID_NUMBER", "invalid_recipient"),
    ("MOBILE_ACCOUNT_ABNORMAL", "invalid_recipient"),
    ("MOBILE_IN_BLACK", "opted_out"),
    ("USER_REJECT", "opted_out"),
    ("BLACKLIST", "opted_out"),
    ("MOBILE_SEND_LIMIT", "throttled"),
    ("CONTENT_KEYWORD", "content"),
    ("CONTENT_ERROR", "content"),
    ("SIGNATURE_BLACKLIST", "content"),
    ("PARAMS_ILLEGAL", "content"),
    ("SP_UNKNOWN_ERROR", "provider_down"),
    ("", "provider_down"),
]


def test_a_code_goes_out_and_no_word_of_the_message(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    result = adapter.send(message)

    [vendor_id] = vendor.phones
    assert result == Accepted(vendor_id)
    assert vendor.sent == [
        ("13800000001", "您有新的回复,请查看 https://wenan.example/s/7hKp3XwQ9rTz")
    ]
    assert vendor.out_ids[vendor_id] == message.uid
    assert vendor.asked[-1].query["TemplateParam"] == '{"code":"7hKp3XwQ9rTz"}'
    assert "空腹" not in str(vendor.asked[-1])


@pytest.mark.parametrize(
    ("language", "template_en", "words"),
    [
        ("zh-hans", "SMS_100000002", "您有新的回复"),
        ("en", "SMS_100000002", "You have a new answer"),
        ("en", "", "您有新的回复"),
    ],
)
def test_the_template_speaks_the_patients_language(
    language: str,
    template_en: str,
    words: str,
    vendor: Any,
    changed: Any,
    message: OutboundMessage,
) -> None:
    adapter = changed(template_en=template_en)

    assert isinstance(adapter.send(replace(message, language=language)), Accepted)
    assert words in vendor.sent[0][1]


def test_a_number_from_abroad_keeps_its_country(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    assert isinstance(adapter.send(replace(message, address="+85261234567")), Accepted)
    assert vendor.sent[0][0] == "85261234567"


@pytest.mark.parametrize(("code", "kind", "category"), CODES, ids=[row[0] for row in CODES])
def test_a_code_and_what_it_means(
    code: str, kind: type, category: str, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(code=code))

    result = adapter.send(message)

    assert isinstance(result, kind)
    assert (result.category, result.code) == (Category(category), code)  # type: ignore[attr-defined]
    assert vendor.sent == []


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("触发分钟级流控Permits:1", Retry(Category.THROTTLED, "isv.BUSINESS_LIMIT_CONTROL", 60)),
        ("触发小时级流控Permits:5", Retry(Category.THROTTLED, "isv.BUSINESS_LIMIT_CONTROL", 3600)),
        ("触发天级流控Permits:10", Rejected(Category.QUOTA, "isv.BUSINESS_LIMIT_CONTROL")),
    ],
)
def test_flow_control_waits_as_long_as_its_clock(words: str, due: SendResult) -> None:
    from adapters.aliyun.errors import meaning_of

    assert meaning_of("isv.BUSINESS_LIMIT_CONTROL", words) == due


@pytest.mark.parametrize(("fault", "due"), LOST, ids=str)
def test_an_answer_that_was_lost_leaves_it_unknown(
    fault: Fault, due: SendResult, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(fault)

    assert adapter.send(message) == due
    assert len(vendor.sent) == 1


def test_too_many_calls_are_tried_again(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(status=429))

    assert adapter.send(message) == Retry(Category.THROTTLED, "429")
    assert vendor.sent == []


def test_a_vendor_that_is_away_is_tried_again(changed: Any, message: OutboundMessage) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    assert adapter.send(message) == Retry(Category.PROVIDER_DOWN, "no connection")


def test_a_wrong_secret_is_found_out(vendor: Any, changed: Any, message: OutboundMessage) -> None:
    adapter = changed(access_key_secret="wrong")

    assert adapter.send(message) == Retry(Category.AUTH, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("address", "template", "link_code", "due"),
    [
        ("+8613800000001", "", "7hKp", Rejected(Category.NOT_SET_UP, "no template")),
        ("+8613800000001", "SMS_100000001", "", Rejected(Category.NOT_SET_UP, "no link")),
        (
            "+8613800000001",
            "SMS_9",
            "7hKp",
            Rejected(Category.CONTENT, "isv.SMS_TEMPLATE_ILLEGAL"),
        ),
        (
            "openid",
            "SMS_100000001",
            "7hKp",
            Rejected(Category.INVALID_RECIPIENT, "isv.MOBILE_NUMBER_ILLEGAL"),
        ),
    ],
)
def test_what_can_not_go_out_is_said(
    address: str, template: str, link_code: str, due: SendResult, vendor: Any, changed: Any
) -> None:
    adapter = changed(template=template)

    assert adapter.send(OutboundMessage(address, "", "u", link_code=link_code)) == due
    assert vendor.sent == []


def test_whoever_refused_hears_nothing(vendor: Any, adapter: Any, message: OutboundMessage) -> None:
    vendor.blocked.add("13800000001")

    assert adapter.send(message) == Rejected(Category.OPTED_OUT, "isv.BLACK_KEY_CONTROL_LIMIT")


@pytest.mark.parametrize(("code", "category"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_receipts_code_and_what_it_means(code: str, category: str) -> None:
    assert failure_of(code) == Category(category)
