"""Numbers, temperatures, durations, ages and how bad it is."""

from datetime import date, timedelta

import pytest

from assistant.reading.measures import (
    find_age,
    find_durations,
    find_severity,
    find_temperature,
)
from assistant.reading.numbers import find_numbers

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("38.5", [38.5]),
        ("３８．５", [38.5]),
        ("三十八点五", [38.5]),
        ("一百二", [120]),
        ("一百二十", [120]),
        ("一百零二", [102]),
        ("两万三", [23000]),
        ("两百五", [250]),
        ("十五", [15]),
        ("两三", [2.5]),
        ("二十", [20]),
        ("三十五", [35]),
        ("两个", [2]),
        ("一千零一", [1001]),
        ("二零二六", [2026]),
        ("半", [0.5]),
        ("twenty-one", [21]),
        ("twenty one", [21]),
        ("one hundred and five", [105]),
        ("two and a half", [2.5]),
        ("a hundred", [100]),
        ("血压120/80", [120, 80]),
        ("吃了2片,三次", [2, 3]),
        ("没有", []),
        ("someone", []),
        ("半夜", []),
    ],
)
def test_numbers_are_read(said: str, values: list[float]) -> None:
    assert [found.value for found in find_numbers(said)] == values


@pytest.mark.parametrize(
    ("said", "celsius"),
    [
        ("三十八度五", 38.5),
        ("38度5", 38.5),
        ("38度半", 38.5),
        ("38.5℃", 38.5),
        ("38.5度", 38.5),
        ("38.5", 38.5),
        ("体温39", 39.0),
        ("发烧39度2", 39.2),
        ("高烧四十度", 40.0),
        ("三十七度三", 37.3),
        ("３８．５", 38.5),
        ("101F", 38.3),
        ("101.3", 38.5),
        ("101.3 degrees", 38.5),
        ("temperature of 39", 39.0),
        ("38.5 C", 38.5),
        ("39度三天了", 39.0),
        ("90度", None),
        ("5.6", None),
        ("12.3", None),
        ("我39岁", None),
    ],
)
def test_a_temperature_is_read(said: str, celsius: float | None) -> None:
    found = find_temperature(said)

    assert (found.celsius if found else None) == celsius


def test_a_bare_39_is_a_temperature_only_when_it_was_asked_for() -> None:
    assert find_temperature("39") is None
    assert (found := find_temperature("39", asked=True)) and found.celsius == 39


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ("三天了", timedelta(days=3)),
        ("疼了3天", timedelta(days=3)),
        ("半个月", timedelta(days=15)),
        ("两个半月", timedelta(days=75)),
        ("一个半小时", timedelta(hours=1.5)),
        ("两周", timedelta(days=14)),
        ("两周半", timedelta(days=17.5)),
        ("一个多星期", timedelta(days=7)),
        ("半天", timedelta(hours=12)),
        ("半小时", timedelta(minutes=30)),
        ("十分钟", timedelta(minutes=10)),
        ("一年半", timedelta(days=548)),
        ("好几天了", timedelta(days=5)),
        ("几天", timedelta(days=3)),
        ("十几天", timedelta(days=13)),
        ("three days", timedelta(days=3)),
        ("two hours", timedelta(hours=2)),
        ("two and a half hours", timedelta(hours=2.5)),
        ("half an hour", timedelta(minutes=30)),
        ("a week", timedelta(days=7)),
        ("a couple of days", timedelta(days=2)),
        ("a few days", timedelta(days=3)),
        ("2 weeks", timedelta(days=14)),
        ("两三天", timedelta(days=2.5)),
        ("三天后", None),
        ("3月", None),
        ("昨天开始", None),
        ("two weeks from now", None),
    ],
)
def test_a_duration_is_read(said: str, length: timedelta | None) -> None:
    found = find_durations(said)

    assert ([one.length for one in found] or [None]) == [length]


@pytest.mark.parametrize(
    ("said", "months"),
    [
        ("45", 540),
        ("四十五", 540),
        ("45岁", 540),
        ("我今年四十五岁", 540),
        ("３岁", 36),
        ("3岁半", 42),
        ("三岁半", 42),
        ("1岁8个月", 20),
        ("两岁零三个月", 27),
        ("八个月", 8),
        ("8个月大", 8),
        ("八个半月", 8.5),
        ("半岁", 6),
        ("三周大", 0.7),
        ("1958年生", 816),
        ("58年的", 816),
        ("一九五八年", 816),
        ("2020年3月", 80),
        ("1958-03-05", 824),
        ("1990年12月1日出生", 431),
        ("born in 1958", 816),
        ("two years old", 24),
        ("I'm 45", 540),
        ("45 years old", 540),
        ("18 months", 18),
        ("3 and a half years old", 42),
        ("six weeks old", 1.4),
        ("刚满月", 0.5),
        ("五六岁", 66),
        ("两千岁", None),
        ("不告诉你", None),
    ],
)
def test_an_age_is_read(said: str, months: float | None) -> None:
    found = find_age(said, today=TODAY)

    assert (round(found.months, 1) if found else None) == months


def test_a_date_of_birth_is_kept() -> None:
    found = find_age("1958年3月5日", today=TODAY)

    assert found is not None
    assert (found.born, found.years) == (date(1958, 3, 5), 68)


def test_unasked_a_number_of_months_is_no_age() -> None:
    assert find_age("疼了八个月", today=TODAY, asked=False) is None
    found = find_age("我家宝宝8个月大", today=TODAY, asked=False)
    assert found is not None
    assert found.months == 8


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("7分", "severe"),
        ("七分", "severe"),
        ("7/10", "severe"),
        ("3分", "mild"),
        ("5 out of 10", "moderate"),
        ("eight out of ten", "severe"),
        ("10分", "severe"),
        ("很疼", "severe"),
        ("特别疼", "severe"),
        ("疼得睡不着", "severe"),
        ("受不了", "severe"),
        ("剧烈", "severe"),
        ("疼死了", "severe"),
        ("有点", "mild"),
        ("有点疼", "mild"),
        ("一点点", "mild"),
        ("轻微", "mild"),
        ("还好", "mild"),
        ("不太疼", "mild"),
        ("不是很疼", "mild"),
        ("不严重", "mild"),
        ("一般", "moderate"),
        ("中等", "moderate"),
        ("比较疼", "moderate"),
        ("不疼了", "none"),
        ("mild", "mild"),
        ("a little", "mild"),
        ("not too bad", "mild"),
        ("moderate", "moderate"),
        ("severe", "severe"),
        ("very bad", "severe"),
        ("unbearable", "severe"),
        ("it hurts a lot", "severe"),
        ("no pain", "none"),
        ("10分钟", None),
        ("三天", None),
    ],
)
def test_how_bad_it_is(said: str, level: str | None) -> None:
    found = find_severity(said)

    assert (found.level if found else None) == level


def test_a_bare_7_is_a_score_only_when_it_was_asked_for() -> None:
    assert find_severity("7") is None
    assert (found := find_severity("7", asked=True)) and (found.level, found.score) == ("severe", 7)
