"""Data keys: one for each patient, wrapped in the row, and gone for good when destroyed."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from vault import datakeys
from vault.cipher import Unreadable
from vault.datakeys import (
    Erased,
    create_data_key,
    destroy_data_key,
    ensure_alive,
    open_data_key,
    open_many,
)
from vault.models import DataKey

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_key_opens_the_same_with_and_without_the_cache() -> None:
    fresh = create_data_key()
    cached = open_data_key(fresh.pk)

    datakeys.forget()

    assert open_data_key(fresh.pk) == cached
    assert bytes(fresh.wrapped or b"").find(cached) == -1


def test_no_two_patients_share_a_key() -> None:
    assert open_data_key(create_data_key().pk) != open_data_key(create_data_key().pk)


@pytest.mark.django_db(transaction=True)
def test_a_wrapped_key_moved_to_another_row_does_not_open() -> None:
    one, two = create_data_key(), create_data_key()
    datakeys.forget()

    DataKey.objects.filter(pk=one.pk).update(wrapped=two.wrapped)

    with pytest.raises(Unreadable):
        open_data_key(one.pk)


def test_a_destroyed_key_is_gone_and_twice_is_once() -> None:
    fresh, now = create_data_key(), timezone.now()

    destroy_data_key(fresh.pk, now=now)
    destroy_data_key(fresh.pk, now=timezone.now())

    with pytest.raises(Erased):
        open_data_key(fresh.pk)
    gone = DataKey.objects.get(pk=fresh.pk)
    assert gone.wrapped is None
    assert gone.destroyed_at == now


@pytest.mark.django_db(transaction=True)
def test_another_process_notices_an_erasure_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = create_data_key()
    # Another process destroys it: our own cache is not told.
    DataKey.objects.filter(pk=fresh.pk).update(wrapped=None, destroyed_at=timezone.now())
    open_data_key(fresh.pk)  # still held open here

    later = datakeys.time.monotonic() + datakeys.CACHED_S + 1
    monkeypatch.setattr(datakeys.time, "monotonic", lambda: later)

    assert datakeys.CACHED_S <= 60
    with pytest.raises(Erased):
        open_data_key(fresh.pk)


@pytest.mark.django_db(transaction=True)
def test_the_cache_forgets_the_key_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datakeys, "CACHED", 2)
    first, second = create_data_key(), create_data_key()
    open_data_key(first.pk)
    create_data_key()

    DataKey.objects.filter(pk__in=[first.pk, second.pk]).update(wrapped=None)

    open_data_key(first.pk)  # still held
    with pytest.raises(Erased):
        open_data_key(second.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", ["the transaction", "a savepoint"])
def test_a_key_that_was_rolled_back_is_not_taken_for_the_next_of_its_number(inside: str) -> None:
    with transaction.atomic():
        with transaction.atomic():
            lost = create_data_key()
            plain_of_the_lost = open_data_key(lost.pk)
            transaction.set_rollback(inside == "a savepoint")
        transaction.set_rollback(inside == "the transaction")

    # Another process makes a key, and the database gives it the number that came back.
    here = datakeys._open_keys
    datakeys._open_keys = datakeys._OpenKeys()
    theirs = DataKey(pk=lost.pk)
    plain = secrets.token_bytes(32)
    datakeys._wrap(theirs, plain)
    theirs.save(force_insert=True)
    datakeys._open_keys = here

    assert plain_of_the_lost != plain
    assert open_data_key(lost.pk) == plain


def test_within_its_transaction_a_key_is_opened_without_the_database() -> None:
    fresh = create_data_key()

    with CaptureQueriesContext(connection) as queries:
        open_data_key(fresh.pk)

    assert not queries.captured_queries


@pytest.mark.django_db(transaction=True)
def test_an_erasure_holds_in_its_own_transaction_and_for_everybody_after_it() -> None:
    fresh = create_data_key()
    plain = open_data_key(fresh.pk)

    with transaction.atomic():
        destroy_data_key(fresh.pk, now=timezone.now())
        datakeys._open_keys.put(fresh.pk, plain)  # another thread reads before the commit
        with pytest.raises(Erased):
            open_data_key(fresh.pk)

    with pytest.raises(Erased):
        open_data_key(fresh.pk)


def test_what_is_stored_now_is_not_stored_under_an_erased_key() -> None:
    fresh = create_data_key()
    with transaction.atomic():
        ensure_alive({fresh.pk})

    # Another process destroys it: our own cache is not told.
    DataKey.objects.filter(pk=fresh.pk).update(wrapped=None, destroyed_at=timezone.now())

    open_data_key(fresh.pk)  # still held open here
    with pytest.raises(Erased), transaction.atomic():
        ensure_alive({fresh.pk})


@pytest.mark.django_db(transaction=True)
def test_nobody_destroys_a_key_while_something_is_stored_under_it() -> None:
    fresh = create_data_key()

    def destroy_and_leave() -> None:
        destroy_data_key(fresh.pk, now=timezone.now())
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ensure_alive({fresh.pk})
            erasing = pool.submit(destroy_and_leave)
            with pytest.raises(TimeoutError):
                erasing.result(timeout=0.3)
        erasing.result()

    with pytest.raises(Erased), transaction.atomic():
        ensure_alive({fresh.pk})


@pytest.mark.django_db(transaction=True)
def test_many_keys_are_opened_with_one_query_and_those_erased_are_passed_over() -> None:
    fresh = [create_data_key() for _ in range(3)]
    erased = create_data_key()
    destroy_data_key(erased.pk, now=timezone.now())
    datakeys.forget()

    with CaptureQueriesContext(connection) as queries:
        open_many([erased.pk, *(data_key.pk for data_key in fresh)])
        for data_key in fresh:
            open_data_key(data_key.pk)

    assert len(queries.captured_queries) == 1
    with pytest.raises(Erased):
        open_data_key(erased.pk)
