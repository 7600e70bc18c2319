"""One line a record: time, level, a constant sentence, and the particulars as fields."""

import logging

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        extra = {k: v for k, v in vars(record).items() if k not in _KNOWN and _is_particular(v)}
        return line + "".join(f" {name}={value}" for name, value in extra.items())


def _is_particular(value: object) -> bool:
    # Objects that frameworks attach (requests, tasks) could carry words; ids and reasons can't.
    return isinstance(value, int | float | str) and len(str(value)) <= 80
