"""When somebody would like to come, read, kept, and measured."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from assistant.skills.days import Window, Wish, read_wish
from assistant.talk import Talk
from conversations.models import Conversation
from patients.services import meet

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def wish(web, hospital, now):
    """What is wished for on a Wednesday, 18 November 2026."""

    def read(words: str, before: Wish | None = None) -> Wish:
        point = meet(web, address="somebody")
        talk = Talk(Conversation(contact_point=point, language="zh-hans"), words, now)
        if before is not None:
            talk.facts["day"] = before.as_json()
        found = read_wish(talk, True)
        assert found is not None
        return Wish.from_json(found.value)

    return read


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("words", "fits", "not_fits"),
    [
        ("明天上午", at(19, 9), at(19, 14)),
        ("下周三下午", at(25, 14), at(18, 14)),
        ("明天9点", at(19, 9), at(19, 10)),
        ("明天9点15", at(19, 9), at(19, 9, 30)),
        ("下午三点以后", at(20, 16), at(20, 14)),
        ("除了周五都行", at(19, 9), at(20, 9)),
        ("除了周五都行", at(19, 9), at(27, 9)),
        ("下周五不行", at(20, 9), at(27, 9)),
        ("不是周三,是周四", at(19, 9), at(18, 14)),
        ("周一或者周二", at(24, 9), at(25, 9)),
        ("no fridays", at(19, 9), at(27, 9)),
        ("next Monday morning", at(23, 9), at(23, 14)),
    ],
)
def test_a_wish_is_read(wish, words: str, fits: datetime, not_fits: datetime) -> None:
    assert wish(words).fits(fits)
    assert not wish(words).fits(not_fits)


def test_bare_hours_are_of_the_days_said_before(wish) -> None:
    before = Wish.of_day(date(2026, 11, 20))

    assert wish("改成下午", before).fits(at(20, 14))
    assert not wish("改成下午", before).fits(at(19, 14))


def test_bare_hours_forget_days_that_are_over_or_far_away(wish) -> None:
    for day in (date(2026, 11, 1), date(2027, 3, 1)):
        assert wish("下午", Wish.of_day(day)).fits(at(19, 14))


def test_a_refused_day_leaves_what_was_wished_for(wish) -> None:
    before = Wish((Window(date(2026, 11, 23), date(2026, 11, 27)),))

    narrowed = wish("周三不行", before)

    assert narrowed.fits(at(24, 9))
    assert not narrowed.fits(at(25, 9))


def test_a_wish_survives_being_kept(wish) -> None:
    read = wish("下周三下午")

    assert Wish.from_json(read.as_json()) == read


def test_the_nearer_a_time_the_smaller_its_distance() -> None:
    wanted = Wish.of_day(date(2026, 11, 21))

    assert wanted.distance(at(20, 9)) < wanted.distance(at(19, 9))
    assert wanted.distance(at(21, 9)) == (0, 0)
