"""What a hospital's system has for us: fetched, filed once, never lost, and never a crash."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.fhir import client
from adapters.fhir.exchange import exchange, ring_due
from adapters.fhir.models import Cursor, LeftOut, System
from adapters.fhir.stand_in import FhirStandIn
from adapters.rehearsal.stand_in import Fault
from harness.fhir import allergy, laboratory_report, patient, potassium, prescription, stranger
from patients.models import ExternalIdentifier, Patient
from patients.services import create_patient, erase_patient, merge_patients
from records.models import AllergyIntolerance, DiagnosticReport, MedicationRequest

pytestmark = pytest.mark.django_db
Exchange = Callable[..., dict[str, int]]


@pytest.fixture
def full(his: FhirStandIn) -> FhirStandIn:
    """A patient with an allergy, a prescription and a report."""
    for resource in (patient(), allergy(), prescription(), potassium(), laboratory_report()):
        his.put(resource)
    return his


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.fhir.exchange.COUNTS", (5, 2, 1))


def test_a_patient_comes_in_with_all_that_is_known_of_them(
    full: FhirStandIn, exchanges: Exchange
) -> None:
    assert exchanges()["filed"] == 4

    one = Patient.objects.get()
    assert (one.name, one.phone, one.gender) == ("王小明", "13800000001", "male")
    assert one.identity_number == "11010519491231002X"
    assert AllergyIntolerance.objects.get(patient=one).criticality == "high"
    assert MedicationRequest.objects.get(patient=one).times_per_day == 3
    report = DiagnosticReport.objects.get(patient=one)
    assert report.observations.get().value == "6.8"
    assert report.talk_owed_at is not None  # critical: a person tells it first


def test_a_second_fetching_files_nothing(full: FhirStandIn, exchanges: Exchange) -> None:
    exchanges()
    before = list(ExternalIdentifier.objects.order_by("pk").values_list("digest", "filed_at"))

    counts = exchanges(timedelta(minutes=2))

    assert set(counts) == {"unchanged"}
    assert (
        list(ExternalIdentifier.objects.order_by("pk").values_list("digest", "filed_at")) == before
    )


def test_only_what_has_changed_lately_is_asked_for(full: FhirStandIn, exchanges: Exchange) -> None:
    full.put(stranger(1), at=datetime.now(UTC) - timedelta(days=1))
    exchanges()

    assert exchanges(timedelta(minutes=2))["unchanged"] == 4  # not the one of yesterday
    asked = full.asked_for("Patient")[-1].query["_lastUpdated"]
    assert asked.startswith("ge")


def test_many_pages_are_read_to_the_end(
    his: FhirStandIn, exchanges: Exchange, small_pages: None
) -> None:
    for number in range(12):
        his.put(stranger(number))

    exchanges()

    assert Patient.objects.count() == 12
    assert len(his.asked_for("Patient")) == 1  # and the pages it named


def test_a_long_reading_goes_on_in_the_next_run(
    his: FhirStandIn,
    exchanges: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    small_pages: None,
    system: System,
) -> None:
    monkeypatch.setattr("adapters.fhir.exchange.PAGES", 1)
    for number in range(12):
        his.put(stranger(number))

    exchanges()

    system.refresh_from_db()
    assert (Patient.objects.count(), system.pulled_at) == (5, None)
    exchanges(timedelta(seconds=10))
    exchanges(timedelta(seconds=20))
    system.refresh_from_db()
    assert Patient.objects.count() == 12
    assert system.pulled_at is not None


def test_a_page_that_they_forgot_is_no_loss(
    his: FhirStandIn, exchanges: Exchange, monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    monkeypatch.setattr("adapters.fhir.exchange.PAGES", 1)
    for number in range(8):
        his.put(stranger(number))
    exchanges()
    his.forget_searches()
    monkeypatch.setattr("adapters.fhir.exchange.PAGES", 10)

    exchanges(timedelta(seconds=10))

    assert Patient.objects.count() == 8


def test_a_server_that_sorts_nothing_loses_nothing(
    his: FhirStandIn, exchanges: Exchange, small_pages: None
) -> None:
    his.sorts = False
    his.put(stranger(0))
    for number in range(1, 12):
        his.put(stranger(number), at=datetime.now(UTC) - timedelta(days=number))

    exchanges()

    assert Patient.objects.count() == 12


def test_an_older_state_changes_nothing(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient())
    his.put(patient(gender="female"))
    exchanges(Patient="theirs")
    before = his.rows["Patient"]["p1"]["meta"]["lastUpdated"]

    his.put(patient(), at=datetime.fromisoformat(before) - timedelta(minutes=1), version="1")

    assert exchanges(timedelta(minutes=1))["stale"] == 1
    assert Patient.objects.get().gender == "female"


def test_a_change_in_the_far_future_makes_no_later_one_stale(
    his: FhirStandIn, exchanges: Exchange
) -> None:
    his.put(patient(), at=datetime(9998, 1, 1, tzinfo=UTC))
    exchanges(Patient="theirs")
    his.put(patient(gender="female"), at=datetime.now(UTC) + timedelta(days=2))

    exchanges(timedelta(days=2, minutes=2))

    assert Patient.objects.get().gender == "female"


def test_a_run_that_takes_long_goes_on_in_the_next_one(
    his: FhirStandIn, system: System, small_pages: None
) -> None:
    for number in range(8):
        his.put(stranger(number))
    now = timezone.now()
    clocks = iter([now] + [now + timedelta(minutes=3)] * 99)

    exchange(system.pk, clock=lambda: next(clocks))
    assert Patient.objects.count() == 5
    exchange(system.pk, clock=lambda: now + timedelta(minutes=4))

    assert Patient.objects.count() == 8


def test_what_is_named_is_fetched_first(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient(), at=datetime.now(UTC) - timedelta(days=9))
    exchanges()
    his.put(patient("p2", identifier=[]), at=datetime.now(UTC) - timedelta(days=9))  # missed
    his.put(allergy(patient={"reference": "Patient/p2"}))

    exchanges(timedelta(minutes=2))

    assert AllergyIntolerance.objects.count() == 1
    assert not LeftOut.objects.exists()


def test_lines_that_do_not_come_along_are_asked_for(full: FhirStandIn, exchanges: Exchange) -> None:
    full.includes = False

    exchanges()

    assert DiagnosticReport.objects.get().observations.count() == 1


def test_a_line_that_is_not_there_yet_is_waited_for(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient())
    his.put(laboratory_report())
    exchanges()
    left = LeftOut.objects.get()
    assert (left.resource, left.reason) == ("DiagnosticReport", "Refusal")

    his.put(potassium())
    exchanges(timedelta(minutes=2))

    assert DiagnosticReport.objects.count() == 1
    assert not LeftOut.objects.exists()


# --- What is wrong with what comes ---------------------------------------------------------------


def test_one_that_breaks_the_rules_keeps_no_other_out_and_is_kept(
    full: FhirStandIn, exchanges: Exchange
) -> None:
    full.put(patient("p2", identifier=[], birthDate="1949-77-77", name=[{"text": "金丝雀"}]))

    exchanges()

    left = LeftOut.objects.get()
    assert Patient.objects.count() == 1
    assert "birthDate" in left.reason
    assert "1949" not in left.reason
    assert left.try_at is None  # it comes again by itself when they mend it
    assert json.loads(left.content)["birthDate"] == "1949-77-77"
    full.put(patient("p2", identifier=[]))
    exchanges(timedelta(minutes=2))
    assert not LeftOut.objects.exists()


@pytest.mark.parametrize(
    "entry",
    [
        None, 7, "text", [], {}, {"resource": None}, {"resource": 7},
        {"resource": {"resourceType": "Patient"}},
        {"resource": {"resourceType": "Patient", "id": "../../metadata"}},
        {"resource": {"resourceType": "Patient", "id": 12}},
        {"resource": {"resourceType": "Patient", "id": "x", "name": "王"}},
        {"resource": {"resourceType": "Patient", "id": "x", "meta": {"lastUpdated": "soon"}}},
        {"resource": {"resourceType": "Patient", "id": "x", "name": [{"text": "\ud800"}]}},
        {"resource": {"resourceType": "OperationOutcome", "issue": []}},
        {"resource": {"resourceType": "Nothing", "id": "x"}},
    ],
)  # fmt: skip
def test_no_entry_is_a_crash(full: FhirStandIn, exchanges: Exchange, entry: Any) -> None:
    def spoil(bundle: dict[str, Any]) -> dict[str, Any]:
        return {**bundle, "entry": [entry, *bundle["entry"]]}

    full.spoil = spoil

    exchanges()

    assert Patient.objects.filter(identity_index__gt="").count() == 1
    assert DiagnosticReport.objects.count() == 1


leaf = st.sampled_from([None, "", 0, -1, 1.5, True, [], {}, "x" * 300, "2026", "#o9", [[]], "\x00"])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_spoilt_resource_is_filed_or_left_out_and_never_a_crash(
    data: st.DataObject, his: FhirStandIn, exchanges: Exchange, system: System
) -> None:
    wellformed = [patient(), allergy(), prescription(), laboratory_report(), potassium()]
    for resource in wellformed:
        his.rows[resource["resourceType"]].clear()
        his.put(resource)
    which = data.draw(st.sampled_from(wellformed))
    spoilt = json.loads(json.dumps(which))
    place: Any = spoilt
    while True:
        names = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from([n for n in names if n not in ("resourceType", "id")]))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(leaf)
            break
        if isinstance(inner, dict) and not set(inner) - {"resourceType", "id"}:
            break
        place = inner
    his.rows[which["resourceType"]][which["id"]] = {
        **spoilt, "meta": {"versionId": "9", "lastUpdated": datetime.now(UTC).isoformat()},
    }  # fmt: skip
    Cursor.objects.all().delete()

    counts = exchanges()

    system.refresh_from_db()
    assert system.failure == ""
    assert sum(counts.values()) >= len(wellformed) - 1  # each has an outcome; a line has none


def test_the_same_number_twice_on_one_page_is_one(his: FhirStandIn, exchanges: Exchange) -> None:
    his.put(patient())
    his.spoil = lambda bundle: {**bundle, "entry": bundle["entry"] * 2}

    exchanges()

    assert Patient.objects.count() == 1


# --- What is wrong with the line -----------------------------------------------------------------


@pytest.mark.vendor
@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault(status=500), "500"), (Fault(status=503), "503"), (Fault(status=429), "429"),
        (Fault(breaks=True), "RemoteProtocolError"), (Fault(code="<html>"), "not JSON"),
        (Fault(code="[]"), "not an object"), (Fault(code="{}"), "not a bundle"),
        (Fault(code='{"resourceType": "Bundle", "entry": {}}'), "not a bundle"),
        (Fault(code='{"a": NaN}'), "not JSON"), (Fault(code="[" * 100_000), "not JSON"),
        (Fault(status=403), "sign-in refused: 403"),
    ],
)  # fmt: skip
def test_a_fault_lets_them_rest_and_loses_nothing(
    full: FhirStandIn, exchanges: Exchange, system: System, fault: Fault, failure: str
) -> None:
    full.faults.append(fault)

    exchanges()

    system.refresh_from_db()
    assert (system.failures, system.failure) == (1, failure)
    assert system.rests_until is not None
    assert exchanges(timedelta(seconds=5)) == {}  # not yet
    exchanges(timedelta(minutes=6))
    system.refresh_from_db()
    assert (system.failures, system.failure) == (0, "")
    assert DiagnosticReport.objects.count() == 1


@pytest.mark.vendor
def test_they_say_how_long_to_wait(full: FhirStandIn, exchanges: Exchange, system: System) -> None:
    full.retry_after = "600"
    full.faults.append(Fault(status=429))
    before = timezone.now()

    exchanges()

    system.refresh_from_db()
    assert system.rests_until is not None
    assert system.rests_until >= before + timedelta(seconds=600)


@pytest.mark.vendor
def test_a_server_that_is_away_is_asked_less_and_less_often(
    his: FhirStandIn, exchanges: Exchange, system: System
) -> None:
    his.faults.extend([Fault(status=500)] * 6)
    waits = []
    after = timedelta()
    for _ in range(6):
        exchanges(after)
        system.refresh_from_db()
        assert system.rests_until is not None
        at = timezone.now() + after
        waits.append((system.rests_until - at).total_seconds())
        after += system.rests_until - at + timedelta(seconds=1)

    assert [round(wait / 15) for wait in waits] == [1, 2, 4, 8, 16, 32]


@pytest.mark.vendor
def test_a_slow_answer_is_not_waited_for(
    full: FhirStandIn, exchanges: Exchange, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    client._lines.cache_clear()
    monkeypatch.setattr(client, "ANSWER_S", 0.2)
    full.faults.append(Fault(status=200, delay_s=1.0))

    exchanges()
    client._lines.cache_clear()

    system.refresh_from_db()
    assert system.failure == "ReadTimeout"


def test_a_page_that_is_too_big_is_asked_for_in_parts(
    his: FhirStandIn, exchanges: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 1_000)
    for number in range(6):
        his.put(stranger(number))

    exchanges()

    assert Patient.objects.count() == 6
    assert [each.query["_count"] for each in his.asked_for("Patient")] == ["50", "5", "1"]


@pytest.mark.vendor
def test_a_page_elsewhere_is_not_followed(
    his: FhirStandIn, exchanges: Exchange, system: System, small_pages: None
) -> None:
    for number in range(6):
        his.put(stranger(number))
    his.elsewhere = "http://127.0.0.1:9/fhir"

    exchanges()

    system.refresh_from_db()
    assert system.failure == "next page elsewhere"


def test_a_kind_that_they_do_not_know_stops_no_other(
    full: FhirStandIn, exchanges: Exchange, system: System
) -> None:
    full.unsupported = {"MedicationRequest"}

    exchanges()

    assert DiagnosticReport.objects.count() == 1


def test_a_token_that_ended_is_fetched_anew(full: FhirStandIn, system: System) -> None:
    full.tokens.add("nobody's")
    system.sign_in, system.token_url = "client", f"{full.url}/token"
    system.client_id, system.secrets = full.client[0], {"client_secret": full.client[1]}
    system.save()
    now = timezone.now()

    assert exchange(system.pk, clock=lambda: now)["filed"] == 4
    full.tokens.clear()
    full.tokens.add("nobody's")
    exchange(system.pk, clock=lambda: now + timedelta(minutes=2))

    system.refresh_from_db()
    assert (system.failure, len([each for each in full.asked if each.path == "/token"])) == ("", 2)
    assert full.client[1] not in json.dumps([dict(each.query) for each in full.asked])


def test_a_token_that_does_not_change_is_brought_along(full: FhirStandIn, system: System) -> None:
    full.tokens.add("long-lived")
    system.sign_in, system.secrets = "bearer", {"token": "long-lived"}
    system.save()

    assert exchange(system.pk, clock=timezone.now)["filed"] == 4


# --- Whose word counts ---------------------------------------------------------------------------


def test_two_workers_do_not_speak_with_one_system(
    full: FhirStandIn, exchanges: Exchange, system: System
) -> None:
    System.objects.update(busy_until=timezone.now() + timedelta(minutes=1))

    assert exchanges() == {}
    assert exchanges(timedelta(minutes=2))["filed"] == 4


def test_the_clock_rings_for_a_system_once_a_minute(
    system: System, rings: list[tuple[str, dict[str, int]]], exchanges: Exchange
) -> None:
    ring_due(now=timezone.now())
    exchanges()
    ring_due(now=timezone.now() + timedelta(seconds=30))
    ring_due(now=timezone.now() + timedelta(seconds=90))

    assert rings == [("exchange.due", {"system_id": system.pk})] * 2


def test_nothing_is_asked_where_the_library_is_not_installed(
    full: FhirStandIn, exchanges: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.fhir.validation.get_fhir_model_class", None)

    assert exchanges() == {}
    assert full.asked == []


def test_who_was_erased_does_not_come_back(full: FhirStandIn, exchanges: Exchange) -> None:
    exchanges()
    erase_patient(Patient.objects.get(), now=timezone.now())
    for resource in (patient(gender="female"), allergy(criticality="low"), prescription("m2")):
        full.put(resource)

    counts = exchanges(timedelta(minutes=2))

    assert (Patient.objects.count(), MedicationRequest.objects.count()) == (1, 1)
    assert set(counts) == {"ignored"}


def test_what_comes_for_a_merged_record_goes_to_the_one_that_stayed(
    full: FhirStandIn, exchanges: Exchange
) -> None:
    exchanges()
    stays = create_patient(name="王小明")
    merge_patients(Patient.objects.get(identity_index__gt="", merged_into=None), into=stays)
    full.put(prescription("m2"))

    exchanges(timedelta(minutes=2))

    assert set(MedicationRequest.objects.values_list("patient", flat=True)) == {stays.pk}
