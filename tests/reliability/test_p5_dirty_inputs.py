"""P5: dirty recordings cost rows and not jobs, memory or files elsewhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import samples
from support.reliability import trials

pytestmark = pytest.mark.soak

MAX_RSS_MIB = 500


def test_no_fault_of_a_recording_costs_more_than_its_row(
    tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    wanted = trials.count("P5 recordings")
    arguments = [str(tmp_path), str(wanted), f"{trials.SEED} P5"]
    process = subprocess.run(
        [sys.executable, "-m", "support.reliability.dirty", *arguments],
        env={**os.environ, "PYTHONPATH": str(samples.TESTS)},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    found = json.loads(process.stdout.splitlines()[-1])
    trials.record(
        "P5",
        print_figures,
        claim=trials.bound(len(found["wrong"]), wanted),
        **{**found, "wrong": found["wrong"][:20]},
    )
    assert sum(found["outcomes"].values()) == wanted
    assert found["outcomes"]["imported"] >= wanted / 2
    assert found["wrong"] == []
    assert found["outside_reads"] == []
    assert found["rss_mib"] <= MAX_RSS_MIB
