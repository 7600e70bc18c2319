"""Files that hold secrets: readable by their owner alone, whole or not there at all."""

import os
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write in one step, so that a crash leaves what was there before, or all of this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
