"""A template leaves for a phone over HTTP, and what the vendor makes of it."""

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
from adapters.tencent.errors import failure_of
from adapters.tencent.stand_in import TencentStandIn

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

RETRY, REJECTED = Retry, Rejected
CODES = [
    ("LimitExceeded.DeliveryFrequencyLimit", RETRY, "throttled", 60),
    ("LimitExceeded.PhoneNumberThirtySecondLimit", RETRY, "throttled", 30),
    ("LimitExceeded.PhoneNumberOneHourLimit", RETRY, "throttled", 3600),
    ("LimitExceeded.PhoneNumberDailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.AppDailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.AppMainlandChinaDailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.AppGlobalDailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.DailyLimit", REJECTED, "quota", None),
    ("LimitExceeded.SomethingNew", RETRY, "throttled", 60),
    ("FailedOperation.PhoneNumberInBlacklist", REJECTED, "opted_out", None),
    ("FailedOperation.TemplateIncorrectOrUnapproved", REJECTED, "content", None),
    ("FailedOperation.TemplateUnapprovedOrNotExist", REJECTED, "content", None),
    ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", REJECTED, "content", None),
    ("FailedOperation.SignatureIncorrectOrUnapproved", REJECTED, "content", None),
    ("FailedOperation.ContainSensitiveWord", REJECTED, "content", None),
    ("FailedOperation.InsufficientBalanceInSmsPackage", REJECTED, "quota", None),
    ("FailedOperation.SomethingNew", RETRY, "provider_down", None),
    ("InvalidParameterValue.IncorrectPhoneNumber", REJECTED, "invalid_recipient", None),
    ("InvalidParameterValue.TemplateParameterLengthLimit", REJECTED, "content", None),
    ("MissingParameter", REJECTED, "content", None),
    ("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", REJECTED, "content", None),
    ("AuthFailure.SignatureExpire", RETRY, "auth", None),
    ("AuthFailure.SignatureFailure", RETRY, "auth", None),
    ("AuthFailure.SecretIdNotFound", RETRY, "auth", None),
    ("AuthFailure.UnauthorizedOperation", RETRY, "auth", None),
    ("UnauthorizedOperation.RequestIpNotInWhitelist", REJECTED, "auth", None),
    ("UnauthorizedOperation.ServiceSuspendDueToArrears", REJECTED, "quota", None),
    ("RequestLimitExceeded", RETRY, "throttled", 60),
    ("RequestLimitExceeded.UinLimitExceeded", RETRY, "throttled", 60),
    ("NobodyKnows", RETRY, "provider_down", None),
]
MAY_HAVE_GONE = [
    "InternalError.Timeout",
    "InternalError.SendAndRecvFail",
    "InternalError.OtherError",
    "InternalError",
]
LOST: list[tuple[Fault, SendResult]] = [
    (Fault(breaks=True), Unknown("RemoteProtocolError")),
    (Fault(status=200), Unknown("no status")),
    (Fault(status=502), Unknown("502")),
]
FAILURES = [
    ("UNDELIV", "provider_down"),
    ("REJECTD", "content"),
    ("EXPIRED", "provider_down"),
    ("MBBLACK", "opted_out"),
    ("blacklist", "opted_out"),
    ("", "provider_down"),
]


