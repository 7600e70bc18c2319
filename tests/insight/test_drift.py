"""A model is watched: what is written to it and what it makes of it, in counts, week by week."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from channels_app.metrics import count
from config.dashboard import show
from conftest import NOON
from insight.characters import count_characters, language_of
from insight.drift import (
    LEAST_MESSAGES,
    MAX_STABILITY_INDEX,
    Drift,
    count_day,
    count_days,
    drifts,
    in_words,
    stability_index,
)
from insight.management.commands import drift as drift_command
from insight.models import Bookmark, ModelDay, ReferenceWeek
from patients.services import erase_patient
from staff.models import StaffMember
from triage.labels import Urgency

MODEL = "test 1 abc"
DAY = date(2026, 11, 18)  # of NOON, in Shanghai
NEXT_MORNING = NOON + timedelta(hours=22)

Counted = Callable[..., None]


@pytest.fixture
def counted(db: None) -> Counted:
    """Seven counted days of one model, beginning at a day."""

    def keep(
        first_day: date, *, messages: int = 100, abstained: int = 12, **fields: object
    ) -> None:
        for number in range(7):
            ModelDay.objects.create(
                **{
                    "day": first_day + timedelta(days=number),
                    "model": MODEL,
                    "messages": messages,
                    "abstained": abstained,
                    "intents": {"chitchat": messages // 2, "symptom_triage": messages // 2},
                    "urgencies": {"0": messages},
                    "characters": 1_000,
                    "unknown_characters": 1,
                    "counted_at": NOON,
                    **fields,
                }
            )

    return keep


def the_drift(now: datetime = NOON) -> Drift:
    (found,) = drifts(now=now)
    return found


# --- characters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "characters", "unknown"),
    [
        ("我头疼 3 天了!!😀", 9, 0),
        ("ＡＢＣ Fièvre 38.5℃", 14, 0),
        ("👨‍👩‍👧❤️🇨🇳1️⃣", 12, 0),
        ("สวัสดี", 6, 6),
        ("Привет你好", 8, 6),
        ("\ufffd\ufffd疼", 3, 2),
        ("", 0, 0),
    ],
    ids=["Chinese and emoji", "Latin", "joined emoji", "Thai", "Russian", "broken", "nothing"],
)
def test_what_is_not_ours_is_counted_as_unknown(text: str, characters: int, unknown: int) -> None:
    assert count_characters(text) == (characters, unknown)


@pytest.mark.parametrize(
    ("text", "lang"),
    [("头疼 CT", "zh"), ("My head hurts", "en"), ("Привет", "other"), ("😀", "other")],
)
def test_a_language_is_called_as_in_the_training_data(text: str, lang: str) -> None:
    assert language_of(text) == lang


# --- counting ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_day_that_is_over_is_one_row_a_model_and_counts_alone(model, patient_writes) -> None:
    model.means("chitchat")
    patient_writes("你好")
    model.means("symptom_triage", urgency=Urgency.ROUTINE, abstained=True)
    patient_writes("боль头疼", visitor="visitor-2")
    model.means("chitchat", model="test 2 def")
    patient_writes("您好", visitor="visitor-3")
    patient_writes("菜单", visitor="visitor-3", tap="menu")  # understood without a model

    assert count_days(now=NEXT_MORNING) == 1

    first = ModelDay.objects.get(model=MODEL)
    assert (first.day, first.messages, first.abstained) == (DAY, 2, 1)
    assert first.intents == {"chitchat": 1, "symptom_triage": 1}
    assert first.urgencies == {"0": 1, "1": 1}
    assert (first.characters, first.unknown_characters) == (8, 4)
    assert ModelDay.objects.get(model="test 2 def").messages == 1


@pytest.mark.django_db
def test_counting_again_changes_nothing(model, patient_writes) -> None:
    model.means("chitchat")
    patient_writes("你好")
    count_days(now=NEXT_MORNING)
    before = ModelDay.objects.get()

    assert count_days(now=NEXT_MORNING) == 0
    Bookmark.objects.all().delete()
    assert count_days(now=NEXT_MORNING) == 1

    after = ModelDay.objects.get()
    assert (after.pk, after.messages) == (before.pk, before.messages)


@pytest.mark.django_db
def test_today_is_not_counted_before_it_is_over(model, patient_writes) -> None:
    model.means("chitchat")
    patient_writes("你好")

    assert count_days(now=NOON + timedelta(hours=1)) == 0
    assert not ModelDay.objects.exists()


@pytest.mark.django_db
def test_an_erased_patient_is_not_counted(model, patient_writes) -> None:
    model.means("chitchat")
    message = patient_writes("你好").message
    count_day(DAY, now=NEXT_MORNING)
    erase_patient(message.conversation.contact_point.patient, now=NEXT_MORNING)

    count_day(DAY, now=NEXT_MORNING)

    assert not ModelDay.objects.exists()


@pytest.mark.django_db
def test_in_an_empty_house_there_is_nothing_to_count() -> None:
    assert count_days(now=NEXT_MORNING) == 0
    assert list(drifts(now=NEXT_MORNING)) == []


# --- comparing ---------------------------------------------------------------------------------


def test_the_same_distribution_has_not_moved() -> None:
    assert stability_index({"chitchat": 50, "other": 50}, {"chitchat": 500, "other": 500}) < 0.01


def test_another_distribution_has() -> None:
    moved = stability_index({"chitchat": 250, "other": 50}, {"chitchat": 50, "other": 250})
    assert moved > MAX_STABILITY_INDEX


def test_the_first_full_week_is_the_reference(counted: Counted) -> None:
    counted(DAY - timedelta(days=15), abstained=5)
    counted(DAY - timedelta(days=7))
    ModelDay.objects.filter(day=DAY - timedelta(days=15)).update(abstained=100)  # half a day

    reference = the_drift().reference

    assert reference is not None
    assert (reference.messages, reference.abstained) == (600, 30)


def test_the_week_chosen_in_the_admin_is_the_reference(
    counted: Counted, nurse: StaffMember
) -> None:
    counted(DAY - timedelta(days=28))
    counted(DAY - timedelta(days=21), abstained=40)
    counted(DAY - timedelta(days=7))
    ReferenceWeek.objects.create(
        model=MODEL, first_day=DAY - timedelta(days=21), chosen_by=nurse, chosen_at=NOON
    )

    reference = the_drift().reference

    assert reference is not None
    assert reference.abstained == 7 * 40


def test_a_new_model_has_no_reference_yet(counted: Counted) -> None:
    counted(DAY - timedelta(days=7))

    found = the_drift()

    assert found.reference is None
    assert not found.crossed
    with translation.override("en"):
        assert [said.words for said in in_words(found)] == [
            "abstains 12 %; no reference week is over yet"
        ]


def test_a_quiet_week_crosses_nothing(counted: Counted) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), abstained=15)

    assert not the_drift().crossed


def test_more_abstention_is_said_in_words_with_a_warning(counted: Counted) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), abstained=31)

    found = the_drift()

    assert found.abstention_changed
    with translation.override("en"):
        first = in_words(found)[0]
    assert (first.words, first.is_warning) == ("abstains 31 %, 12 % in the reference week", True)


def test_other_intents_and_other_scripts_are_noticed(counted: Counted) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), intents={"medication": 100}, unknown_characters=30)

    found = the_drift()

    assert found.intents_changed
    assert found.unknown_changed


def test_too_few_messages_warn_of_nothing(counted: Counted) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), messages=LEAST_MESSAGES // 7 - 1, abstained=31)

    found = the_drift()

    assert not found.crossed
    assert len(in_words(found)) == 4


# --- where it is shown -------------------------------------------------------------------------


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_command.timezone, "now", lambda: NOON)


def test_the_command_ends_with_one_when_a_threshold_is_crossed(
    counted: Counted, at_noon: None, capsys
) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), abstained=31)

    with pytest.raises(CommandError) as ended:
        call_command("drift")

    assert ended.value.returncode == 1
    table = capsys.readouterr().out
    assert "CHANGED" in table
    assert "12 %" in table and "31 %" in table


def test_the_command_ends_well_otherwise(counted: Counted, at_noon: None, capsys) -> None:
    call_command("drift")
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7))
    call_command("drift")

    assert "CHANGED" not in capsys.readouterr().out


def test_the_first_page_of_the_admin_warns(counted: Counted, at_noon: None) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), abstained=31)

    with translation.override("en"):
        panels = {panel.title: panel for panel in show(None, {})["panels"]}  # type: ignore[arg-type]

    rows = panels[f"Watching {MODEL}"].rows
    assert (rows[0].name, rows[0].value, rows[0].tone) == (
        "abstains 31 %, 12 % in the reference week", "changed", "warn",
    )  # fmt: skip
    assert {row.tone for row in rows[1:]} == {"calm"}


def test_the_monitor_hears_numbers(counted: Counted) -> None:
    counted(DAY - timedelta(days=15))
    counted(DAY - timedelta(days=7), abstained=31)

    counts = count(NOON)

    assert counts["model_abstained_share"] == pytest.approx(0.31)
    assert counts["model_abstained_share_of_reference"] == pytest.approx(0.12)
    assert counts["model_changed"] == 1
    assert counts["reviews_open"] == 0
