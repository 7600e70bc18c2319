"""Reports: what is told, by whom first, and in what words."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conftest import NOON
from patients.models import Patient
from patients.services import create_patient, erase_patient, merge_patients
from records.identity import visible_reports
from records.models import DiagnosticReport, Observation
from records.reports import (
    CannotOpen,
    NotReleased,
    OtherPatient,
    Standing,
    file_report,
    open_report,
    report_text,
    report_view,
    settle_release,
    standing,
    trend,
    why_talk,
)
from staff.models import Role
from vault.fields import ERASED
from vault.models import AccessEntry

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HAEMOGLOBIN = {
    "code": "718-7", "name": "血红蛋白", "value": "134", "unit": "g/L", "low": "115", "high": "150",
}  # fmt: skip


def filed(patient: Patient, *lines: dict[str, Any], now: Any = NOON, **fields: Any):  # type: ignore[no-untyped-def]
    given = {"external_id": "r1", "name": "血常规", "category": "lab", "status": "final", **fields}
    return file_report(patient, observations=lines or [HAEMOGLOBIN], now=now, **given)


def line(**fields: str) -> dict[str, str]:
    return {**HAEMOGLOBIN, **fields}


# --- who tells it first --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["registered", "partial", "preliminary"])
def test_what_is_not_out_is_not_ready(wang, status: str) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, status=status)

    assert standing(report) is Standing.NOT_READY
    with pytest.raises(NotReleased):
        report_view(report, "zh-hans")


def test_an_ordinary_result_is_ready_at_once(wang) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang)

    assert standing(report) is Standing.READY
    assert report.available_at == NOON
    assert report.talk_owed_at is None


@pytest.mark.parametrize(
    ("fields", "lines", "rule"),
    [
        ({}, [line(interpretation="HH")], "critical"),
        ({}, [line(interpretation="LL")], "critical"),
        ({}, [line(interpretation="AA")], "critical"),
        ({"category": "pathology", "name": "胃镜活检"}, [], "pathology"),
        ({"name": "HIV抗体"}, [], "hiv"),
        ({"name": "传染病四项"}, [line(code="7918-6", name="某抗体")], "hiv"),
        ({"name": "梅毒TPPA"}, [], "sexually transmitted"),
        ({"name": "输血前检查"}, [line(name="乙肝表面抗原 HBsAg")], "hepatitis"),
        ({"name": "体检"}, [line(name="癌胚抗原 CEA")], "tumour marker"),
        ({"name": "总PSA", "name_en": "Total PSA"}, [], "tumour marker"),
        ({"name": "血HCG"}, [], "pregnancy loss and prenatal diagnosis"),
        ({"name": "染色体核型"}, [], "genetics"),
        ({"name": "胸部CT", "category": "imaging", "conclusion": "右肺占位,请结合临床"}, [],
         "imaging that may show a tumour"),
    ],
)  # fmt: skip
def test_a_person_tells_critical_and_sensitive_results_first(  # type: ignore[no-untyped-def]
    wang, nurse, fields, lines, rule
) -> None:
    report = filed(wang, *lines, **fields)

    assert why_talk(report) == rule
    assert standing(report) is Standing.NEEDS_TALK
    assert report.talk_owed_at == NOON
    with pytest.raises(NotReleased):
        report_text(report, "zh-hans")

    assert open_report(report.pk, by=nurse, now=NOON)
    assert standing(DiagnosticReport.objects.get(pk=report.pk)) is Standing.READY


@pytest.mark.parametrize("name", ["血常规", "capsaicin test", "肝功能", "Sample of urine"])
def test_an_ordinary_name_is_not_taken_for_a_sensitive_one(wang, name: str) -> None:  # type: ignore[no-untyped-def]
    assert why_talk(filed(wang, name=name)) == ""


def test_opening_is_logged_and_the_first_one_wins(wang, nurse, other_nurse) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, line(interpretation="HH"))

    assert open_report(report.pk, by=nurse, now=NOON)
    assert not open_report(report.pk, by=other_nurse, now=NOON + timedelta(hours=1))

    report.refresh_from_db()
    assert (report.opened_by, report.opened_at, report.talk_owed_at) == (nurse, NOON, None)
    looks = AccessEntry.objects.filter(subject_id=wang.pk, actor_id__in=[nurse.pk, other_nurse.pk])
    assert looks.count() == 2


def test_an_admin_opens_none_and_nobody_opens_what_is_not_out(wang, nurse, staff) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CannotOpen):
        open_report(filed(wang).pk, by=staff(Role.ADMIN), now=NOON)
    with pytest.raises(CannotOpen):
        open_report(filed(wang, status="partial").pk, by=nurse, now=NOON)


def test_another_result_than_the_one_told_needs_another_talk(wang, nurse) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, line(interpretation="HH"))
    open_report(report.pk, by=nurse, now=NOON)

    same = filed(wang, line(interpretation="HH"))
    assert standing(same) is Standing.READY

    amended = filed(wang, line(value="61", interpretation="LL"), status="amended")
    assert amended.pk == report.pk
    assert standing(amended) is Standing.NEEDS_TALK


def test_another_conclusion_needs_another_talk_too(wang, nurse) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, category="pathology", conclusion="甲")
    open_report(report.pk, by=nurse, now=NOON)

    assert standing(filed(wang, category="pathology", conclusion="乙")) is Standing.NEEDS_TALK


def test_a_report_never_changes_its_patient(wang) -> None:  # type: ignore[no-untyped-def]
    filed(wang)

    with pytest.raises(OtherPatient):
        filed(create_patient(name="李四"))


def test_a_rule_that_is_newer_than_a_report_is_heeded(wang, prove) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, name="HIV抗体")
    DiagnosticReport.objects.filter(pk=report.pk).update(talk_owed_at=None)
    prove(wang, conversation=1)

    (seen,) = visible_reports(1, NOON)

    assert standing(seen) is Standing.NEEDS_TALK
    assert DiagnosticReport.objects.owed_a_talk().get() == report


def test_a_report_that_comes_twice_is_one(wang) -> None:  # type: ignore[no-untyped-def]
    filed(wang, status="registered")
    filed(wang)

    assert Observation.objects.filter(report=DiagnosticReport.objects.get()).count() == 1


def test_a_cancelled_report_owes_nothing(wang) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, name="HIV抗体", status="cancelled")

    assert settle_release(report, now=NOON).talk_owed_at is None
    assert not DiagnosticReport.objects.of(wang.pk).exists()


def test_who_opened_a_report_is_always_known(wang) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang)

    with pytest.raises(IntegrityError), transaction.atomic():
        DiagnosticReport.objects.filter(pk=report.pk).update(opened_at=NOON)


def test_reports_follow_a_merge_and_do_not_outlive_an_erasure(wang) -> None:  # type: ignore[no-untyped-def]
    filed(wang)
    into = create_patient(name="王小明")

    merge_patients(wang, into=into)
    assert report_view(DiagnosticReport.objects.of(into.pk).get(), "zh-hans").rows[0].value == "134"

    erase_patient(into, now=NOON)
    assert DiagnosticReport.objects.get().name == ERASED


# --- plain words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "low", "high", "word", "at"),
    [
        ("134", "115", "150", "正常", 0.521),
        ("115", "115", "150", "正常", 0.25),
        ("150", "115", "150", "正常", 0.75),
        ("155", "115", "150", "略高", 0.821),
        ("190", "115", "150", "偏高", 1.0),
        ("110", "115", "150", "略低", 0.179),
        ("80", "115", "150", "偏低", 0.0),
        ("4", "", "10", "正常", 0.3),
        ("＜0.5", "", "10", "正常", 0.037),
        ("阴性", "", "", "", None),
    ],
)
def test_where_a_value_lies_and_how_it_is_called(  # type: ignore[no-untyped-def]
    wang, value: str, low: str, high: str, word: str, at: float | None
) -> None:
    (row,) = report_view(filed(wang, line(value=value, low=low, high=high)), "zh-hans").rows

    assert row.word == word
    assert row.at == pytest.approx(at, abs=0.002) if at is not None else row.at is None


def test_a_line_says_what_it_is_about_in_either_language(wang) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, name_en="Full blood count")

    chinese, english = (report_view(report, each) for each in ("zh-hans", "en"))
    assert (chinese.name, chinese.rows[0].name) == ("血常规", "血红蛋白")
    assert chinese.rows[0].about == "红细胞里运送氧气的蛋白。"
    assert (english.name, english.rows[0].name) == ("Full blood count", "Haemoglobin")
    assert english.rows[0].word == "in range"


def test_the_laboratorys_own_judgement_goes_before_the_range(wang) -> None:  # type: ignore[no-untyped-def]
    report = filed(wang, line(interpretation="H"))

    assert [row.code for row in report_view(report, "en").outside] == ["718-7"]


def test_a_report_as_text(wang) -> None:  # type: ignore[no-untyped-def]
    assert report_text(filed(wang), "zh-hans").splitlines() == [
        "血常规 · 2026-11-18",
        "• 血红蛋白 134 g/L(参考范围 115–150) 正常",
        "参考范围因实验室、年龄和性别而不同，请由医生结合您的情况解读。",
    ]


def test_a_trend_shows_earlier_values_of_what_may_be_told(wang) -> None:  # type: ignore[no-untyped-def]
    for days, value in ((90, "7.1"), (2, "6.8"), (30, "7.0")):
        sugar = {"code": "4548-4", "name": "糖化血红蛋白", "value": value, "unit": "%"}
        filed(wang, sugar, external_id=f"t{days}", now=NOON - timedelta(days=days))
    hidden = {"code": "4548-4", "name": "糖化血红蛋白", "value": "15", "interpretation": "HH"}
    filed(wang, hidden, external_id="hidden")

    assert [each.value for each in trend(wang, "4548-4")] == [7.1, 7.0, 6.8]
