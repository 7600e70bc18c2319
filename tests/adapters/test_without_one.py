"""A hospital that wants no SMS takes the folder away: what is left works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.registry import ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django
django.setup()
from django.core.management import call_command
from adapters.registry import ADAPTERS
from channels_app.rehearsal.cast import all_lines
call_command("check")
call_command("makemigrations", "--check", "--dry-run", verbosity=0)
print(sorted(ADAPTERS), [line.kind for line in all_lines()])
"""


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"web"}))
def test_deleting_a_folder_and_its_lines_leaves_a_working_product(
    kind: str, tmp_path: Path
) -> None:
    for name in ("platform", "channels_app", "workers"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.jsonl"),
        )
    shutil.rmtree(tmp_path / "platform" / "adapters" / kind)
    for page in ("platform/adapters/registry.py", "channels_app/rehearsal/cast.py"):
        _take_out(tmp_path / page, kind)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path / 'platform'}{os.pathsep}{tmp_path}",
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    left = set(ADAPTERS) - {kind}
    assert str(sorted(left)) in done.stdout
    assert f"'{kind}'" not in done.stdout


def _take_out(page: Path, kind: str) -> None:
    """The import of this folder, and the line that names the kind."""
    lines = page.read_text().splitlines()
    gone = re.compile(rf'from adapters\.{kind}\.|^    "{kind}":|Line\("{kind}"')
    kept = [line for line in lines if not gone.search(line)]
    assert len(kept) < len(lines)
    page.write_text("\n".join(kept) + "\n")
