"""What is said of whole recordings: clean ones in every light, and the real ones."""

from pathlib import Path

import pytest
from support.data import circuits, samples

from ingest.doctor.runner import examine, read


@pytest.mark.soak
@pytest.mark.parametrize("light", ["clear", "overcast", "dusk", "fog"])
def test_clean_recordings_of_any_light_and_seed_are_silent(light: str, tmp_path: Path) -> None:
    for seed, mph in ((11, 20.0), (12, 13.0)):
        both = [tmp_path / f"{seed}-{direction}" for direction in (1, -1)]
        for folder, direction in zip(both, (1, -1), strict=True):
            circuits.drive(folder, direction, seed, light, mph)
        assert examine(read(both, tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lake", ["keyboard-impulses", "one-direction"]),
        ("lake-2", ["keyboard-impulses"]),
        ("jungle", ["keyboard-impulses"]),
        ("lake-decimal-comma", ["keyboard-impulses"]),
    ],
)
def test_what_real_recordings_have(name: str, expected: list[str], tmp_path: Path) -> None:
    found = examine(read([samples.shared("data", name)], tmp_path))
    assert [each.name for each in found] == expected


def test_the_same_real_recording_twice_leaks(tmp_path: Path) -> None:
    folders = [samples.shared("data", name) for name in ("lake", "lake-decimal-comma")]
    found = examine(read(folders, tmp_path))
    assert "leak" in {each.name for each in found}
