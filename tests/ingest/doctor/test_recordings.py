"""Tests of the findings on whole recordings: clean ones in every light, and the real ones."""

from pathlib import Path

import pytest
from support.data import circuits, samples

from ingest.doctor.runner import check_recordings, read_recordings


@pytest.mark.soak
@pytest.mark.parametrize("light", ["clear", "overcast", "dusk", "fog"])
def test_clean_recordings_in_any_light_have_no_findings(light: str, tmp_path: Path) -> None:
    for seed, mph in ((11, 20.0), (12, 13.0)):
        both = [tmp_path / f"{seed}-{direction}" for direction in (1, -1)]
        for folder, direction in zip(both, (1, -1), strict=True):
            circuits.drive(folder, direction, seed, light, mph)
        assert check_recordings(read_recordings(both, tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lake", ["keyboard-impulses", "one-direction"]),
        ("lake-2", ["keyboard-impulses"]),
        ("jungle", ["keyboard-impulses"]),
        ("lake-decimal-comma", ["keyboard-impulses"]),
    ],
)
def test_the_findings_on_real_recordings(name: str, expected: list[str], tmp_path: Path) -> None:
    findings = check_recordings(read_recordings([samples.shared("data", name)], tmp_path))
    assert [finding.name for finding in findings] == expected


def test_a_real_recording_given_twice_is_a_leak(tmp_path: Path) -> None:
    folders = [samples.shared("data", name) for name in ("lake", "lake-decimal-comma")]
    findings = check_recordings(read_recordings(folders, tmp_path))
    assert "leak" in {finding.name for finding in findings}
