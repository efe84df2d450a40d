"""Cuts the power while a recording is written: one that is visible has all its images, whole."""

from collections.abc import Sequence
from pathlib import Path

from support.power.power_cuts import Record

from contract.recordings import driving_log

PROGRAM = """
from simulator.recording.udacity_writer import UdacityWriter
from simulator.unity.number_format import Locale
with UdacityWriter(root / "recordings" / "lake", Locale("en-US", ".", ","), "a test") as writer:
    for row in range(2):
        jpegs = {side: side.encode() * 300 for side in ("center", "left", "right")}
        writer.add(row / 15, jpegs, 0.1 * row, 0.2 + 0.1 * row, 9.0 + row)
acknowledge("lake")
"""


def check(disk: Path, acknowledged: Sequence[str]) -> None:
    folder = disk / "recordings" / "lake"
    if folder.exists() or acknowledged:
        log = driving_log.read((folder / "driving_log.csv").read_bytes())
        assert len(log.rows) == 2
        for image in log.images():
            assert (folder / "IMG" / image).read_bytes() == image.split("_")[0].encode() * 300


def test_a_recording_that_is_visible_is_whole(record_program: Record) -> None:
    recording = record_program(PROGRAM)
    count, violation = recording.find_violation(check)
    assert violation is None
    assert count > 50
    assert recording.unneeded_syncs(check) == []
