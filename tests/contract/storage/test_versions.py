"""Versions, decisions and drives are shared by machines, each with a model volume of its own."""

import concurrent.futures
import json
import shutil
from pathlib import Path

import pytest
from support.data.models import manifest
from support.data.versions import publish_one, staged
from support.storage import object_stores
from support.storage.object_stores import TestStore

from contract.errors import ModelError, SettingError, StorageError
from contract.files import atomic_files
from contract.models import journal, promotion
from contract.models.mirror import MirrorSettings, update
from contract.models.registry import H5, Registry


def registry(folder: Path, store: TestStore) -> Registry:
    return Registry(folder, store.environ)


def refresh(opened: Registry) -> Registry:
    """Take the lock, which brings a registry up to date."""
    with opened.current_version.lock():
        return opened


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_version_and_the_current_one_are_the_same_on_another_machine(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    for job in ("one", "two"):
        publish_one(here, job)
    promotion.force(here, 2, "I know better")
    refresh(there)
    assert there.versions() == [1, 2]
    assert files(there.root / "versions") == files(here.root / "versions")
    assert there.current() == here.current() == 2
    assert (there.root / H5).read_bytes() == b"weights of two"
    assert there.decisions() == here.decisions()
    assert len(there.decisions()) == 2
    assert there.published_by("one") == here.manifest(1), "a job that is run elsewhere knows it"


def test_a_version_is_copied_when_it_is_asked_for(tmp_path: Path, object_store: TestStore) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    publish_one(here, "one")
    assert there.versions() == []
    assert there.verify(1) == here.verify(1)
    with pytest.raises(ModelError, match="no such model version"):
        there.manifest(2)


def test_machines_that_publish_at_the_same_time_get_different_numbers(
    tmp_path: Path, object_store: TestStore
) -> None:
    machines = [registry(tmp_path / f"{number}", object_store) for number in range(3)]
    jobs = ["one", "two", "three"]
    with concurrent.futures.ThreadPoolExecutor(len(machines)) as pool:
        published = list(pool.map(publish_one, machines, jobs))
    assert sorted(each.version for each in published) == [1, 2, 3]
    for machine in machines:
        refresh(machine)
        for each, job in zip(published, jobs, strict=True):
            assert (machine.path(each.version) / H5).read_text() == f"weights of {job}"
            assert machine.verify(each.version) == each
        assert machine.decisions() == machines[0].decisions()
    (first,) = machines[0].decisions()
    assert (first.by, {machine.current() for machine in machines}) == (
        journal.FIRST,
        {first.version},
    )


class Late(Registry):
    """A registry on a machine that learns of others only before it takes the lock."""

    def decide_between(self, other: Registry, version: int) -> None:
        """Let another machine promote a version after this one has looked."""
        with self.current_version.lock():
            promotion.force(other, version, "at the same time")
            own = journal.decide(1, journal.FORCED, "mine", self.current())
            self.current_version.record_intent(own)
            assert self.current_version.carry_out(own) is False


def test_of_two_machines_that_promote_one_hears_that_the_other_did(
    tmp_path: Path, object_store: TestStore
) -> None:
    here = registry(tmp_path / "here", object_store)
    for job in ("one", "two", "three"):
        publish_one(here, job)
    there = Late(tmp_path / "there", object_store.environ)
    refresh(there)
    there.decide_between(here, 3)
    assert refresh(there).current() == here.current() == 3
    assert [decision.version for decision in there.decisions()] == [1, 3]
    # The gate compares again where it was overtaken; a person is told.
    arguments = ("job", "as well", {"n": 9})
    assert promotion.decide(there, 2, 1, *arguments, accepted=True) is None
    decided = promotion.decide(there, 2, 3, *arguments, accepted=False)
    assert decided is not None
    assert refresh(here).decisions()[-1] == decided


def test_a_decision_that_was_made_without_asking_is_given_up_if_others_decided_since(
    tmp_path: Path, object_store: TestStore, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    for job in ("one", "two", "three"):
        publish_one(here, job)
    refresh(there)
    promotion.force(Registry(there.root, {}), 2, "alone")
    assert refresh(here).current() == 1
    refresh(there)
    assert refresh(here).current() == 2, "nobody else had decided"
    promotion.force(Registry(there.root, {}), 1, "alone again")
    promotion.force(here, 3, "and with all others")
    assert refresh(there).current() == 3
    assert "(alone again) is given up: another machine has decided since" in caplog.text
    assert there.decisions() == refresh(here).decisions()


def test_a_machine_that_is_killed_amid_a_promotion_completes_it_or_gives_it_up(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    for job in ("one", "two", "three"):
        publish_one(here, job)
    refresh(there)
    told = journal.decide(2, journal.FORCED, "told, but not carried out", 1)
    with here.current_version.lock():
        here.current_version.record_intent(told)
        assert here.current_version.announce(told)
    assert refresh(there).current() == 2
    assert refresh(here).current() == 2
    assert refresh(here).decisions() == there.decisions()
    untold = journal.decide(3, journal.FORCED, "not told", 2)
    with here.current_version.lock():
        here.current_version.record_intent(untold)
    promotion.force(there, 1, "meanwhile")
    assert refresh(here).current() == 1
    assert [decision.why for decision in here.decisions()][1:] == [told.why, "meanwhile"]


def test_a_version_without_its_entry_is_not_visible_and_the_retry_publishes_once(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    assert here.mirror is not None
    folder = staged(here.root, "one")
    for path in folder.iterdir():
        here.mirror._objects.upload(path)  # and here its process is killed
    shutil.rmtree(folder)
    assert refresh(there).versions() == []
    publish_one(here, "one")
    publish_one(there, "one")
    assert refresh(there).versions() == [1]


def test_a_version_that_was_told_but_not_moved_is_found_by_the_retry(
    tmp_path: Path, object_store: TestStore
) -> None:
    here = registry(tmp_path / "here", object_store)
    publish_one(here, "one")
    assert here.mirror is not None
    with here.current_version.lock():
        folder = staged(here.root, "two")
        described = {
            path.name: {"sha256": atomic_files.sha256(path), "bytes": path.stat().st_size}
            for path in folder.iterdir()
        }
        document = {**vars(manifest("two")), "version": 2, "files": described}
        atomic_files.write_json(folder / "manifest.json", document)
        assert here.mirror.publish(2, folder)  # and here its process is killed
    shutil.rmtree(folder)
    assert publish_one(here, "two").version == 2
    assert here.versions() == [1, 2]


def test_a_volume_from_before_publishes_its_versions_and_its_journal(
    tmp_path: Path, object_store: TestStore
) -> None:
    before = Registry(tmp_path / "before", {})
    for job in ("one", "two"):
        publish_one(before, job)
    promotion.force(before, 2, "before there was an object store")
    refresh(registry(before.root, object_store))
    other = refresh(registry(tmp_path / "other", object_store))
    assert (other.versions(), other.current()) == ([1, 2], 2)
    assert other.decisions() == before.decisions()
    apart = Registry(tmp_path / "apart", {})
    publish_one(apart, "something else")
    with pytest.raises(StorageError, match="is not that of LAPWING_STORAGE"):
        refresh(registry(apart.root, object_store))


def test_a_removed_version_leaves_the_other_machines_and_its_number_stays_taken(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    for job in ("one", "two"):
        publish_one(here, job)
    refresh(there)
    assert here.mirror is not None
    with here.current_version.lock():
        here.mirror.remove(2)
    for machine in (here, there):
        assert refresh(machine).versions() == [1]
    assert publish_one(there, "three").version == 3


def test_a_flipped_bit_in_a_published_version_is_refused(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    published = publish_one(here, "one")
    object_store.flip_a_bit(f"data/{published.sha256}")
    with pytest.raises(StorageError, match="LAPWING_STORAGE is damaged"):
        refresh(there)
    assert there.versions() == []
    assert [path.name for path in (there.root / "versions").iterdir()] == []


def test_kept_drives_are_shared_and_the_first_of_two_stays(
    tmp_path: Path, object_store: TestStore
) -> None:
    here, there = (registry(tmp_path / name, object_store) for name in ("here", "there"))
    publish_one(here, "one")
    refresh(there)
    assert here.mirror is not None
    assert there.mirror is not None
    drives = [machine.path(1) / "evaluations" / "drives" for machine in (here, there)]
    for folder, names in zip(drives, (("a", "b"), ("b", "c")), strict=True):
        for name in names:
            path = folder / "lake" / "clear" / "1-1" / f"{name}.json"
            atomic_files.make_folder(path.parent)
            metrics = {"metrics": {"lateral_max_m": 0.1 + 0.2, "by": str(folder)}}
            atomic_files.write_json(path, metrics)
    first = files(drives[0])
    here.mirror.publish_drives(1)
    there.mirror.publish_drives(1)
    here.mirror.pull_drives(1)
    there.mirror.pull_drives(1)
    assert files(drives[0]) == files(drives[1])
    assert {name.rpartition("/")[2] for name in files(drives[0])} == {"a.json", "b.json", "c.json"}
    assert files(drives[0]).items() >= first.items()


def test_the_mirror_copies_versions_and_stores(tmp_path: Path, object_store: TestStore) -> None:
    here = registry(tmp_path / "here", object_store)
    publish_one(here, "one")
    settings = MirrorSettings(tmp_path / "data", tmp_path / "models", 1.0)
    update(settings, object_store.environ)
    assert json.loads((tmp_path / "models" / "journal.json").read_text())[0]["version"] == 1
    assert Registry(tmp_path / "models", {}).verify(1) == here.manifest(1)
    assert Registry(tmp_path / "models", {}).current() == 1


def test_a_volume_with_copies_of_another_object_store_is_refused(tmp_path: Path) -> None:
    first = object_stores.in_folder(tmp_path / "first")
    second = object_stores.in_folder(tmp_path / "second")
    publish_one(registry(tmp_path / "models", first), "one")
    with pytest.raises(SettingError, match="has copies of another LAPWING_STORAGE"):
        refresh(registry(tmp_path / "models", second))
