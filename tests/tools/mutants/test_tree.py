"""The copy of the working tree: its interpreter imports the copy, and only the copy is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mutants.tree import copy_tree

NAMES = ("packages/p/p/__init__.py", "packages/p/p/noun.py", "tests/test_noun.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("NUMBER = 1\n")
    (root / ".gitignore").write_text("ignored\n")
    (root / "ignored").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


def imported(python: Path, folder: Path) -> list[str]:
    code = "import p.noun, numpy; print(p.noun.NUMBER, p.noun.__file__)"
    done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True)
    return done.stdout.split()


def test_the_copy_has_what_git_knows_and_its_interpreter_imports_it(
    root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    python = copy_tree(root, copy)
    assert not (copy / "ignored").exists()
    assert imported(python, tmp_path) == ["1", str(copy / "packages/p/p/noun.py")]
    (copy / "packages/p/p/noun.py").write_text("NUMBER = 2\n")
    assert imported(python, tmp_path)[0] == "2"
    assert (root / "packages/p/p/noun.py").read_text() == "NUMBER = 1\n"


def test_a_copy_is_brought_up_to_date(root: Path, tmp_path: Path) -> None:
    """A mutant that a killed run left is replaced, and a file that was removed is removed."""
    copy = tmp_path / "copy"
    copy_tree(root, copy)
    (copy / "packages/p/p/noun.py").write_text("NUMBER = 2\n")
    (root / "tests/test_noun.py").unlink()
    (root / "tests/test_other.py").write_text("x = 1\n")
    copy_tree(root, copy)
    assert (copy / "packages/p/p/noun.py").read_text() == "NUMBER = 1\n"
    assert [path.name for path in (copy / "tests").iterdir()] == ["test_other.py"]
