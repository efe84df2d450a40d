"""The table of what is mutated names what exists."""

from __future__ import annotations

import pytest
from mutants.targets import EXTRA, FEWER, PARTS, targets
from support.house import ROOT


@pytest.mark.parametrize("glob", [glob for part in PARTS.values() for glob in part] + list(FEWER))
def test_each_pattern_means_a_module(glob: str) -> None:
    assert list(ROOT.glob(glob))


@pytest.mark.parametrize("module", EXTRA)
def test_the_extra_tests_of_a_module_exist(module: str) -> None:
    assert (ROOT / module).is_file()
    assert all((ROOT / test).is_file() for test in EXTRA[module])


def test_a_module_has_the_tests_that_mirror_it_and_those_of_the_table() -> None:
    (driver,) = targets(ROOT, ["*/control/driver.py"])
    assert driver.part == "bridge"
    assert driver.tests[0] == "tests/driver_bridge/control/test_driver.py"
    assert set(EXTRA[driver.module]) < set(driver.tests)


def test_a_part_is_chosen_by_its_name() -> None:
    assert {target.part for target in targets(ROOT, ["gate", "bridge"])} == {"gate", "bridge"}
    assert {target.part for target in targets(ROOT, [])} == set(PARTS)
