"""One line a record: time, level, a constant sentence, and the particulars as fields.

What an exception says of itself may quote a patient, and so may the values around it. Of an error
the log keeps what cannot: its kind, and the lines of code that it came through.
"""

import copy
import logging
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def kind_and_place(error: BaseException) -> dict[str, str]:
    """The class of an error and the file and line where it arose, as fields for a log's `extra`."""
    places = _places(error.__traceback__)
    return {"error": type(error).__name__, "place": places[0] if places else "nowhere"}


class LineFormatter(logging.Formatter):
    """Keeps of a traceback kinds and places: `KeyError at vault/keys.py:7 < vault/fields.py:3`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        wordless = copy.copy(record)
        wordless.exc_info = wordless.exc_text = None
        if isinstance(record.args, Mapping) and "exc" in record.args:
            # Celery's own sentence about a task that failed quotes the error.
            wordless.args = {**record.args, "exc": "an error"}
        line = super().format(wordless)
        extra = {k: v for k, v in vars(record).items() if k not in _KNOWN and _is_particular(v)}
        line += "".join(f" {name}={value}" for name, value in extra.items())
        error = record.exc_info[1] if record.exc_info else None
        return line + "".join(f" | {_told(each)}" for each in _chain(error))


def _told(error: BaseException) -> str:
    return " ".join([type(error).__name__, "at", " < ".join(_places(error.__traceback__))])


def _places(trace: TracebackType | None) -> list[str]:
    """File and line of each frame, the innermost first."""
    files = ((Path(f.f_code.co_filename).parts[-2:], at) for f, at in traceback.walk_tb(trace))
    return [f"{'/'.join(parts)}:{line}" for parts, line in files][::-1]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, what caused that."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_particular(value: object) -> bool:
    # Objects that frameworks attach (requests, tasks) could carry words; ids and reasons can't.
    return isinstance(value, int | float | str) and len(str(value)) <= 80
