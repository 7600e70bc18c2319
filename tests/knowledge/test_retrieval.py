from datetime import datetime, timedelta

import pytest

from knowledge.models import Article, ArticleVersion, Category
from knowledge.retrieval import find_articles
from knowledge.services import draft_version, recall, sign_off
from knowledge.words import normalize, stem, weigh_words
from staff.models import StaffMember

HOUR = timedelta(hours=1)
pytestmark = [pytest.mark.django_db, pytest.mark.once]


def found(text: str, now: datetime, *, lang: str = "zh") -> list[str]:
    return [hit.version.article.slug for hit in find_articles(text, lang=lang, now=now)]


def say(slug: str, body: str, by: StaffMember, now: datetime, **words: str) -> ArticleVersion:
    article = Article.objects.create(slug=slug, category=Category.SERVICES)
    words = {"title": slug, "body": body, "source": "护理部"} | words
    return sign_off(draft_version(article, author=by, now=now, **words), by=by, now=now)


@pytest.mark.parametrize("part", ["爸爸", "爸爸去哪", "亲子课堂", "课堂", "准爸爸"])
def test_any_part_of_a_chinese_sentence_finds_it(
    part: str, head_nurse: StaffMember, now: datetime
) -> None:
    say("fathers", "准爸爸亲子课堂每周三开课，爸爸去哪里报名请看公告。", head_nurse, now)
    say("gifts", "鲜花不能带进病房。", head_nurse, now)

    assert found(part, now) == ["fathers"]


def test_only_words_in_force_are_found(head_nurse: StaffMember, now: datetime) -> None:
    def said(at: datetime) -> list[str]:
        return [hit.version.body for hit in find_articles("无线网密码", lang="zh", now=at)]

    article = Article.objects.create(slug="wifi", category=Category.SERVICES)
    words = {"title": "无线网密码", "body": "密码在大厅。", "source": "信息科"}
    draft = draft_version(article, author=head_nurse, now=now, **words)
    assert said(now) == []  # unsigned

    first = sign_off(draft, by=head_nurse, now=now)
    assert said(now) == ["密码在大厅。"]
    assert said(now - HOUR) == []

    first.expires_at = now + HOUR
    first.save()
    assert said(now) == ["密码在大厅。"]
    assert said(now + HOUR) == []  # expired, though no row changed since

    second = draft_version(article, author=head_nurse, now=now, body="没有密码。")
    assert said(now) == ["密码在大厅。"]
    second = sign_off(second, by=head_nurse, now=now)
    assert said(now) == ["没有密码。"]

    Article.objects.update(is_active=False)
    assert said(now) == []
    Article.objects.update(is_active=True)
    assert said(now) == ["没有密码。"]

    recall(second, by=head_nurse, now=now, reason="wrong")
    assert said(now) == []


def test_a_version_that_begins_later_is_found_from_then_on(
    head_nurse: StaffMember, now: datetime
) -> None:
    article = Article.objects.create(slug="wifi", category=Category.SERVICES)
    words = {"title": "无线网密码", "body": "密码在大厅。", "source": "信息科"}
    draft = draft_version(article, author=head_nurse, now=now, **words)
    draft.effective_from = now + HOUR
    draft.save()
    sign_off(draft, by=head_nurse, now=now)

    assert find_articles("无线网密码", lang="zh", now=now) == []
    assert found("无线网密码", now + HOUR) == ["wifi"]


def test_an_article_without_english_is_not_found_in_english(
    head_nurse: StaffMember, now: datetime
) -> None:
    say("wifi", "大厅有无线网。", head_nurse, now, title="wifi password 无线网")
    say("gifts", "不要带花。", head_nurse, now, body_en="No flowers.", title_en="Flowers")

    assert find_articles("wifi password", lang="en", now=now) == []
    assert found("may I bring flowers", now, lang="en") == ["gifts"]


def test_chinese_becomes_characters_pairs_and_ideas() -> None:
    words = weigh_words("做彩超")

    assert {"做", "彩", "超", "做彩", "彩超", "=超声"} <= words.keys()


@pytest.mark.parametrize(
    ("word", "expected"),
    [("parking", "park"), ("copies", "cop"), ("visits", "visit"), ("doctor's", "doctor")],
)
def test_english_endings_come_off(word: str, expected: str) -> None:
    assert stem(normalize(word)) == expected
