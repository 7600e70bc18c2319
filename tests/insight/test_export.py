"""Settled reviews leave the house by one command: logged, closed to others, never overwritten."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from conftest import NOON
from insight.models import Review
from insight.reviews import accept, skip
from patients.services import erase_patient
from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LATER = NOON + timedelta(hours=1)
FIELDS = {
    "text", "intent", "also", "urgency", "distress", "wants_human", "department", "accept", "lang",
    "voice",
}  # fmt: skip


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "reviews.jsonl"


def export(out: Path) -> list[dict[str, object]]:
    call_command("export_reviews", out=out)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_a_settled_review_is_a_line_for_training(unsure_review, nurse, out: Path, capsys) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)

    (line,) = export(out)

    assert set(line) == FIELDS
    assert line["text"] == "我这个情况不知道该找谁"
    assert (line["intent"], line["department"]) == ("symptom_triage", "呼吸内科")
    assert (line["lang"], line["voice"]) == ("zh", "review")
    assert line["intent"] in set(Intent)
    assert line["urgency"] in set(Urgency)
    assert line["distress"] in set(Distress)
    assert line["department"] in DEPARTMENTS
    said = capsys.readouterr().out
    assert said.startswith("1 messages of 1 patients written to ")
    assert "嗓子" not in said


def test_the_file_is_its_owners_alone(unsure_review, nurse, out: Path) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)
    export(out)

    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_each_patients_export_is_in_the_access_log(unsure_review, nurse, out: Path) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)
    export(out)

    entry = AccessEntry.objects.get()
    patient = unsure_review.message.conversation.contact_point.patient
    assert (entry.action, entry.subject, entry.subject_id) == ("export", "patient", patient.pk)
    assert (entry.actor_id, entry.reason) == (None, "export_reviews")


def test_an_existing_file_is_never_overwritten(unsure_review, nurse, out: Path) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)
    out.write_text("what was there")

    with pytest.raises(CommandError, match="exists"):
        export(out)

    assert out.read_text() == "what was there"
    assert not AccessEntry.objects.exists()


def test_what_is_open_or_was_skipped_stays_in_the_house(unsure_review, nurse, out: Path) -> None:
    assert export(out) == []
    skip(unsure_review.pk, by=nurse, now=LATER)
    assert export(out.with_name("again.jsonl")) == []


def test_an_erased_patient_is_not_exported(unsure_review, nurse, out: Path) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)
    erase_patient(unsure_review.message.conversation.contact_point.patient, now=LATER)

    assert export(out) == []
    assert not AccessEntry.objects.exists()


def test_a_message_that_was_reviewed_twice_is_one_line(unsure_review, nurse, out: Path) -> None:
    again = Review.objects.create(
        message=unsure_review.message,
        data_key=unsure_review.data_key,
        kind="department",
        found_at=LATER,
    )
    for review in (unsure_review, again):
        accept(review.pk, by=nurse, now=LATER)

    assert len(export(out)) == 1


def test_an_export_that_breaks_leaves_no_half_of_a_file(
    unsure_review, nurse, out: Path, monkeypatch
) -> None:
    accept(unsure_review.pk, by=nurse, now=LATER)
    monkeypatch.setattr("vault.access._digest", lambda entry: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        export(out)

    assert not out.exists()
