"""Templates and questionnaires to begin with: drafts, to be read and signed off by clinicians."""

import tomllib
from datetime import time
from pathlib import Path
from typing import Any

from django.db import transaction

from careplans.models import PlanTemplate, Question, Questionnaire, TemplateStep
from hospital.models import Department

DEMO = Path(__file__).with_name("demo.toml")


@transaction.atomic
def seed_careplans() -> None:
    """Add the templates that are missing; what is there already stays as somebody left it."""
    demo = tomllib.loads(DEMO.read_text(encoding="utf-8"))
    for row in demo["questionnaires"]:
        _seed_questionnaire(row)
    for row in demo["templates"]:
        _seed_template(row)


def _seed_questionnaire(row: dict[str, Any]) -> None:
    fields = {key: row[key] for key in row.keys() - {"questions", "department"}}
    fields["department"] = _department(row)
    form, is_new = Questionnaire.objects.get_or_create(code=row["code"], defaults=fields)
    if is_new:
        Question.objects.bulk_create(
            Question(questionnaire=form, number=number, **question)
            for number, question in enumerate(row["questions"], 1)
        )


def _seed_template(row: dict[str, Any]) -> None:
    fields = {key: row[key] for key in row.keys() - {"steps", "department"}}
    fields["department"] = _department(row)
    template, is_new = PlanTemplate.objects.get_or_create(code=row["code"], defaults=fields)
    if is_new:
        TemplateStep.objects.bulk_create(
            _step(template, number, step) for number, step in enumerate(row["steps"], 1)
        )


def _step(template: PlanTemplate, number: int, row: dict[str, Any]) -> TemplateStep:
    fields = {key: row[key] for key in row.keys() - {"at", "questionnaire"}}
    code = row.get("questionnaire")
    return TemplateStep(
        template=template,
        number=number,
        at=time.fromisoformat(row["at"]),
        questionnaire=Questionnaire.objects.get(code=code) if code else None,
        **fields,
    )


def _department(row: dict[str, Any]) -> Department | None:
    return Department.objects.filter(name=row.get("department", "")).first()
