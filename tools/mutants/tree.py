"""Copies the working tree, and gives the copy an environment of its own.

Mutants are written into the copy only. Its environment takes the installed distributions from
the environment of the working tree, but our own packages from the copy: also the processes that
a test starts, which get no PYTHONPATH, import the mutant.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def copy_tree(root: Path, folder: Path) -> Path:
    """Bring a copy of the working tree up to date, and return the interpreter that imports it.

    The files are those that git knows or would add; what is there no more is removed.

    Args:
        root: The working tree.
        folder: Where the copy is or shall be.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {name for name in listed.split("\0") if name and (root / name).is_file()}
    for path in list(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        kept = parts[0] in {".venv", ".git"} or "__pycache__" in parts
        if path.is_file() and not kept and "/".join(parts) not in names:
            path.unlink()
    for name in names:
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            shutil.copy2(source, target)
    # Some tests ask git which files there are.
    if not (folder / ".git").exists():
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return _environment(folder)


def _environment(folder: Path) -> Path:
    """Make the environment of the copy, and return its interpreter."""
    environment = folder / ".venv"
    scripts = environment / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    python = scripts / "python"
    if not python.exists():
        python.symlink_to(Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name)
    (environment / "pyvenv.cfg").write_text(
        f"home = {Path(sys.base_prefix) / 'bin'}\ninclude-system-site-packages = false\n"
    )
    installed = Path(sysconfig.get_path("purelib"))
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment / "lib" / name / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    ours = sorted(
        path.parent.parent
        for path in [
            *folder.glob("packages/*/*/__init__.py"),
            *folder.glob("services/*/*/__init__.py"),
        ]
    )
    (packages / "tree.pth").write_text("".join(f"{path}\n" for path in [*ours, installed]))
    for script in Path(sysconfig.get_path("scripts")).iterdir():
        text = script.read_bytes() if script.is_file() and not script.is_symlink() else b""
        first, _, rest = text.partition(b"\n")
        if first.startswith(b"#!") and b"python" in first:
            target = scripts / script.name
            target.write_bytes(f"#!{python}\n".encode() + rest)
            target.chmod(0o755)
    return python
