"""Where a patient is, as they send it."""

from typing import Any

import pytest

from adapters.weixin.callbacks import read_event

SAID = {"FromUserName": "oFan", "CreateTime": "1763438400", "MsgType": "location", "MsgId": "7"}
AT = {"Location_X": "39.9087", "Location_Y": "116.3974"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({**AT, "Label": "长安街1号"}, "长安街1号"),
        ({**AT, "Label": ""}, "[位置] 39.9087,116.3974"),
        ({"Location_X": 39.9087, "Location_Y": -116.3974}, "[位置] 39.9087,-116.3974"),  # as JSON
        ({"Location_X": "39.9087"}, ""),
        ({"Location_X": ["1"], "Location_Y": "x"}, ""),
    ],
    ids=str,
)
def test_a_place_has_its_name_or_is_found_on_a_map(fields: dict[str, Any], text: str) -> None:
    assert read_event({**SAID, **fields}).text == text
