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


def test_without_findings_the_status_is_0(forwards: Path, backwards: Path) -> None:
    done = doctor(forwards, backwards)
    assert (done.returncode, done.stderr) == (0, "")
    assert "There are no findings." in done.stdout


def test_with_findings_the_status_is_1_and_evidence_is_shown(
    forwards: Path, tmp_path: Path
) -> None:
    folder = spoiling.copy(forwards, tmp_path / "spoilt")
    spoiling.exchange_sides(folder)
    done = doctor(folder)
    assert done.returncode == 1
    for words in ("swapped-cameras", "Left and right are exchanged", "one-direction"):
        assert words in done.stdout
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


def test_json_is_one_document(forwards: Path) -> None:
    done = doctor("--json", forwards)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert [(one["name"], one["pauses"]) for one in document["recordings"]] == [("forwards", 0)]
    (finding,) = document["findings"]
    assert finding["name"] == "one-direction"
    assert finding["figures"]["net_turns_right"] < -0.75


@pytest.mark.parametrize("content", [b"", b"not a row\n"])
def test_for_an_unreadable_recording_the_status_is_2(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "driving_log.csv").write_bytes(content)
    done = doctor(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("python -m ingest.doctor: ")


def test_an_unreadable_recording_does_not_keep_the_others_back(
    forwards: Path, tmp_path: Path
) -> None:
    (tmp_path / "driving_log.csv").touch()
    done = doctor(tmp_path, forwards, tmp_path / "nowhere")
    assert done.returncode == 2
    assert "one-direction" in done.stdout
    assert len(done.stderr.splitlines()) == 2
    assert "the driving log is empty" in done.stderr
    assert "there is no such recording" in done.stderr


def test_a_unit_that_is_none_is_refused(forwards: Path) -> None:
    done = doctor("--steering-unit", "grad", forwards)
    assert done.returncode == 2
    assert "It takes lock, degrees, radians" in done.stderr


def test_help_is_in_the_form_of_the_other_commands() -> None:
    done = doctor("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: python -m ingest.doctor [OPTIONS] [RECORDING]...")
    for heading in ("Arguments:", "Options:"):
        assert f"\n{heading}\n" in done.stdout
