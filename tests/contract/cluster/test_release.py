"""The digest of a release is compared with one that is computed from the same files otherwise."""

import subprocess
import sys
from pathlib import Path

import pytest

from contract.cluster import release
from contract.errors import ClusterError

ASK = "import sys; from contract.cluster import release; print(release.digest(tuple(sys.argv[1:])))"


def digest_of(folder: Path, *packages: str) -> str:
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); {ASK}"
    done = subprocess.run(
        [sys.executable, "-c", program, *packages], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "lapwing_example"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner" / "deep.py").write_text("A = 1\n")
    (folder / "data.txt").write_text("not a module")
    return folder


def test_any_change_of_a_module_changes_the_digest(package: Path) -> None:
    before = digest_of(package.parent, package.name)
    assert digest_of(package.parent, package.name) == before
    (package / "data.txt").write_text("other")
    assert digest_of(package.parent, package.name) == before
    (package / "inner" / "deep.py").write_text("A = 2\n")
    changed = digest_of(package.parent, package.name)
    assert changed != before
    (package / "inner" / "deep.py").rename(package / "inner" / "deeper.py")
    assert digest_of(package.parent, package.name) not in (before, changed)


def test_the_contract_itself_is_hashed() -> None:
    """A package that is not found would have the digest of nothing."""
    assert release.digest(("contract",)) != release.digest(("no_such_package",))


def test_another_release_is_refused() -> None:
    release.check(("contract",), release.digest(("contract",)))
    with pytest.raises(
        ClusterError, match=r"another release of Lapwing.*source [0-9a-f]{12} there"
    ):
        release.check(("contract",), "0" * 64)
