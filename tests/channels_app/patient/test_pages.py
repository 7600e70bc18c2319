"""The pages that patients see, before they say a word."""

import json
import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def settings_of(html: str) -> dict:
    found = re.search(r'<script id="chat-settings" type="application/json">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("path", ["/", "/chat/", "/chat/web/", "/chat/?embed=1", "/chat/?lang=en"])
def test_a_page_sets_no_cookie_and_brings_nothing_from_elsewhere(path, hospital) -> None:
    answer = Client().get(path)
    html = answer.content.decode()

    assert answer.status_code == 200
    assert not answer.cookies
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert "<style" not in html
    assert re.findall(r"<script(?![^>]*\b(?:src=|application/json))", html) == []


def test_the_chat_says_that_it_is_a_machine_and_where_help_is(hospital) -> None:
    html = Client().get("/chat/").content.decode()

    for words in (
        "AI 助手",
        "不能代替医生",
        'href="tel:120"',
        "急诊科",
        "1号楼一层",
        "问安示范医院",
    ):
        assert words in html


def test_both_languages_are_complete(hospital) -> None:
    chinese = Client().get("/chat/?lang=zh-hans").content.decode()
    english = Client().get("/chat/", headers={"Accept-Language": "en-GB"}).content.decode()

    words_zh, words_en = settings_of(chinese)["words"], settings_of(english)["words"]
    assert '<html lang="zh-Hans">' in chinese
    assert '<html lang="en">' in english
    assert words_zh.keys() == words_en.keys()
    assert [name for name in words_zh if not re.search(r"[\u4e00-\u9fff]", words_zh[name])] == []
    assert [name for name in words_en if re.search(r"[\u4e00-\u9fff]", words_en[name])] == []


def test_only_the_chat_may_be_embedded_and_only_by_the_hospitals_sites(settings, hospital) -> None:
    settings.WIDGET_ORIGINS = ["https://www.hospital.cn"]

    chat, home = Client().get("/chat/?embed=1"), Client().get("/")

    assert "frame-ancestors 'self' https://www.hospital.cn" in chat["Content-Security-Policy"]
    assert "X-Frame-Options" not in chat
    assert "frame-ancestors 'none'" in home["Content-Security-Policy"]
    assert home["X-Frame-Options"] == "DENY"


def test_a_strange_language_or_channel_does_no_harm(hospital) -> None:
    assert '<html lang="zh-Hans">' in Client().get("/chat/?lang=<script>").content.decode()
    assert Client().get("/chat/<script>/").status_code == 404
    assert Client().post("/chat/").status_code == 405


def test_pages_work_before_the_hospital_was_entered() -> None:
    assert "本院" in Client().get("/chat/").content.decode()
    assert Client().get("/").status_code == 200


def test_hours_are_said_in_as_few_lines_as_can_be(db) -> None:
    from datetime import time

    from hospital.in_words import week_in_words
    from hospital.models import OpeningHours

    def rows(days, *stretches):
        return [
            OpeningHours(weekday=day, opens_at=time(*start), closes_at=time(*end))
            for day in days
            for start, end in stretches
        ]

    week = rows(range(5), ((13, 30), (17, 0)), ((8, 0), (12, 0))) + rows([5], ((8, 0), (12, 0)))
    said = [line.replace("\N{WORD JOINER}", "") for line in week_in_words(week)]

    assert said == ["星期一–星期五 08:00–12:00, 13:30–17:00", "星期六 08:00–12:00"]
    assert week_in_words(rows(range(7), ((0, 0), (0, 0)))) == ["全年 24 小时开放"]
    assert week_in_words([]) == []
