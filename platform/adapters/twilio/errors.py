"""What Twilio's codes mean for a message: of a call, and of a status callback.

Source: Twilio's error and warning dictionary; the actions are ours.
"""

from dataclasses import replace

from adapters.contracts import Category, Rejected, Retry

MINUTE_S = 60.0

_MEANS: dict[int, Retry | Rejected] = {
    20003: Retry(Category.AUTH),  # SID and token don't belong together
    20404: Retry(Category.AUTH),  # no such account
    20429: Retry(Category.THROTTLED, after_s=MINUTE_S),
    21211: Rejected(Category.INVALID_RECIPIENT),
    # A country that the account may not write to: an admin allows it in the console, so it says
    # nothing of the patient's number.
    21408: Rejected(Category.AUTH),
    21602: Rejected(Category.CONTENT),  # no text
    21603: Rejected(Category.AUTH),  # no sender
    21606: Rejected(Category.AUTH),  # a sender that is not ours
    21608: Rejected(Category.AUTH),  # a trial account, which writes to verified numbers alone
    21610: Rejected(Category.OPTED_OUT),
    21611: Retry(Category.THROTTLED, after_s=MINUTE_S),  # its queue is full
    21612: Rejected(Category.INVALID_RECIPIENT),  # not to be reached from our sender
    21614: Rejected(Category.INVALID_RECIPIENT),  # no mobile number
    21617: Rejected(Category.CONTENT),  # over 1600 characters
    21635: Rejected(Category.INVALID_RECIPIENT),  # a landline
    21659: Rejected(Category.AUTH),  # a sender that is not Twilio's
    21660: Rejected(Category.AUTH),  # a sender of another account
    30001: Retry(Category.THROTTLED, after_s=MINUTE_S),
    30002: Rejected(Category.AUTH),  # the account is suspended
    # A phone that is off, or out of reach: tomorrow it may hear us.
    30003: Retry(Category.PROVIDER_DOWN),
    30004: Rejected(Category.OPTED_OUT),
    30005: Rejected(Category.INVALID_RECIPIENT),
    30006: Rejected(Category.INVALID_RECIPIENT),  # a landline
    30007: Rejected(Category.CONTENT),  # filtered as spam
    30008: Retry(Category.PROVIDER_DOWN),
    63016: Rejected(Category.WINDOW_CLOSED),
    63018: Retry(Category.THROTTLED, after_s=MINUTE_S),
}
MEANS = {code: replace(means, code=str(code)) for code, means in _MEANS.items()}


def meaning_of(code: int) -> Retry | Rejected:
    """What we do about a code; one that nobody listed is tried again a few times, then told."""
    return MEANS.get(code, Retry(Category.PROVIDER_DOWN, str(code)))


def failure_of(code: str) -> Category:
    return meaning_of(int(code)).category if code.isdecimal() else Category.PROVIDER_DOWN
