import pytest

from contract.errors import RecordingError
from contract.recordings.packed.budget import MAX_MEMBERS, Budget

MIB, TIB = 1 << 20, 1 << 40


@pytest.mark.parametrize(
    ("packed", "disk", "most", "reason"),
    [
        (408_000, TIB, 256 * MIB + 4_080_000, "an archive of 408,000 bytes with images"),
        (20 * 1024 * MIB, TIB, 32 * 1024 * MIB, "the longest drive that Lapwing imports"),
        (50 * MIB, 100 * MIB, 50 * MIB, "half of the free space on the disk, 104,857,600 bytes"),
    ],
)
def test_the_smallest_bound_counts_and_is_named(
    packed: int, disk: int, most: int, reason: str
) -> None:
    budget = Budget(packed, disk)
    budget.take(most)
    with pytest.raises(RecordingError, match=f"more than {most:,} bytes, the bound for {reason}"):
        budget.take(1)


def test_ten_hours_of_three_cameras_may_be_imported() -> None:
    frames = 10 * 3600 * 15 * 3
    assert frames < MAX_MEMBERS
    Budget(frames * 13_000, TIB).take(frames * (13_000 + 1024))


def test_members_are_counted() -> None:
    budget = Budget(1, TIB)
    for _ in range(2_000_000):
        budget.take_member()
    with pytest.raises(RecordingError, match="too many files: got more than 2,000,000"):
        budget.take_member()
