"""The story of a release that `./run --once` tells, in a smaller body."""

import subprocess
import sys

from node import BINARY, ROOT


def test_the_story_holds():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "story.py"), str(BINARY), "--parties", "6"],
        capture_output=True, encoding="utf-8", timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    steps = [line for line in done.stdout.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    assert len(steps) == 13 and done.stdout.endswith("every check held\n"), done.stdout
