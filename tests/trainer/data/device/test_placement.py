import pytest

from trainer.data.device import placement

GB = 10**9


@pytest.mark.parametrize(
    ("needed", "device", "host", "fits"),
    [
        (6 * GB, 10 * GB, 100 * GB, True),
        (6 * GB + 1, 10 * GB, 100 * GB, False),
        (4 * GB, 10 * GB, 5 * GB, True),
        (4 * GB + 1, 10 * GB, 5 * GB, False),
        (1, 0, 100 * GB, False),
    ],
    ids=["fits", "device-too-small", "host-enough", "host-too-small", "unknown"],
)
def test_frames_are_on_the_device_if_they_leave_room_there_and_pass_through_the_host(
    needed: int, device: int, host: int, fits: bool
) -> None:
    assert placement.fits_device(needed, device, host)[0] is fits


def test_the_reason_says_what_is_needed_free_and_kept() -> None:
    assert placement.fits_device(7 * GB, 10 * GB, 100 * GB)[1] == (
        "7.00 GB of visible rows; 10.00 GB free on the device, of which 40% are kept for the "
        "network: too little"
    )
    assert placement.fits_device(6 * GB, 10 * GB, 2 * GB)[1].endswith(
        "; 2.00 GB free here to load them: too little"
    )
