"""Communication and Task, outgoing only: that something was said or is to be done, never what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.fhir.mapping.datatypes import to_moment


@dataclass(frozen=True)
class Said:
    """One message, without its words."""

    at: datetime
    by_patient: bool
    author: str  # patient, assistant, nurse
    medium: str  # the kind of channel
    is_received: bool  # it reached whom it was for


@dataclass(frozen=True)
class ToDo:
    """One thing on the nurses' list, without its words."""

    kind: str
    created_at: datetime
    due_at: datetime
    is_taken: bool
    done_at: datetime | None
    priority: int  # 0 to 3


_PRIORITIES = ("routine", "routine", "urgent", "asap")


def to_communication(said: Said, *, patient: dict[str, Any]) -> dict[str, Any]:
    hospital = {"display": said.author}
    return {
        "resourceType": "Communication",
        "status": "completed" if said.is_received else "in-progress",
        "subject": patient,
        "sent": to_moment(said.at),
        "medium": [{"text": said.medium}],
        "sender": patient if said.by_patient else hospital,
    }


def to_task(todo: ToDo, *, patient: dict[str, Any]) -> dict[str, Any]:
    open_as = "in-progress" if todo.is_taken else "requested"
    resource: dict[str, Any] = {
        "resourceType": "Task",
        "status": "completed" if todo.done_at else open_as,
        "intent": "order",
        "priority": _PRIORITIES[min(max(todo.priority, 0), 3)],
        "code": {"text": todo.kind},
        "for": patient,
        "authoredOn": to_moment(todo.created_at),
        "restriction": {"period": {"end": to_moment(todo.due_at)}},
    }
    if todo.done_at:
        resource["executionPeriod"] = {"end": to_moment(todo.done_at)}
    return resource
