"""A model with a name, for whoever counts what it understood."""

import pytest

from conftest import Model

MODEL = "test 1 abc"


@pytest.fixture
def model() -> Model:
    """A model with a name: what no model said cannot differ from what people do."""
    stand_in = Model()
    means = stand_in.means

    def named(intent: str, **fields: object) -> None:
        means(intent, **{"model": MODEL, **fields})

    stand_in.means = named  # type: ignore[method-assign]
    named("chitchat")
    return stand_in
