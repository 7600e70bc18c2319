from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from hospital.demo import seed_hospital
from knowledge.demo import demo_articles, seed_articles
from knowledge.models import AlreadySignedOff, Article, ArticleVersion, Category, State
from knowledge.services import (
    MayNotRecall,
    MayNotSignOff,
    NotComplete,
    NotSignedOff,
    draft_version,
    recall,
    sign_off,
)
from staff.models import StaffMember

HOUR = timedelta(hours=1)
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def article() -> Article:
    return Article.objects.create(slug="parking", category=Category.DIRECTIONS)


@pytest.fixture
def draft(article: Article, nurse: StaffMember, now: datetime) -> ArticleVersion:
    words = {"title": "停车", "body": "停车场在南门。", "source": "总务处"}
    return draft_version(article, author=nurse, now=now, **words)


@pytest.fixture
def now() -> datetime:
    return timezone.now() - HOUR  # the admin asks the real clock


@pytest.fixture
def signed(draft: ArticleVersion, head_nurse: StaffMember, now: datetime) -> ArticleVersion:
    return sign_off(draft, by=head_nurse, now=now)


def words_in_force(now: datetime) -> list[str]:
    return [version.body for version in ArticleVersion.objects.in_force(now)]


def test_a_draft_is_said_to_nobody(draft: ArticleVersion, now: datetime) -> None:
    assert draft.state(now) == State.DRAFT
    assert words_in_force(now) == []


def test_a_signed_off_version_is_in_force_and_says_who_stands_for_it(
    signed: ArticleVersion, head_nurse: StaffMember, now: datetime
) -> None:
    assert words_in_force(now) == ["停车场在南门。"]
    assert signed.state(now) == State.IN_FORCE
    assert (signed.signed_off_by, signed.effective_from) == (head_nurse, now)
    assert words_in_force(now - HOUR) == []


def test_only_who_has_the_right_signs_off_and_recalls(
    draft: ArticleVersion, head_nurse: StaffMember, nurse: StaffMember, now: datetime
) -> None:
    with pytest.raises(MayNotSignOff):
        sign_off(draft, by=nurse, now=now)

    signed = sign_off(draft, by=head_nurse, now=now)

    with pytest.raises(MayNotRecall):
        recall(signed, by=nurse, now=now, reason="wrong price")


def test_a_version_is_signed_off_once(
    signed: ArticleVersion, head_nurse: StaffMember, now: datetime
) -> None:
    with pytest.raises(AlreadySignedOff):
        sign_off(signed, by=head_nurse, now=now)


def test_nobody_stands_for_words_without_a_source(
    article: Article, head_nurse: StaffMember, now: datetime
) -> None:
    draft = draft_version(article, author=head_nurse, now=now, title="停车", body="在南门。")

    with pytest.raises(NotComplete):
        sign_off(draft, by=head_nurse, now=now)


def test_signed_off_words_never_change(signed: ArticleVersion) -> None:
    signed.body = "停车场在北门。"

    with pytest.raises(AlreadySignedOff):
        signed.save()
    with pytest.raises(AlreadySignedOff):
        signed.delete()
    assert ArticleVersion.objects.get().body == "停车场在南门。"


def test_editing_opens_one_new_draft_and_the_old_words_hold_until_its_sign_off(
    article: Article,
    signed: ArticleVersion,
    nurse: StaffMember,
    head_nurse: StaffMember,
    now: datetime,
) -> None:
    second = draft_version(article, author=nurse, now=now, body="停车场在北门。")
    again = draft_version(article, author=nurse, now=now, title="停车场")

    assert (again.pk, again.number) == (second.pk, 2)
    assert (again.title, again.body, again.source) == ("停车场", "停车场在北门。", "总务处")
    assert words_in_force(now) == ["停车场在南门。"]

    sign_off(again, by=head_nurse, now=now + HOUR)

    assert words_in_force(now + HOUR) == ["停车场在北门。"]
    assert signed.state(now + HOUR) == State.SUPERSEDED


def test_an_unknown_field_is_refused(article: Article, now: datetime) -> None:
    with pytest.raises(TypeError):
        draft_version(article, author=None, now=now, bodyy="?")


def test_a_version_signed_off_ahead_begins_when_it_says(
    article: Article, signed: ArticleVersion, head_nurse: StaffMember, now: datetime
) -> None:
    ahead = draft_version(article, author=head_nurse, now=now, body="新价格。")
    ahead.effective_from = now + HOUR
    ahead.save()
    sign_off(ahead, by=head_nurse, now=now)
    ahead.refresh_from_db()

    assert ahead.state(now) == State.SCHEDULED
    assert words_in_force(now) == ["停车场在南门。"]
    assert words_in_force(now + HOUR) == ["新价格。"]


