"""How many messages a text becomes on the networks."""

import pytest

from adapters.sms import segments_of

CASES = [
    ("", 1),
    ("a" * 160, 1),
    ("a" * 161, 2),
    ("a" * 306, 2),
    ("a" * 307, 3),
    ("é\n@" * 53, 1),
    ("€" * 80, 1),
    ("€" * 81, 2),
    ("a" + "€" * 76, 1),
    ("a" * 152 + "€" * 76, 2),
    ("a" * 152 + "€" * 77, 3),  # one place of the first part stays empty
    ("[" + "a" * 158, 1),
    ("[" + "a" * 159, 2),
    ("你" * 70, 1),
    ("你" * 71, 2),
    ("你" * 134, 2),
    ("你" * 135, 3),
    ("a" * 70 + "你", 2),
    ("ç" * 70, 1),  # only its capital is in the alphabet
    ("ç" * 71, 2),
    ("😀" * 35, 1),
    ("😀" * 36, 2),
    ("😀" * 66, 2),
    ("😀" * 67, 3),
    ("\ud800", 1),
]


@pytest.mark.parametrize(("text", "segments"), CASES, ids=[f"{n}" for n in range(len(CASES))])
def test_a_text_and_its_segments(text: str, segments: int) -> None:
    assert segments_of(text) == segments
