"""The access log: it grows without a gap, refuses to shrink, and shows who got around that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from vault import access
from vault.access import Action, record, verify
from vault.models import AccessEntry

Tamper = Callable[[str], None]


def look(subject_id: int = 1) -> None:
    record(
        Action.READ,
        actor_id=7,
        subject="patient",
        subject_id=subject_id,
        reason="test",
        now=timezone.now(),
    )


@pytest.mark.django_db
def test_looks_are_numbered_without_a_gap_and_the_chain_holds() -> None:
    for patient in range(5):
        look(patient)

    assert list(AccessEntry.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert verify() is None


@pytest.mark.django_db
def test_an_empty_log_stands() -> None:
    assert verify() is None


@pytest.mark.django_db
def test_a_look_that_is_rolled_back_leaves_no_gap() -> None:
    look()
    with pytest.raises(RuntimeError), transaction.atomic():
        look()
        raise RuntimeError
    look()

    assert list(AccessEntry.objects.values_list("number", flat=True)) == [1, 2]
    assert verify() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE vault_accessentry SET actor_id = 8 WHERE number = 2",
        "DELETE FROM vault_accessentry WHERE number = 2",
    ],
)
def test_the_database_refuses_to_change_what_stands(sql: str) -> None:
    for _ in range(3):
        look()

    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)

    assert verify() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "found_at"),
    [
        pytest.param("UPDATE vault_accessentry SET actor_id = 8 WHERE number = 3", 3, id="who"),
        pytest.param("UPDATE vault_accessentry SET reason = '' WHERE number = 1", 1, id="why"),
        pytest.param("UPDATE vault_accessentry SET subject_id = 9 WHERE number = 5", 5, id="whom"),
        pytest.param("DELETE FROM vault_accessentry WHERE number = 2", 2, id="one is missing"),
        pytest.param("DELETE FROM vault_accessentry WHERE number > 3", 4, id="the tail is cut"),
        pytest.param("DELETE FROM vault_accessentry", 1, id="all is gone"),
        pytest.param(
            "UPDATE vault_accesshead SET number = 4, digest = "
            "(SELECT digest FROM vault_accessentry WHERE number = 4)",
            5,
            id="the head is set back",
        ),
    ],
)
def test_who_gets_around_the_triggers_is_found(tamper: Tamper, sql: str, found_at: int) -> None:
    for _ in range(5):
        look()

    tamper(sql)

    assert verify() == found_at


@pytest.mark.django_db
def test_two_entries_that_change_places_are_found(tamper: Tamper) -> None:
    for patient in range(3):
        look(patient)

    tamper("UPDATE vault_accessentry SET number = -1 WHERE number = 1")
    tamper("UPDATE vault_accessentry SET number = 1 WHERE number = 2")
    tamper("UPDATE vault_accessentry SET number = 2 WHERE number = -1")

    assert verify() == 1


def test_writers_at_the_same_moment_leave_no_gap(log_in_real_transactions: None) -> None:
    def look_and_leave(patient: int) -> None:
        try:
            look(patient)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look_and_leave, range(30)))

    assert list(AccessEntry.objects.values_list("number", flat=True)) == list(range(1, 31))
    assert verify() is None


def test_looks_that_are_added_while_it_is_verified_accuse_nobody(
    log_in_real_transactions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patient in range(3):
        look(patient)
    real_digest = access._digest

    def look_and_leave() -> None:
        look()
        connection.close()

    def digest_while_others_look(entry: AccessEntry) -> str:
        monkeypatch.setattr(access, "_digest", real_digest)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(look_and_leave).result()
        return real_digest(entry)

    monkeypatch.setattr(access, "_digest", digest_while_others_look)

    assert verify() is None
    assert AccessEntry.objects.count() == 4
