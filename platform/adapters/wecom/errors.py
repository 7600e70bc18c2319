"""What WeCom's `errcode` means for a message, and its `fail_type` for one that it took.

Source: WeCom's table of global error codes (developer.work.weixin.qq.com/document/path/90313) and,
for `fail_type`, its page on receiving messages (path/94670); the actions are ours. HTTP says 200 on
every error, so these tables are the only word there is.
"""

from adapters.contracts import Category, Rejected, Retry

MINUTE_S = 60.0

TOKEN = frozenset({40001, 40014, 42001})  # refused or over: fetched anew, then tried once more
RING_OVER = "95007"  # a ring's token lives 10 minutes
NOT_IN_THIS_STATE = "95018"

MEANS: dict[int, Retry | Rejected] = {
    -1: Retry(Category.PROVIDER_DOWN, "-1"),
    40001: Retry(Category.AUTH, "40001"),
    40014: Retry(Category.AUTH, "40014"),
    42001: Retry(Category.AUTH, "42001"),
    40003: Rejected(Category.INVALID_RECIPIENT, "40003"),
    40007: Rejected(Category.CONTENT, "40007"),  # no such media, or older than 3 days
    40058: Rejected(Category.CONTENT, "40058"),
    40096: Rejected(Category.INVALID_RECIPIENT, "40096"),
    44004: Rejected(Category.CONTENT, "44004"),
    45002: Rejected(Category.CONTENT, "45002"),
    45009: Retry(Category.THROTTLED, "45009", after_s=MINUTE_S),
    45033: Retry(Category.THROTTLED, "45033"),  # too many calls at once
    48002: Rejected(Category.AUTH, "48002"),  # not of 微信客服: another application's secret
    60020: Retry(Category.AUTH, "60020", after_s=5 * MINUTE_S),  # this server's IP is not trusted
    95000: Rejected(Category.AUTH, "95000"),
    95001: Rejected(Category.QUOTA, "95001"),
    95002: Rejected(Category.WINDOW_CLOSED, "95002"),
    95004: Rejected(Category.AUTH, "95004"),
    95007: Rejected(Category.WINDOW_CLOSED, RING_OVER),
    95011: Rejected(Category.AUTH, "95011"),
    95012: Rejected(Category.AUTH, "95012"),
    95013: Rejected(Category.WINDOW_CLOSED, "95013"),
    95016: Rejected(Category.WINDOW_CLOSED, "95016"),
    95017: Rejected(Category.AUTH, "95017"),
    95018: Rejected(Category.WINDOW_CLOSED, NOT_IN_THIS_STATE),
}

FAIL_TYPES = {
    0: Category.PROVIDER_DOWN,  # WeCom says no reason
    1: Category.AUTH,  # the 微信客服 account was deleted
    2: Category.AUTH,  # the application was closed
    4: Category.WINDOW_CLOSED,  # 48 hours
    5: Category.WINDOW_CLOSED,  # the session is over
    6: Category.QUOTA,  # 5 messages
    7: Category.AUTH,  # no 视频号 bound
    8: Category.AUTH,  # the organisation is not verified
    9: Category.AUTH,  # both of these
    10: Category.OPTED_OUT,
}


def meaning_of(errcode: int) -> Retry | Rejected:
    """What we do about a code; one that nobody listed is tried again a few times, then told."""
    return MEANS.get(errcode, Retry(Category.PROVIDER_DOWN, str(errcode)))


def failure_of(fail_type: int) -> Category:
    return FAIL_TYPES.get(fail_type, Category.PROVIDER_DOWN)
