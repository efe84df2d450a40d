"""Mutates modules and prints which mutants no test finds.

    make mutants                         every part of the table in tools/mutants/targets.py
    make mutants MODULES=bridge          one part
    make mutants MODULES='*/wire/*'      modules by a pattern of their paths

Each module is mutated in a copy of the working tree, in `.mutants/tree`. What became of each
mutant is kept in `.mutants/fates.jsonl`: a run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from mutants.mutations import Mutant, mutants
from mutants.results import Fate, Fates, accepted, score, table
from mutants.server import Answer, Request
from mutants.targets import Target, targets, untested
from mutants.tree import copy_tree

ROOT = Path(__file__).resolve().parents[2]
KINDS = Path(__file__).with_name("survivors.toml")
SEED = 14
FLOOR = 0.85
_MEMORY_BYTES = 6 << 30
_MAKE_NETWORKS = """
import sys
from pathlib import Path
from support.data import models
models.make(Path(sys.argv[1]))
"""
_LEAST_S = 30.0
_TIMES_AS_LONG = 10


class Server:
    """The process that runs tests; as a context it is started, and ended."""

    def __init__(self, python: Path, tree: Path, folder: Path) -> None:
        self._command = [str(python), "-m", "mutants.server"]
        self._tree = tree
        self._folder = folder

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._tree,
            env={
                **os.environ,
                "PYTHONPATH": str(self._tree / "tools"),
                "LAPWING_TEST_NETWORKS": str(self._folder / "networks"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if kind is not None:
            self._process.kill()
        self._process.wait()

    def run(self, tests: tuple[str, ...], wall_s: float, cpu_s: float) -> Answer:
        """Run tests and return how they ended.

        Raises:
            RuntimeError: The server has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = Request(
            list(tests),
            wall_s,
            int(cpu_s) + 1,
            _MEMORY_BYTES,
            str(self._folder / "run.log"),
            str(self._folder / "cache"),
        )
        self._process.stdin.write(json.dumps(asdict(request)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The process that runs the tests has ended; its output is above.")
        return Answer(**json.loads(line))


def main(arguments: list[str]) -> int:
    """Run the command of the module's docstring; return the exit status."""
    parser = argparse.ArgumentParser(prog="mutants", description="Runs mutation tests.")
    parser.add_argument("modules", nargs="*", help="names of parts, or patterns of module paths")
    parser.add_argument("--again", action="store_true", help="forgets what is known")
    parser.add_argument("--most", type=int, help="the maximum number of mutants of a module")
    parser.add_argument("--table", action="store_true", help="tries nothing, prints what is known")
    options = parser.parse_args(arguments)
    folder = ROOT / ".mutants"
    known = folder / "fates.jsonl"
    if options.again:
        known.unlink(missing_ok=True)
    tree = folder / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    fates = Fates(known)
    chosen = targets(ROOT, options.modules)
    if not chosen:
        print(f"mutants: no module of the table is meant by {options.modules}", file=sys.stderr)
        return 2
    python = copy_tree(ROOT, tree)
    _make_networks(python, tree, folder / "networks")
    found: list[Fate] = []
    for target in chosen:
        most = target.most if options.most is None else min(target.most, options.most)
        print(f"{target.module}", end=" ", flush=True)
        begun = time.monotonic()
        with Server(python, tree, folder) as server:
            own = _try(target, most, fates, server, tree, only_known=options.table)
        found += own
        print(f"{len(own)} mutants, {100 * score(own):.0f} %, {time.monotonic() - begun:.0f} s")
    return _report(found, options.modules)


def _make_networks(python: Path, tree: Path, folder: Path) -> None:
    """Make the networks that tests publish, once: that takes longer than most tests."""
    if folder.exists():
        return
    making = folder.with_name(".networks")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    subprocess.run(
        [str(python), "-c", _MAKE_NETWORKS, str(making)],
        env={**os.environ, "PYTHONPATH": str(tree / "tests")},
        check=True,
    )
    making.rename(folder)


def _try(
    target: Target, most: int, fates: Fates, server: Server, tree: Path, *, only_known: bool
) -> list[Fate]:
    """Try the mutants of a module that are not known, and return the fates of all."""
    # The copy, because somebody may work on the original meanwhile.
    source = (tree / target.module).read_text()
    tests = hashlib.sha256(b"".join((tree / test).read_bytes() for test in target.tests))
    found: list[Fate] = []
    unknown: list[Mutant] = []
    for mutant in mutants(source, most, SEED):
        fate = fates.known(target.module, mutant.digest, tests.hexdigest()[:16])
        if fate is None:
            unknown.append(mutant)
        else:
            found.append(fate)
    if only_known or not unknown:
        return found
    healthy = server.run(target.tests, 600, 600)
    if healthy.outcome != "passed":
        raise SystemExit(
            f"mutants: the tests of {target.module} fail without a mutant ({healthy.test}):"
            " .mutants/run.log. Cure that first."
        )
    limit_s = _LEAST_S + _TIMES_AS_LONG * healthy.wall_s
    path = tree / target.module
    # Python compares a compiled module's time in seconds: each mutant gets a second of its own.
    second = int(time.time()) - 100_000
    try:
        for number, mutant in enumerate(unknown):
            path.write_text(mutant.text)
            os.utime(path, (second + number, second + number))
            answer = server.run(target.tests, limit_s, limit_s)
            # Without the mutant all went well, so whatever else happens is its doing.
            outcome = {"passed": "survived", "timeout": "timeout"}.get(answer.outcome, "killed")
            fate = Fate(
                target.part,
                target.module,
                mutant.digest,
                tests.hexdigest()[:16],
                mutant.line,
                mutant.operator,
                mutant.change,
                outcome,
                answer.test,
                round(answer.wall_s, 2),
            )
            fates.add(fate)
            found.append(fate)
    finally:
        path.write_text(source)
    return found


def _report(found: list[Fate], patterns: list[str]) -> int:
    """Print scores and survivors; return 1 if the score is too low or a survivor has no reason."""
    kinds = accepted(KINDS)
    print("\n" + table(found) + "\n")
    survivors = [fate for fate in found if fate.outcome == "survived"]
    unexplained = [fate for fate in survivors if (fate.module, fate.change) not in kinds]
    explained = Counter(kinds.get((fate.module, fate.change)) for fate in survivors)
    for kind, count in sorted((kind, count) for kind, count in explained.items() if kind):
        print(f"{count} survivors of the kind {kind}")
    for fate in unexplained:
        print(f"{fate.module}:{fate.line}  {fate.change}")
    for module in untested(ROOT) if not patterns else []:
        print(f"{module}: no test mirrors it, so it was not mutated")
    print(f"\n{len(unexplained)} survivors without a reason in tools/mutants/survivors.toml")
    return 1 if unexplained or score(found) < FLOOR else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
