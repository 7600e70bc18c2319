"""What a message says besides an allergy."""

import pytest

from assistant.reading.allergies import besides_allergies, states_only_allergies


@pytest.mark.parametrize(
    "words",
    [
        "我对青霉素过敏",
        "我青霉素和头孢都过敏的",
        "我妈对头孢过敏",
        "I'm allergic to penicillin",
        "my mum is allergic to sulfa drugs",
    ],
)
def test_it_says_nothing_else(words: str) -> None:
    assert states_only_allergies(words)
    assert besides_allergies(words) == words


@pytest.mark.parametrize(
    ("words", "besides"),
    [
        ("我想挂皮肤科,我对磺胺过敏", "我想挂皮肤科"),
        ("我对青霉素过敏,停车怎么收费", "停车怎么收费"),
        ("我对青霉素过敏,能吃头孢吗", "能吃头孢吗"),
        ("打了青霉素起了一身疹子", "打了青霉素起了一身疹子"),
        ("我对青霉素过敏现在喘不上气", "我对青霉素过敏现在喘不上气"),
        ("我对青霉素不过敏", "我对青霉素不过敏"),
        ("Book dermatology please. I'm allergic to sulfa", "Book dermatology please."),
    ],
)
def test_a_model_hears_what_else_is_said(words: str, besides: str) -> None:
    assert not states_only_allergies(words)
    assert besides_allergies(words) == besides
