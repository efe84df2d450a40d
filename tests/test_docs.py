"""The documents name what exists: files, folders, pages and headings."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from support.house import PACKAGES, ROOT, label

DOCS = ROOT / "docs"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(path for path in DOCS.rglob("*.md") if not {"_build", "reference"} & set(path.parts)),
]
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
FILE = re.compile(r"\.?[\w*-]+(/[\w.*-]+)*\.(py|toml|lock|yml|css|mmd|svg|sh)|[\w-]+(/[\w-]+)+\.md")
FOLDER = re.compile(r"(packages|services|tests|docs|bench|requirements|observe)(/[\w-]+)*/?")
ELSEWHERE = {"drive.py", "model.py", "video.py", "utils.py"}
"""Files of Udacity's own project, and of those that followed it, which our pages speak of."""

NOT_OURS = {"pip", "pytest", "sphinx", "venv"}
"""Modules of others that `python -m` may be told to run."""


def tracked() -> frozenset[str]:
    """Return the paths of all files that git knows or would add, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(line for line in listed.stdout.splitlines() if (ROOT / line).exists())


FILES = tracked()


def present(page: Path) -> str:
    """Return the text of a page; of the changelog, what it says of the release to come."""
    text = page.read_text()
    return text.split("\n## ")[1] if page.name == "CHANGELOG.md" else text


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCE.sub("", present(page))


def exists(name: str, page: Path) -> bool:
    """Tell whether a file is meant by a name.

    A name is taken as a path from the root, from the page, from the folder that holds a package
    (`trainer/data/loader.py`), or from the folder that holds a package's tests
    (`driver_bridge/test_server.py`). A name without a folder, such as `store.py`, is taken as any
    file of that name: the sentence around it says which.
    """
    if "/" not in name:
        return name in ELSEWHERE or any(path.rpartition("/")[2] == name for path in FILES)
    roots = [ROOT, page.parent, ROOT / "tests", *(path.parent for path in PACKAGES.values())]
    paths = {root.joinpath(name).resolve() for root in roots}
    return any(str(path.relative_to(ROOT)) in FILES for path in paths if path.is_relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(plain)


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_a_page_names_no_file_that_does_not_exist(page: Path) -> None:
    """What stands between backticks and looks like a file of ours is one.

    A file of ours ends in .py, .toml, .lock, .yml, .css, .mmd, .svg or .sh, or is a .md in a
    folder. Model files, pictures and what Lapwing writes end otherwise and are not looked for.
    """
    codes = CODE.findall(prose(page))
    names = {code for code in codes if FILE.fullmatch(code) and "*" not in code}
    assert {name for name in names if not exists(name, page)} == set()


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_a_page_names_no_folder_that_does_not_exist(page: Path) -> None:
    """What stands between backticks and begins as a folder of the repository does is one."""
    names = {code for code in CODE.findall(prose(page)) if FOLDER.fullmatch(code)}
    assert {name for name in names if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_a_page_names_no_module_that_does_not_exist(page: Path) -> None:
    """What `python -m` is to run, in prose or in a block of code, is a module of the repository."""
    missing = set()
    for module in re.findall(r"python -m ([a-z_.]+[a-z_])", present(page)):
        path = module.replace(".", "/")
        here = [f"{path}.py", f"{path}/__main__.py"]
        if module not in NOT_OURS and not any(exists(name, page) for name in here):
            missing.add(module)
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue  # leads out of the repository
        if (page.parent / target).resolve().is_relative_to(DOCS / "reference"):
            continue  # is made by `make docs`, where a link that leads nowhere is an error
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            broken.append(target)
    assert broken == []


def test_every_page_of_the_site_is_in_its_table_of_contents() -> None:
    """docs/index.md lists them; the records of decisions are listed by a pattern."""
    lines = (DOCS / "index.md").read_text().splitlines()
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages - set(lines) == set()
    assert "adr/*" in lines


def test_the_picture_is_drawn_from_its_present_source() -> None:
    """`make docs-picture` draws it, and writes the digest of what it was drawn from into it."""
    sources = [DOCS / "architecture.mmd", DOCS / "_picture/mermaid.json"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    assert f"<!-- source: {digest} -->" in (DOCS / "architecture.svg").read_text()


def test_the_checks_can_fail(tmp_path: Path) -> None:
    assert exists("trainer/data/loader.py", ROOT / "README.md")
    assert not exists("trainer/stream.py", ROOT / "README.md")
    assert not exists("no_such_module.py", ROOT / "README.md")
    page = tmp_path / "page.md"
    page.write_text("# What a `model` is\n\n```sh\n# no heading\n```\n")
    assert anchors(page) == {"what-a-model-is"}
