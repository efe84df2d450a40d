"""What a benchmark says about its machine, against what another program says."""

import json
import re
import shutil
import subprocess

import pytest
from bench import output


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="lscpu is not installed")
def test_the_instructions_of_the_processor_are_named() -> None:
    listed = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    flags = re.search(r"^Flags:\s+(.*)$", listed, re.MULTILINE)
    assert flags
    named = output.environment([0.1, 0.2, 0.3])["instructions"]
    assert named == [name for name in output.INSTRUCTIONS if name in flags[1].split()]
    assert named
    assert {"avx512f", "avx512_bf16", "amx_tile", "amx_bf16"} < set(output.INSTRUCTIONS)


def test_figures_are_told_with_versions_load_and_date() -> None:
    made = output.environment([0.123, 4, 5])
    assert made["load_average"] == [0.12, 4, 5]
    assert {"numpy", "keras", "numba"} < made["versions"].keys()
    assert re.match(r"\d{4}-\d\d-\d\dT", made["date"])
    json.dumps(made)
