import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import spoiling


def doctor(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ingest.doctor", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_silence_is_0(forwards: Path, backwards: Path) -> None:
    done = doctor(forwards, backwards)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing found." in done.stdout


def test_a_finding_is_1_with_its_evidence_and_cure(forwards: Path, tmp_path: Path) -> None:
    folder = spoiling.copy(forwards, tmp_path / "spoilt")
    spoiling.exchange_sides(folder)
    done = doctor(folder)
    assert done.returncode == 1
    for words in ("swapped-cameras", "left and right are exchanged", "one-direction"):
        assert words in done.stdout
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


def test_json_is_one_document(forwards: Path) -> None:
    done = doctor("--json", forwards)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [(each["name"], each["pauses"]) for each in told["recordings"]] == [("forwards", 0)]
    (found,) = told["findings"]
    assert found["name"] == "one-direction"
    assert found["figures"]["net_turns_right"] < -0.75


@pytest.mark.parametrize("content", [b"", b"not a row\n"])
def test_what_cannot_be_read_is_2(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "driving_log.csv").write_bytes(content)
    done = doctor(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("python -m ingest.doctor: ")