def test_a_recalled_version_stops_at_once_and_the_one_before_does_not_come_back(
    article: Article, signed: ArticleVersion, head_nurse: StaffMember, now: datetime
) -> None:
    second = draft_version(article, author=head_nurse, now=now, body="错的。")
    second = sign_off(second, by=head_nurse, now=now)

    recall(second, by=head_nurse, now=now + HOUR, reason="wrong price")
    recalled = recall(second, by=head_nurse, now=now + 2 * HOUR, reason="twice")

    assert words_in_force(now + HOUR) == []
    assert (recalled.recalled_at, recalled.recall_reason) == (now + HOUR, "wrong price")
    assert recalled.state(now + HOUR) == State.RECALLED
    assert list(Article.objects.recalled(now + HOUR)) == [article]


def test_a_draft_cannot_be_recalled(
    draft: ArticleVersion, head_nurse: StaffMember, now: datetime
) -> None:
    with pytest.raises(NotSignedOff):
        recall(draft, by=head_nurse, now=now, reason="")


def test_an_expired_version_is_said_no_more(signed: ArticleVersion, now: datetime) -> None:
    signed.expires_at = now + HOUR
    signed.save()

    assert words_in_force(now) == ["停车场在南门。"]
    assert words_in_force(now + HOUR) == []
    assert signed.state(now + HOUR) == State.EXPIRED
    assert Article.objects.expired(now + HOUR).count() == 1


def test_an_inactive_article_says_nothing(signed: ArticleVersion, now: datetime) -> None:
    Article.objects.update(is_active=False)

    assert words_in_force(now) == []
    assert signed.article.version_in_force(now) is None


def test_the_database_keeps_one_draft_and_one_number_per_article(
    article: Article, draft: ArticleVersion
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ArticleVersion.objects.create(article=article, number=2, title="二")


def test_the_demo_articles_are_complete_in_both_languages() -> None:
    rows = [row for _, row in demo_articles()]

    assert len(rows) >= 40
    assert len({row["slug"] for row in rows}) == len(rows)
    for row in rows:
        assert 60 <= len(row["body"]) <= 200, row["slug"]
        assert all(row[name].strip() for name in ArticleVersion.WORDS), row["slug"]
        assert len(row["questions"].split()) >= 3, row["slug"]
        assert len(row["questions_en"].strip().splitlines()) >= 3, row["slug"]


def test_the_demo_articles_are_seeded_once_and_all_in_force(
    head_nurse: StaffMember, now: datetime
) -> None:
    seed_hospital(now)

    assert len(seed_articles(now, head_nurse)) == len(demo_articles())

    assert seed_articles(now, head_nurse) == []
    assert Article.objects.in_force(now).count() == len(demo_articles())
    assert Article.objects.get(slug="endoscopy").department_id is not None


@pytest.mark.parametrize("state", ["", "draft", "in_force", "expired", "recalled"])
@pytest.mark.parametrize("model", ["article", "articleversion"])
def test_the_admin_lists_by_state(
    model: str, state: str, signed: ArticleVersion, admin_client: Client
) -> None:
    query = {"state": state} if state else {}

    page = admin_client.get(f"/admin/knowledge/{model}/", query)

    assert page.status_code == 200
    shown = page.context["cl"].result_count
    assert shown == (1 if state in ("", "in_force") else 0)


def test_an_article_is_written_signed_off_and_recalled_in_the_admin(admin_client: Client) -> None:
    form: dict[str, Any] = {"slug": "wifi", "category": "services", "is_active": "on"}
    management = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    added = admin_client.post("/admin/knowledge/article/add/", form | management)
    draft = ArticleVersion.objects.get()
    page = f"/admin/knowledge/articleversion/{draft.pk}/"
    assert added.headers["Location"] == f"{page}change/"

    words = {"title": "无线网", "body": "大厅有免费无线网。", "source": "信息科"}
    saved = admin_client.post(f"{page}change/", words)
    assert saved.status_code == 302

    actions = "/admin/knowledge/articleversion/"
    chosen = {"_selected_action": [draft.pk]}
    admin_client.post(actions, chosen | {"action": "sign_off_selected"})
    assert words_in_force(timezone.now()) == ["大厅有免费无线网。"]
    assert admin_client.get(f"{page}change/").status_code == 200

    tampered = admin_client.post(f"{page}change/", words | {"body": "没有。"})
    assert tampered.status_code == 302
    assert words_in_force(timezone.now()) == ["大厅有免费无线网。"]

    article_id = draft.article_id
    assert admin_client.get(f"/admin/knowledge/article/{article_id}/change/").status_code == 200
    admin_client.post(
        "/admin/knowledge/article/",
        {"_selected_action": [article_id], "action": "recall_what_holds"},
    )
    assert words_in_force(timezone.now()) == []
