"""What a process commits reaches its own screens, whatever one of them makes of it."""

import asyncio
from typing import Any

from live import watch


async def test_a_glance_that_cannot_be_shown_keeps_no_other_from_being_shown(caplog: Any) -> None:
    shown: list[str] = []

    def deliver(group: str, frame: dict[str, Any]) -> None:
        if group == "broken":
            raise ValueError
        shown.append(group)

    here = watch._Here(deliver)
    here.show([("broken", {}), ("a", {})])
    await asyncio.sleep(0)
    here.show([("b", {})])
    await asyncio.sleep(0)

    assert shown == ["a", "b"]
    assert [record.message for record in caplog.records] == ["a glance was not shown"]
