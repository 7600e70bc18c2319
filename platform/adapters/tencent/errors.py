"""What Tencent Cloud's codes mean for a message: of a call, of a number in it, and of a receipt.

Source: "Error codes" of the SMS API 2021-01-11, and "status codes of sending and receipts"; the
actions are ours. HTTP says 200 on every one of them.
"""

from dataclasses import replace

from adapters.contracts import Category, Rejected, Retry, Unknown

NotTaken = Retry | Rejected | Unknown

MINUTE_S, HOUR_S = 60.0, 3_600.0

_MEANS: dict[str, NotTaken] = {
    "FailedOperation.PhoneNumberInBlacklist": Rejected(Category.OPTED_OUT),
    "FailedOperation.TemplateIncorrectOrUnapproved": Rejected(Category.CONTENT),
    "FailedOperation.TemplateUnapprovedOrNotExist": Rejected(Category.CONTENT),
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": Rejected(Category.CONTENT),
    "FailedOperation.SignatureIncorrectOrUnapproved": Rejected(Category.CONTENT),
    "FailedOperation.ContainSensitiveWord": Rejected(Category.CONTENT),
    "FailedOperation.InsufficientBalanceInSmsPackage": Rejected(Category.QUOTA),
    "InvalidParameterValue.IncorrectPhoneNumber": Rejected(Category.INVALID_RECIPIENT),
    "LimitExceeded.DeliveryFrequencyLimit": Retry(Category.THROTTLED, after_s=MINUTE_S),
    "LimitExceeded.PhoneNumberThirtySecondLimit": Retry(Category.THROTTLED, after_s=30.0),
    "LimitExceeded.PhoneNumberOneHourLimit": Retry(Category.THROTTLED, after_s=HOUR_S),
    # Of the day: no wait of ours is that long.
    "LimitExceeded.PhoneNumberDailyLimit": Rejected(Category.QUOTA),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": Rejected(Category.QUOTA),
    "LimitExceeded.AppDailyLimit": Rejected(Category.QUOTA),
    "LimitExceeded.AppMainlandChinaDailyLimit": Rejected(Category.QUOTA),
    "LimitExceeded.AppGlobalDailyLimit": Rejected(Category.QUOTA),
    "LimitExceeded.DailyLimit": Rejected(Category.QUOTA),
    "UnauthorizedOperation.ServiceSuspendDueToArrears": Rejected(Category.QUOTA),
    # It waited for its own gateway, and gave up: the message may have gone.
    "InternalError.Timeout": Unknown(),
    "InternalError.SendAndRecvFail": Unknown(),
}
MEANS: dict[str, NotTaken] = {code: replace(means, code=code) for code, means in _MEANS.items()}
# What begins so, and was not listed.
BEGINNINGS: dict[str, NotTaken] = {
    "AuthFailure.": Retry(Category.AUTH),
    "UnauthorizedOperation.": Rejected(Category.AUTH),
    "LimitExceeded.": Retry(Category.THROTTLED, after_s=MINUTE_S),
    "RequestLimitExceeded": Retry(Category.THROTTLED, after_s=MINUTE_S),
    "InvalidParameter": Rejected(Category.CONTENT),
    "MissingParameter": Rejected(Category.CONTENT),
    # A template of the mainland to a phone abroad, or the other way round.
    "UnsupportedOperation": Rejected(Category.CONTENT),
    "InternalError": Unknown(),
}

FAILURES = {  # of a receipt
    # A phone that is off says the same as one that is gone, so the address stays open.
    "UNDELIV": Category.PROVIDER_DOWN,
    "REJECTD": Category.CONTENT,
}


def meaning_of(code: str) -> NotTaken:
    """What we do about a code; one that nobody listed is tried again a few times, then told."""
    if code in MEANS:
        return MEANS[code]
    found = (means for begins, means in BEGINNINGS.items() if code.startswith(begins))
    return replace(next(found, Retry(Category.PROVIDER_DOWN)), code=code)


def failure_of(code: str) -> Category:
    if "BLACK" in code.upper():  # each network writes its list of those who refuse differently
        return Category.OPTED_OUT
    return FAILURES.get(code.upper(), Category.PROVIDER_DOWN)
