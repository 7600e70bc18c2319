"""A patient's words, made ready: pure functions."""

import pytest

from workers.understanding.ngrams import BUCKETS, MAX_NGRAMS, hashed_ngrams
from workers.understanding.text import (
    MIDDLE_TOKENS,
    foreign_share,
    han_share,
    keep_ends,
    middles,
    normalise,
)


def test_full_width_and_control_characters_become_plain() -> None:
    assert normalise("　ＡＢＣ１２３\u200b，\x07你好\n\n吗？ ") == "abc123 , 你好 吗?"


def test_emoji_and_traditional_characters_stay() -> None:
    assert normalise("頭痛😭") == "頭痛😭"


def test_a_cry_repeated_a_hundred_times_is_heard_three_times() -> None:
    assert normalise("啊" * 100 + "救命") == "啊啊啊救命"


def test_a_very_long_text_keeps_both_ends() -> None:
    text = normalise("开头" + "中间的话" * 5000 + "结尾")
    assert text.startswith("开头")
    assert text.endswith("结尾")
    assert len(text) < 4100


def test_a_long_sequence_is_cut_in_its_middle() -> None:
    kept = keep_ends(list(range(500)), 126)
    assert len(kept) == 126
    assert kept[0] == 0
    assert kept[-1] == 499


def test_a_short_sequence_is_left_alone() -> None:
    assert keep_ends([1, 2, 3]) == [1, 2, 3]
    assert middles(3) == []


def test_what_is_cut_out_is_looked_at_in_pieces() -> None:
    tokens = list(range(1_000))
    pieces = [tokens[start:end] for start, end in middles(len(tokens), 126)]
    assert set(keep_ends(tokens, 126)) | {t for piece in pieces for t in piece} == set(tokens)
    assert max(map(len, pieces)) <= MIDDLE_TOKENS


@pytest.mark.parametrize("text", ["", "   ", "123", "😂😂"])
def test_a_text_without_letters_counts_as_foreign(text: str) -> None:
    assert foreign_share(text) == 1.0
    assert han_share(text) == 0.0


def test_scripts_are_told_apart() -> None:
    assert foreign_share("у меня болит голова") == 1.0
    assert foreign_share("头疼 headache") == 0.0
    assert han_share("头疼") == 1.0


def test_ngrams_are_the_same_in_every_process_and_stay_in_their_rows() -> None:
    # Part of the model: if these numbers move, a trained folder reads nonsense.
    assert hashed_ngrams("头疼")[:3] == [62064, 7562, 30073]
    rows = hashed_ngrams("我头疼了好几天 " * 60)
    assert all(0 < row < BUCKETS for row in rows)
    assert len(rows) <= MAX_NGRAMS


def test_an_empty_text_has_one_row_of_its_own() -> None:
    assert hashed_ngrams("") != []
