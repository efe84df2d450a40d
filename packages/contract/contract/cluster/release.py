"""The release of Lapwing that a process runs, as a digest of its source.

A cluster runs what its nodes have installed. A node of another release would work without an error,
and give other results without a word. So a job sends the digest of its own source, and each process
that works for it compares.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import socket
from pathlib import Path

from contract.errors import ClusterError

__all__ = ["check", "digest"]


@functools.cache
def digest(packages: tuple[str, ...]) -> str:
    """Return the SHA-256 of the modules of packages, as their paths and contents."""
    found = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        roots = [] if spec is None else list(spec.submodule_search_locations or ())
        for root in map(Path, roots):
            for path in sorted(root.rglob("*.py")):
                content = path.read_bytes()
                name = f"{package}/{path.relative_to(root).as_posix()}"
                found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def check(packages: tuple[str, ...], expected: str) -> None:
    """Check that this process runs the release of the job that it works for.

    Raises:
        ClusterError: it runs another one.
    """
    found = digest(packages)
    if found != expected:
        raise ClusterError(
            f"the node on {socket.gethostname()} runs another release of Lapwing than this job",
            got=f"source {found[:12]} there, {expected[:12]} here",
            remedy="Start the nodes again from the image of this release (docs/cluster.md)",
        )
