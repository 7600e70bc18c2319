"""What the sweep decides of a due row without asking anybody: ask, wait, or end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from careplans.models import Reason, State, StoppedWhy

DOSE_OF_USE = timedelta(hours=2)  # a dose asked for later than that might be taken twice
STEP_OF_USE = timedelta(days=7)
ANSWER_DOSE_M = 60  # minutes until the other channel is tried, and until the dose is missed
NOT_WHILE_IN_CARE = timedelta(minutes=30)  # until it is looked at again
SNOOZE_M = 30
MOST_ASKS = 5  # of one row, snoozes included
UNANSWERED_IN_A_ROW = 3  # doses, then a nurse calls: one alone happens to everybody
# A stuck machine that says the same for ever must stop by itself: one open source system sent
# one patient up to 2,016 text messages in a week (medic/cht-core#10802).
MOST_A_DAY = 16
MOST_ALIKE_A_DAY = 12  # a day and a day of snoozes


@dataclass(frozen=True)
class Facts:
    """What is known of a row at the moment of asking."""

    now: datetime
    until: datetime
    free_at: datetime  # first moment from now on outside the patient's quiet hours
    is_dose: bool
    is_active: bool = True
    is_paused: bool = False
    is_deceased: bool = False
    is_erased: bool = False
    has_consent: bool = True
    muted_until: datetime | None = None
    can_be_reached: bool = True
    is_emergency: bool = False  # an open ticket says so
    is_with_nurse: bool = False
    is_objected_to: bool = False  # the guard speaks against the medicine, and nobody said why not
    asked_today: int = 0  # of this patient, all plans
    alike_today: int = 0  # with these very words


@dataclass(frozen=True)
class Ask:
    pass


@dataclass(frozen=True)
class Wait:
    until: datetime


@dataclass(frozen=True)
class End:
    state: State
    reason: Reason


@dataclass(frozen=True)
class Stop:
    """The whole plan ends here."""

    why: StoppedWhy


Verdict = Ask | Wait | End | Stop


def decide(facts: Facts) -> Verdict:
    if facts.is_erased:
        return Stop(StoppedWhy.ERASED)
    if facts.is_deceased:
        return Stop(StoppedWhy.DECEASED)
    if not facts.has_consent:
        return Stop(StoppedWhy.OPTED_OUT)
    if facts.is_paused:
        return End(State.CANCELLED, Reason.PAUSED)
    if not facts.is_active:
        return End(State.CANCELLED, Reason.STOPPED)
    if facts.now > facts.until:
        return End(State.MISSED, Reason.HOUSE_DOWN)
    if facts.muted_until is not None and facts.muted_until > facts.now:
        return _wait(facts, facts.muted_until, otherwise=End(State.CANCELLED, Reason.MUTED))
    if facts.free_at > facts.now:
        return _wait(facts, facts.free_at, otherwise=End(State.MISSED, Reason.QUIET))
    # In danger, nobody is reminded of a pill; a follow-up keeps out of a nurse's talk.
    if facts.is_emergency or (facts.is_with_nurse and not facts.is_dose):
        later = facts.now + NOT_WHILE_IN_CARE
        return _wait(facts, later, otherwise=End(State.MISSED, Reason.IN_CARE))
    if not facts.can_be_reached:
        return End(State.MISSED, Reason.NOT_DELIVERED)
    if facts.asked_today >= MOST_A_DAY or facts.alike_today >= MOST_ALIKE_A_DAY:
        return End(State.MISSED, Reason.TOO_MANY)
    if facts.is_objected_to:
        return End(State.CANCELLED, Reason.GUARD)
    return Ask()


def _wait(facts: Facts, until: datetime, *, otherwise: End) -> Wait | End:
    return Wait(until) if until <= facts.until else otherwise
