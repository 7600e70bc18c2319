"""python -m workers.process NAME: become one process of the Procfile, where something else
(a container, systemd) keeps it running."""

import os
import sys
from pathlib import Path

from workers.supervise import read_procfile


def main(name: str) -> None:
    root = Path(__file__).parents[1]
    os.chdir(root)
    os.execv("/bin/sh", ["/bin/sh", "-c", read_procfile(root / "Procfile")[name]])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1])
