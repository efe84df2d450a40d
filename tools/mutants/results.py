"""Keeps what became of each mutant, so that a run that was ended goes on where it was."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fate:
    """What became of one mutant."""

    part: str
    module: str
    digest: str
    """Short name of the module's changed text."""
    tests: str
    """Short name of the text of the tests."""
    line: int
    operator: str
    change: str
    outcome: str
    """`killed`, `timeout`, which is killed too, or `survived`."""
    test: str
    """The first test that failed."""
    wall_s: float


class Fates:
    """The fates of mutants, in a file of one JSON document a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str], Fate] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                fate = Fate(**json.loads(line))
                self._known[fate.module, fate.digest] = fate

    def known(self, module: str, digest: str, tests: str) -> Fate | None:
        """Return what is known of a mutant, or None if it must be tried.

        A survivor is tried again when its tests have changed. A killed mutant is not: tests
        that only grew kill it again. `--again` forgets everything.
        """
        fate = self._known.get((module, digest))
        if fate is not None and fate.outcome == "survived" and fate.tests != tests:
            return None
        return fate

    def add(self, fate: Fate) -> None:
        """Keep a fate."""
        self._known[fate.module, fate.digest] = fate
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(fate)) + "\n")


def accepted(path: Path) -> dict[tuple[str, str], str]:
    """Return the kinds of survivors that may live, by module and change.

    Args:
        path: A TOML file: its table `kinds` gives each kind its reason, and its table `survivors`
            has a table for each module, in which each key is a change and each value a kind.

    Raises:
        ValueError: a survivor is of a kind without a reason.
    """
    with path.open("rb") as file:
        document = tomllib.load(file)
    kinds = {
        (module, change): kind
        for module, changes in document["survivors"].items()
        for change, kind in changes.items()
    }
    for (module, change), kind in kinds.items():
        if kind not in document["kinds"]:
            raise ValueError(f"{module}: {change}: the kind {kind!r} has no reason")
    return kinds


def table(fates: Iterable[Fate]) -> str:
    """Return a Markdown table of the scores: one row a module, and one for each part."""
    by_part: dict[str, dict[str, list[Fate]]] = {}
    for fate in fates:
        by_part.setdefault(fate.part, {}).setdefault(fate.module, []).append(fate)
    lines = ["| part | module | mutants | killed | survived | score |", "|---|---|--:|--:|--:|--:|"]
    everything: list[Fate] = []
    for part, modules in by_part.items():
        for module, found in modules.items():
            lines.append(_row(part, f"`{'/'.join(Path(module).parts[2:])}`", found))
        all_of_part = [fate for found in modules.values() for fate in found]
        lines.append(_row(f"**{part}**", "", all_of_part))
        everything += all_of_part
    lines.append(_row("**all**", "", everything))
    return "\n".join(lines)


def score(fates: list[Fate]) -> float:
    """Return the share of mutants that were killed; 1 if there were none."""
    return sum(fate.outcome != "survived" for fate in fates) / len(fates) if fates else 1.0


def _row(part: str, module: str, fates: list[Fate]) -> str:
    survived = sum(fate.outcome == "survived" for fate in fates)
    killed = len(fates) - survived
    return (
        f"| {part} | {module} | {len(fates)} | {killed} | {survived} | {100 * score(fates):.0f} % |"
    )
