"""The mutants of a module: each differs in one place that matters, and the sample is repeatable."""

from __future__ import annotations

import ast

import pytest
from mutants.mutations import mutants

SOURCE = '''
"""A module with 1 number in its docstring."""
from __future__ import annotations

import os
from dataclasses import dataclass

@dataclass(frozen=True)
class Point:
    x: int | None = 3

def store(file: int | None, limit: float, *, sure: bool) -> int | None:
    log.info("limit %s", limit * 1000)
    os.fsync(file)
    if limit < 5 and sure:
        raise ValueError("too small")
    try:
        count = 0
    except (json.JSONDecodeError, OSError):
        raise
    except KeyError as error:
        pass
    count += 1
    return count - 1
'''


def changes(source: str = SOURCE) -> set[str]:
    return {mutant.change for mutant in mutants(source, 1000, 0)}


@pytest.mark.parametrize(
    "change",
    [
        "os.fsync(file) → pass",
        'raise ValueError("too small") → pass',
        "count += 1 → pass",
        "raise → pass",
        "except (json.JSONDecodeError, OSError): → except (GeneratorExit, OSError):",
        "except (json.JSONDecodeError, OSError): → except (json.JSONDecodeError, GeneratorExit):",
        "except KeyError as error: → except GeneratorExit as error:",
        "if limit < 5 and sure: → if limit <= 5 and sure:",
        "if limit < 5 and sure: → if limit >= 5 and sure:",
        "if limit < 5 and sure: → if limit < 5 or sure:",
        "if limit < 5 and sure: → if not limit < 5 and sure:",
        "if limit < 5 and sure: → if limit < 6 and sure:",
        "return count - 1 → return count + 1",
        "x: int | None = 3 → x: int | None = 4",
    ],
)
def test_each_kind_of_change_is_made(change: str) -> None:
    assert change in changes()


def test_nothing_without_an_effect_is_changed() -> None:
    """Annotations, docstrings, what a dataclass forbids, the marks of a signature, and logs."""
    touched = " ".join(change.split(" → ")[0] for change in changes())
    assert "frozen=False" not in "".join(changes())
    for idle in ("log.info", "def store", "docstring", "annotations"):
        assert idle not in touched
    assert "int & None" not in "".join(changes())


def test_every_mutant_is_a_module_that_differs() -> None:
    found = mutants(SOURCE, 1000, 0)
    trees = {ast.dump(ast.parse(mutant.text)) for mutant in found}
    assert len(trees) == len(found)
    assert ast.dump(ast.parse(SOURCE)) not in trees


def test_the_sample_depends_on_the_seed_alone() -> None:
    few = mutants(SOURCE, 5, 1)
    assert few == mutants(SOURCE, 5, 1)
    assert few != mutants(SOURCE, 5, 2)
    assert len(few) == 5
