"""What Alibaba Cloud's codes mean for a message: of a call, and of a receipt.

Source: "API error codes" and "carrier status codes" of the Short Message Service's documentation;
the actions are ours. What an admin must mend in the console is CONTENT (a signature, a template),
AUTH (keys, rights) or QUOTA (money, limits), never the patient's number.
"""

from adapters.contracts import Category, Rejected, Retry, SendResult

MINUTE_S, HOUR_S = 60.0, 3_600.0

KEYS = (
    "InvalidAccessKeyId.NotFound",
    "InvalidAccessKeyId.Inactive",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidTimeStamp.Expired",
    "Forbidden.RAM",
    "NoPermission",
)
LIMIT = "isv.BUSINESS_LIMIT_CONTROL"
MEANS: dict[str, Retry | Rejected] = {
    "isv.MOBILE_NUMBER_ILLEGAL": Rejected(Category.INVALID_RECIPIENT, "isv.MOBILE_NUMBER_ILLEGAL"),
    "isv.DAY_LIMIT_CONTROL": Rejected(Category.QUOTA, "isv.DAY_LIMIT_CONTROL"),
    "isv.MONTH_LIMIT_CONTROL": Rejected(Category.QUOTA, "isv.MONTH_LIMIT_CONTROL"),
    "isv.OUT_OF_SERVICE": Rejected(Category.QUOTA, "isv.OUT_OF_SERVICE"),  # no money left
    "isv.AMOUNT_NOT_ENOUGH": Rejected(Category.QUOTA, "isv.AMOUNT_NOT_ENOUGH"),
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": Rejected(
        Category.CONTENT, "isv.SMS_SIGNATURE_SCENE_ILLEGAL"
    ),
    "isv.SIGN_STATE_ILLEGAL": Rejected(Category.CONTENT, "isv.SIGN_STATE_ILLEGAL"),
    "isv.SMS_SIGN_ILLEGAL": Rejected(Category.CONTENT, "isv.SMS_SIGN_ILLEGAL"),
    "isv.SMS_SIGNATURE_ILLEGAL": Rejected(Category.CONTENT, "isv.SMS_SIGNATURE_ILLEGAL"),
    "isv.SMS_TEMPLATE_ILLEGAL": Rejected(Category.CONTENT, "isv.SMS_TEMPLATE_ILLEGAL"),
    "isv.TEMPLATE_MISSING_PARAMETERS": Rejected(
        Category.CONTENT, "isv.TEMPLATE_MISSING_PARAMETERS"
    ),
    "isv.TEMPLATE_PARAMS_ILLEGAL": Rejected(Category.CONTENT, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    "isv.PARAM_LENGTH_LIMIT": Rejected(Category.CONTENT, "isv.PARAM_LENGTH_LIMIT"),
    "isv.PARAM_NOT_SUPPORT_URL": Rejected(Category.CONTENT, "isv.PARAM_NOT_SUPPORT_URL"),
    "isv.SMS_CONTENT_ILLEGAL": Rejected(Category.CONTENT, "isv.SMS_CONTENT_ILLEGAL"),
    "isv.EXTEND_CODE_ERROR": Rejected(Category.CONTENT, "isv.EXTEND_CODE_ERROR"),
    "isv.BLACK_KEY_CONTROL_LIMIT": Rejected(Category.OPTED_OUT, "isv.BLACK_KEY_CONTROL_LIMIT"),
    "isv.CUSTOMER_REFUSED": Rejected(Category.OPTED_OUT, "isv.CUSTOMER_REFUSED"),
    # Mainland messages are taken from mainland addresses alone.
    "isv.DENY_IP_RANGE": Retry(Category.AUTH, "isv.DENY_IP_RANGE", after_s=5 * MINUTE_S),
    "isp.RAM_PERMISSION_DENY": Rejected(Category.AUTH, "isp.RAM_PERMISSION_DENY"),
    "isp.SYSTEM_ERROR": Retry(Category.PROVIDER_DOWN, "isp.SYSTEM_ERROR"),
    "isp.GATEWAY_ERROR": Retry(Category.PROVIDER_DOWN, "isp.GATEWAY_ERROR"),
    "Throttling": Retry(Category.THROTTLED, "Throttling", after_s=MINUTE_S),
    "Throttling.User": Retry(Category.THROTTLED, "Throttling.User", after_s=MINUTE_S),
    "Throttling.Api": Retry(Category.THROTTLED, "Throttling.Api", after_s=MINUTE_S),
    **{code: Retry(Category.AUTH, code) for code in KEYS},
}
# The message of the flow control says which clock it runs by; without one it is the day's.
LIMITS = {
    "分钟级": Retry(Category.THROTTLED, LIMIT, after_s=MINUTE_S),
    "小时级": Retry(Category.THROTTLED, LIMIT, after_s=HOUR_S),
}

FAILURES = {  # of a receipt
    # Also a phone that is off for long: the vendor tells no difference. Whoever writes to us from
    # this number opens it again.
    "MOBILE_NOT_ON_SERVICE": Category.INVALID_RECIPIENT,
    "INVALID_NUMBER": Category.INVALID_RECIPIENT,
    "MOBILE_ACCOUNT_ABNORMAL": Category.INVALID_RECIPIENT,
    "MOBILE_IN_BLACK": Category.OPTED_OUT,
    "USER_REJECT": Category.OPTED_OUT,
    "MOBILE_SEND_LIMIT": Category.THROTTLED,
    "CONTENT_KEYWORD": Category.CONTENT,
    "CONTENT_ERROR": Category.CONTENT,
    "SIGNATURE_BLACKLIST": Category.CONTENT,
    "PARAMS_ILLEGAL": Category.CONTENT,
}


def meaning_of(code: str, message: str = "") -> SendResult:
    """What we do about a code; one that nobody listed is tried again a few times, then told."""
    if code == LIMIT:
        found = (means for words, means in LIMITS.items() if words in message)
        return next(found, Rejected(Category.QUOTA, LIMIT))
    return MEANS.get(code, Retry(Category.PROVIDER_DOWN, code))


def failure_of(code: str) -> Category:
    if code in FAILURES:
        return FAILURES[code]
    return Category.OPTED_OUT if "BLACKLIST" in code.upper() else Category.PROVIDER_DOWN