def test_a_code_goes_out_and_no_word_of_the_message(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    result = adapter.send(message)

    [vendor_id] = vendor.phones
    assert result == Accepted(vendor_id)
    assert vendor.sent == [
        ("+8613800000001", "您有新的回复,请查看 https://wenan.example/s/7hKp3XwQ9rTz")
    ]
    asked = vendor.asked[-1]
    assert asked.json["SessionContext"] == message.uid
    assert asked.headers["x-tc-region"] == "ap-guangzhou"
    assert "空腹" not in asked.body.decode()


@pytest.mark.parametrize(
    ("language", "template_en", "words"),
    [
        ("zh-hans", "1111", "您有新的回复"),
        ("en", "1111", "You have a new answer"),
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


@pytest.mark.parametrize(
    ("code", "kind", "category", "after_s"), CODES, ids=[row[0] for row in CODES]
)
def test_a_code_and_what_it_means(
    code: str,
    kind: type,
    category: str,
    after_s: float | None,
    vendor: Any,
    adapter: Any,
    message: OutboundMessage,
) -> None:
    vendor.faults.append(Fault(code=code))

    result = adapter.send(message)

    assert isinstance(result, kind)
    assert (result.category, result.code) == (Category(category), code)  # type: ignore[attr-defined]
    assert getattr(result, "after_s", None) == after_s
    assert vendor.sent == []


@pytest.mark.parametrize("code", MAY_HAVE_GONE)
def test_its_own_time_out_leaves_it_unknown(
    code: str, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(code=code))

    assert adapter.send(message) == Unknown(code)


@pytest.mark.parametrize(("fault", "due"), LOST, ids=str)
def test_an_answer_that_was_lost_leaves_it_unknown(
    fault: Fault, due: SendResult, vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(fault)

    assert adapter.send(message) == due
    assert len(vendor.sent) == 1


OK = {"Code": "Ok", "SerialNo": "2640:1", "Fee": 2}
ANSWERS: list[tuple[Any, SendResult]] = [
    ({"SendStatusSet": [OK]}, Accepted("2640:1", 2)),
    ({"SendStatusSet": [{**OK, "Fee": 0}]}, Accepted("2640:1", 1)),
    ({"SendStatusSet": [{**OK, "Fee": "many"}]}, Accepted("2640:1", 1)),
    (
        {"SendStatusSet": [OK, {"Code": "FailedOperation.PhoneNumberInBlacklist"}]},
        Rejected(Category.OPTED_OUT, "FailedOperation.PhoneNumberInBlacklist"),
    ),
    ({"SendStatusSet": []}, Unknown("no status")),
    ({"SendStatusSet": "Ok"}, Unknown("no status")),
    ({"SendStatusSet": ["Ok"]}, Unknown("no code")),
    ({"SendStatusSet": [{"Code": "号码 13800000001"}]}, Unknown("no code")),
    ({"Error": {}}, Retry(Category.PROVIDER_DOWN, "error")),
    ([], Unknown("no status")),
]


@pytest.mark.parametrize(("response", "due"), ANSWERS, ids=str)
def test_each_number_has_its_own_answer(
    response: Any,
    due: SendResult,
    vendor: TencentStandIn,
    adapter: Any,
    message: OutboundMessage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vendor, "answer", lambda _asked: Said({"Response": response}))

    assert adapter.send(message) == due


def test_too_many_calls_are_tried_again(
    vendor: Any, adapter: Any, message: OutboundMessage
) -> None:
    vendor.faults.append(Fault(status=429))

    assert adapter.send(message) == Retry(Category.THROTTLED, "429")
    assert vendor.sent == []


def test_a_vendor_that_is_away_is_tried_again(changed: Any, message: OutboundMessage) -> None:
    adapter = changed(api_url="http://127.0.0.1:9")  # nobody listens

    assert adapter.send(message) == Retry(Category.PROVIDER_DOWN, "no connection")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "wrong"}, "AuthFailure.SecretIdNotFound"),
    ],
)
def test_a_wrong_secret_is_found_out(
    change: dict[str, str], code: str, changed: Any, message: OutboundMessage
) -> None:
    assert changed(**change).send(message) == Retry(Category.AUTH, code)


@pytest.mark.parametrize(
    ("change", "link_code", "due"),
    [
        ({"template": ""}, "7hKp", Rejected(Category.NOT_SET_UP, "no template")),
        ({}, "", Rejected(Category.NOT_SET_UP, "no link")),
        (
            {"template": "9"},
            "7hKp",
            Rejected(Category.CONTENT, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ),
        (
            {"sign_name": "别人"},
            "7hKp",
            Rejected(Category.CONTENT, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ),
    ],
)
def test_what_can_not_go_out_is_said(
    change: dict[str, str], link_code: str, due: SendResult, vendor: Any, changed: Any
) -> None:
    adapter = changed(**change)

    assert adapter.send(OutboundMessage("+8613800000001", "", "u", link_code=link_code)) == due
    assert vendor.sent == []


def test_whoever_refused_hears_nothing(vendor: Any, adapter: Any, message: OutboundMessage) -> None:
    vendor.blocked.add("+8613800000001")
    code = "FailedOperation.PhoneNumberInBlacklist"

    assert adapter.send(message) == Rejected(Category.OPTED_OUT, code)


@pytest.mark.parametrize(("code", "category"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_receipts_code_and_what_it_means(code: str, category: str) -> None:
    assert failure_of(code) == Category(category)
