"""Articles of the invented demo hospital: true to life, and true of no real one."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from hospital.models import Department
from knowledge.models import Article, ArticleVersion
from knowledge.services import draft_version, sign_off
from staff.models import StaffMember

FOLDER = Path(__file__).parent


@transaction.atomic
def seed_articles(now: datetime, signed_off_by: StaffMember) -> list[Article]:
    """Add the demo articles that are missing, signed off; those that are there stay as they are.

    `signed_off_by` needs the right to sign off.
    """
    return [
        _seed_article(row, category=category, now=now, signed_off_by=signed_off_by)
        for category, row in demo_articles()
        if not Article.objects.filter(slug=row["slug"]).exists()
    ]


def demo_articles() -> list[tuple[str, dict[str, Any]]]:
    """Category and fields of each demo article."""
    files = [tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))]
    return [(file["category"], row) for file in files for row in file["articles"]]


def _seed_article(
    row: dict[str, Any], *, category: str, now: datetime, signed_off_by: StaffMember
) -> Article:
    article = Article.objects.create(
        slug=row["slug"],
        category=category,
        department=Department.objects.filter(name=row.get("department", "")).first(),
        owner=signed_off_by,
    )
    words = {name: row[name].strip() for name in ArticleVersion.WORDS}
    draft = draft_version(article, author=signed_off_by, now=now, **words)
    sign_off(draft, by=signed_off_by, now=now)
    return article
