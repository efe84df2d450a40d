from dataclasses import asdict
from typing import Any

import pytest
from support.data.models import manifest

from contract.errors import ModelError
from contract.models import lineage
from contract.models.lineage import Ancestor
from contract.models.registry import H5, ModelManifest


def version(number: int, *datasets: str, **changes: Any) -> ModelManifest:
    """Return the manifest of a published version, whose model.h5 has a checksum of its number."""
    return manifest(
        f"job-{number}",
        version=number,
        files={H5: {"sha256": f"{number}" * 64}},
        data=[{"dataset": name, "rows": 10, "manifest_sha256": "a"} for name in datasets],
        **changes,
    )


def test_a_version_of_random_weights_has_no_ancestors() -> None:
    found = version(1, "lake")
    assert lineage.ancestors(found) == []
    assert lineage.own_data(found) == found.data


def test_a_grandchild_lists_its_parent_first_and_the_data_of_all() -> None:
    first = version(1, "lake", "jungle")
    second = lineage.descend(version(2, "tub"), first)
    third = lineage.descend(version(5, "jungle", "track"), second)
    assert lineage.ancestors(third) == [
        Ancestor(2, "2" * 64, second.created_at, ["tub"]),
        Ancestor(1, "1" * 64, first.created_at, ["lake", "jungle"]),
    ]
    assert [(entry["dataset"], entry.get("version")) for entry in third.data] == [
        ("jungle", None),
        ("track", None),
        ("tub", 2),
        ("lake", 1),
    ]
    assert [entry["dataset"] for entry in lineage.own_data(third)] == ["jungle", "track"]
    assert lineage.unknown_data(third) == []


def test_the_origin_of_an_imported_parent_stands_behind_it() -> None:
    origin = version(1, "lake")
    parent = version(2, config={"imported_from": "copy.h5"})
    known = lineage.descend(version(3, "tub"), parent, origin)
    assert [ancestor.version for ancestor in lineage.ancestors(known)] == [2, 1]
    assert [(entry["dataset"], entry.get("version")) for entry in known.data] == [
        ("tub", None),
        ("lake", 1),
    ]
    assert lineage.unknown_data(known) == []


def test_an_ancestor_whose_data_are_not_known_stays_named_in_later_generations() -> None:
    parent = version(2, config={"imported_from": "theirs.h5"})
    child = lineage.descend(version(3, "tub"), parent)
    grandchild = lineage.descend(version(4, "lake"), child)
    assert [ancestor.imported_from for ancestor in lineage.unknown_data(grandchild)] == [
        "theirs.h5"
    ]


@pytest.mark.parametrize(
    "changes",
    [{"version": "1"}, {"data_known": 1}, {"sha256": None}, {"datasets": "lake"}, {"more": 1}],
)
def test_a_lineage_of_another_form_is_refused(changes: dict[str, object]) -> None:
    entry = asdict(Ancestor(1, "a", "2026", [])) | changes
    with pytest.raises(ModelError, match="the lineage of model version 3 cannot be read"):
        lineage.ancestors(version(3, lineage=[entry]))
