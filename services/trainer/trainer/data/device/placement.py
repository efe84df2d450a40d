"""Chooses where the frames of a training wait: in the device's memory, or in the stores' files."""

from __future__ import annotations

from typing import Final

NETWORK_SHARE: Final = 0.4
"""Share of the free memory of the device that is kept for the network and its batches."""
HOST_SHARE: Final = 0.8
"""Share of the host's free memory that the frames may take on their way to the device."""


def fits_device(
    needed_bytes: int, device_free_bytes: int, host_free_bytes: int
) -> tuple[bool, str]:
    """Return whether the frames of a training are kept in the device's memory, and the reason.

    Args:
        needed_bytes: size of the visible rows of all frames.
        device_free_bytes: free memory of the device.
        host_free_bytes: free memory of the host, through which the frames are loaded.
    """
    sizes = (
        f"{needed_bytes / 1e9:.2f} GB of visible rows; {device_free_bytes / 1e9:.2f} GB free on "
        f"the device, of which {NETWORK_SHARE:.0%} are kept for the network"
    )
    if needed_bytes > (1 - NETWORK_SHARE) * device_free_bytes:
        return False, f"{sizes}: too little"
    if needed_bytes > HOST_SHARE * host_free_bytes:
        return False, f"{sizes}; {host_free_bytes / 1e9:.2f} GB free here to load them: too little"
    return True, sizes
