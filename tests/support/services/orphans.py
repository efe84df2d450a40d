"""Finds shared memory that no process uses any more."""

from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def shared_memory() -> set[str]:
    """List the files in /dev/shm that no process has mapped.

    Other programs run beside the tests, and use shared memory too.
    """
    unused = {str(path) for path in SHARED_MEMORY.iterdir()}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            unused -= mapped_files(process.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # the process has ended meanwhile, or is another user's
    return unused


def mapped_files(process: str = "self") -> set[str]:
    """List the files in /dev/shm that a process has mapped, by their paths as the kernel says."""
    lines = Path(f"/proc/{process}/maps").read_text(errors="replace").splitlines()
    paths = {line.split(maxsplit=5)[-1] for line in lines}
    return {path for path in paths if path.startswith(f"{SHARED_MEMORY}/")}
