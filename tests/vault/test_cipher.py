"""Seal and open: what was sealed opens only here, whole, under its key, in its place."""

import secrets

import pytest

from vault.cipher import Unreadable, blind_index, key_id_of, open_sealed, seal

KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
PLACE = "patients_patient:name:1"


def sealed(plain: bytes = b"word") -> bytes:
    return seal(plain, place=PLACE, key_id="k1", key=KEY)


@pytest.mark.parametrize("plain", [b"", b"a", "王小明 🤒".encode(), b"x" * 100_000])
def test_what_was_sealed_opens_again(plain: bytes) -> None:
    assert open_sealed(sealed(plain), place=PLACE, key=KEY) == plain


def test_a_sealed_blob_names_its_key_and_not_its_words() -> None:
    assert key_id_of(sealed()) == "k1"
    assert b"word" not in sealed()


def test_the_same_words_never_look_the_same_twice() -> None:
    assert sealed() != sealed()


def test_a_blob_that_was_moved_does_not_open() -> None:
    with pytest.raises(Unreadable):
        open_sealed(sealed(), place="patients_patient:name:2", key=KEY)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(Unreadable):
        open_sealed(sealed(), place=PLACE, key=OTHER_KEY)


def test_not_a_single_bit_may_differ() -> None:
    blob = sealed()
    for position in range(len(blob)):
        broken = bytearray(blob)
        broken[position] ^= 1
        with pytest.raises(Unreadable):
            open_sealed(bytes(broken), place=PLACE, key=KEY)


@pytest.mark.parametrize("length", range(20))
def test_a_blob_that_was_cut_is_unreadable_and_nothing_worse(length: int) -> None:
    with pytest.raises(Unreadable):
        open_sealed(sealed()[:length], place=PLACE, key=KEY)


def test_the_blind_index_is_stable_and_differs_across_columns() -> None:
    phone = blind_index("13800000000", purpose="patient.phone")

    assert phone == blind_index("13800000000", purpose="patient.phone")
    assert phone != blind_index("13800000000", purpose="patient.identity_number")
    assert phone != blind_index("13800000001", purpose="patient.phone")
    assert len(phone) == 32
