from pathlib import Path

import pytest
from support.data.versions import publish_one

from contract.errors import ModelError
from contract.models import promotion
from contract.models.registry import H5, TFLITE, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path)
    for job in ("one", "two", "three"):
        publish_one(registry, job)
    return registry


def decide(registry: Registry, version: int, against: int, job: str, *, accepted: bool) -> object:
    why = "as well" if accepted else "worse"
    decision = promotion.decide(registry, version, against, job, why, {"n": 9}, accepted=accepted)
    return decision and (decision.accepted, decision.why)


def test_a_version_is_promoted_by_force(registry: Registry) -> None:
    assert promotion.force(registry, 2, "I know better") == registry.manifest(2)
    assert registry.current() == 2
    assert (registry.root / H5).read_bytes() == b"weights of two"
    last = registry.decisions()[-1]
    assert (last.version, last.by, last.why, last.previous) == (2, "forced", "I know better", 1)


def test_the_current_version_may_be_forced_and_no_temporary_file_is_left(
    registry: Registry,
) -> None:
    """POSIX does nothing when a name is renamed to another name of the same file."""
    promotion.force(registry, 1, "once more")
    assert {path.name for path in registry.root.iterdir()} == {
        ".lock",
        "current",
        "journal.json",
        H5,
        "versions",
    }


def test_a_version_that_does_not_exist_is_not_forced(registry: Registry) -> None:
    with pytest.raises(ModelError, match=r"no such model version: got 7\. There are \[1, 2, 3\]"):
        promotion.force(registry, 7, "")
    assert registry.current() == 1


def test_a_damaged_version_is_not_forced(registry: Registry) -> None:
    (registry.path(2) / TFLITE).write_bytes(b"twin of twO")
    with pytest.raises(ModelError, match=r"model\.tflite of model version 2 is not what"):
        promotion.force(registry, 2, "")
    assert registry.current() == 1
    assert len(registry.decisions()) == 1


def test_a_broken_link_is_replaced(registry: Registry) -> None:
    (registry.root / "current").unlink()
    (registry.root / "current").symlink_to("nowhere")
    promotion.force(registry, 1, "")
    assert registry.current() == 1


def test_the_gate_accepts_a_candidate_and_says_why(registry: Registry) -> None:
    assert decide(registry, 2, 1, "gate-2", accepted=True) == (True, "as well")
    assert registry.current() == 2
    last = registry.decisions()[-1]
    assert (last.by, last.evidence, last.previous) == ("gate", {"n": 9}, 1)


def test_the_gate_refuses_and_says_why(registry: Registry) -> None:
    assert decide(registry, 2, 1, "gate-2", accepted=False) == (False, "worse")
    assert registry.current() == 1
    assert not registry.decisions()[-1].accepted


def test_a_gate_that_runs_again_decides_once(registry: Registry) -> None:
    decide(registry, 2, 1, "gate-2", accepted=True)
    promotion.rollback(registry)
    assert decide(registry, 2, 1, "gate-2", accepted=True) == (True, "as well")
    assert registry.current() == 1


def test_without_a_current_version_the_gate_accepts_the_first_candidate(registry: Registry) -> None:
    (registry.root / "current").unlink()
    decision = promotion.decide(registry, 2, None, "gate-2", "nothing drove", {}, accepted=True)
    assert decision is not None
    assert (decision.by, decision.previous, registry.current()) == ("first", None, 2)
    assert promotion.decide(registry, 3, None, "gate-3", "", {}, accepted=True) is None
    assert registry.current() == 2


def test_a_comparison_with_an_earlier_current_version_decides_nothing(registry: Registry) -> None:
    promotion.force(registry, 3, "")
    assert decide(registry, 2, 1, "gate-2", accepted=True) is None
    assert registry.current() == 3


def test_rollbacks_go_back_step_by_step(registry: Registry) -> None:
    promotion.force(registry, 2, "")
    promotion.force(registry, 3, "")
    assert [promotion.rollback(registry).version for _ in range(2)] == [2, 1]
    with pytest.raises(ModelError, match="no version drove before the current one: got 1"):
        promotion.rollback(registry)
    assert registry.current() == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_a_candidate_that_was_damaged_while_it_drove_is_not_decided_on(
    registry: Registry, accepted: bool
) -> None:
    """The gate drives for minutes; what is promoted are the bytes of that moment."""
    (registry.path(2) / H5).write_bytes(b"weights of twO")
    with pytest.raises(ModelError, match=r"model\.h5 of model version 2 is not what"):
        decide(registry, 2, 1, "gate-2", accepted=accepted)
    assert registry.current() == 1
    assert len(registry.decisions()) == 1
