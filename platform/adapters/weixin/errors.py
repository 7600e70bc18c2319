"""What WeChat's `errcode` means for a message.

Source: WeChat's own table of return codes, as kept in wechatpy's constants; the actions are ours.
HTTP says 200 on every error, so this table is the only word there is.
"""

from adapters.contracts import Category, Rejected, Retry, SendResult

MINUTE_S, HOUR_S = 60.0, 3_600.0

TOKEN = frozenset({40001, 40014, 42001})  # refused or over: fetched anew, then tried once more

MEANS: dict[int, SendResult] = {
    -1: Retry(Category.PROVIDER_DOWN, "-1"),
    40001: Retry(Category.AUTH, "40001"),
    40014: Retry(Category.AUTH, "40014"),
    42001: Retry(Category.AUTH, "42001"),
    40003: Rejected(Category.INVALID_RECIPIENT, "40003"),
    40037: Rejected(Category.CONTENT, "40037"),
    40164: Retry(Category.AUTH, "40164", after_s=5 * MINUTE_S),  # this server's IP is not listed
    41030: Rejected(Category.CONTENT, "41030"),
    43004: Rejected(Category.OPTED_OUT, "43004"),
    43019: Rejected(Category.OPTED_OUT, "43019"),
    43101: Rejected(Category.OPTED_OUT, "43101"),
    45002: Rejected(Category.CONTENT, "45002"),
    45009: Retry(Category.THROTTLED, "45009", after_s=HOUR_S),  # of the day
    45011: Retry(Category.THROTTLED, "45011", after_s=MINUTE_S),
    45015: Rejected(Category.WINDOW_CLOSED, "45015"),
    45027: Rejected(Category.CONTENT, "45027"),
    45047: Rejected(Category.QUOTA, "45047"),
    47003: Rejected(Category.CONTENT, "47003"),
    48001: Rejected(Category.AUTH, "48001"),
    48002: Rejected(Category.OPTED_OUT, "48002"),
    48004: Rejected(Category.AUTH, "48004"),
    48008: Rejected(Category.AUTH, "48008"),
    50002: Rejected(Category.AUTH, "50002"),
}


def meaning_of(errcode: int) -> SendResult:
    """What we do about a code; one that nobody listed is tried again a few times, then told."""
    return MEANS.get(errcode, Retry(Category.PROVIDER_DOWN, str(errcode)))
