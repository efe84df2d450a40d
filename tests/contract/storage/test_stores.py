"""Stores are published in a folder and in a bucket of a real server, and mirrored on other nodes.

Each node is a data volume of its own. What is compared are the bytes of the files, and what the
library itself finds in the object store.
"""

import concurrent.futures
import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.services.toxics import proxy
from support.storage import object_stores
from support.storage.object_stores import SwiftServer, TestStore
from support.storage.recordings import variants

from contract.dataset import store, store_catalog
from contract.dataset.store_catalog import StoreManifest
from contract.errors import SettingError, StorageError, StoreError
from contract.settings import load
from contract.storage import stores
from contract.storage.stores import StoreMirror
from ingest.job import import_source
from ingest.settings import Settings


def import_recording(data: Path, source: Path, environ: dict[str, str]) -> dict[str, object]:
    settings = load(Settings, {"LAPWING_DATA_DIR": str(data)})
    (result,) = import_source(settings, source, None, 0.05, lambda **_: None, environ=environ)
    return result


def mirror(data: Path, environ: dict[str, str]) -> StoreMirror:
    opened = stores.open_mirror(data, environ)
    assert opened is not None
    return opened


def manifest_of(data: Path) -> StoreManifest:
    (manifest,) = store_catalog.read_manifests(data)
    return manifest


def digest(data: Path, manifest: StoreManifest, environ: dict[str, str]) -> str:
    """Return a digest of all frames, read as trainings read them."""
    with store.open_store(data, manifest, environ) as reader:
        frames = [reader.blocks.block(n).tobytes() for n in range(len(manifest.block_checksums))]
    return hashlib.sha256(b"".join(frames)).hexdigest()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return variants(tmp_path_factory.mktemp("recordings"), count=11, rows=12)


def test_a_store_is_the_same_to_the_byte_on_another_node(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    name = str(import_recording(here, recordings[0], environ)["dataset"])
    stores.pull(there, environ)
    assert not (there / "stores" / f"{name}.h5").exists(), "frames are fetched when they are read"
    manifest = manifest_of(there)
    assert manifest == manifest_of(here)
    assert digest(there, manifest, environ) == digest(here, manifest, environ)
    for suffix in (".h5", ".ids", ".json"):
        path = f"stores/{name}{suffix}"
        assert (there / path).read_bytes() == (here / path).read_bytes(), suffix
    content = (here / "stores" / f"{name}.h5").read_bytes()
    key = f"data/{hashlib.sha256(content).hexdigest()}"
    assert object_store.read(key) == content


def test_a_store_without_its_entry_is_not_visible_and_the_retry_finishes(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    import_recording(here, recordings[0], {})
    name = manifest_of(here).dataset
    node = mirror(here, environ)
    node.objects.upload(here / "stores" / f"{name}.h5")  # and here its process is killed
    stores.pull(there, environ)
    assert store_catalog.read_manifests(there) == []
    assert import_recording(here, recordings[0], environ)["skipped"] is True
    stores.pull(there, environ)
    assert manifest_of(there) == manifest_of(here)


def test_of_two_publishers_of_one_recording_one_wins_and_the_other_takes_its_store(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    environ, nodes = object_store.environ, [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    for number, data in enumerate(nodes):
        import_recording(data, recordings[0], {})
        manifest = manifest_of(data)
        path = store_catalog.paths(data, manifest.dataset)[1]
        made_at = f"2026-01-0{number + 1}T00:00:00+00:00"  # imports of one second would be equal
        store_catalog.write_manifest(
            path, StoreManifest(**{**vars(manifest), "created_at": made_at})
        )
    name = manifest_of(nodes[0]).dataset
    before = [manifest_of(data) for data in nodes]
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        assert {*pool.map(lambda data: mirror(data, environ).publish(name), nodes)} == {name}
    (winner,) = (data for data, own in zip(nodes, before, strict=True) if manifest_of(data) == own)
    for data in nodes:
        assert manifest_of(data) == manifest_of(winner)
        assert digest(data, manifest_of(data), environ) == digest(
            winner, manifest_of(winner), environ
        )


def test_two_names_of_one_recording_become_one_dataset(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    environ, nodes = object_store.environ, [tmp_path / "a", tmp_path / "b"]
    for data in nodes:
        source = shutil.copytree(recordings[0], tmp_path / "sources" / f"named-{data.name}")
        import_recording(data, source, {})
    names = [manifest_of(data).dataset for data in nodes]
    assert len({*names}) == 2
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        published = list(
            pool.map(lambda data: mirror(data, environ).publish(manifest_of(data).dataset), nodes)
        )
    for data in nodes:
        stores.pull(data, environ)
    assert {manifest_of(data).dataset for data in nodes} == {published[0]} == {published[1]}
    assert published[0] in names
    digests = {digest(data, manifest_of(data), environ) for data in nodes}
    assert len(digests) == 1


def test_another_recording_of_the_same_name_is_refused(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    import_recording(here, recordings[0], environ)
    manifest = manifest_of(here)
    import_recording(there, recordings[1], {})
    other = manifest_of(there)
    for suffix in (".h5", ".ids"):
        (there / "stores" / f"{other.dataset}{suffix}").rename(
            there / "stores" / f"{manifest.dataset}{suffix}"
        )
    path = store_catalog.paths(there, manifest.dataset)[1]
    store_catalog.write_manifest(
        path, StoreManifest(**{**vars(other), "dataset": manifest.dataset})
    )
    with pytest.raises(StorageError, match="has another recording of the name"):
        mirror(there, environ).publish(manifest.dataset)
    assert store_catalog.read_manifest(path).source == other.source, "its own store is left alone"


def test_a_flipped_bit_in_the_object_store_is_refused(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    import_recording(here, recordings[0], environ)
    content = (here / "stores" / f"{manifest_of(here).dataset}.h5").read_bytes()
    object_store.flip_a_bit(f"data/{hashlib.sha256(content).hexdigest()}")
    stores.pull(there, environ)
    with pytest.raises(StorageError, match="LAPWING_STORAGE is damaged"):
        store.open_store(there, manifest_of(there), environ)
    assert [path.name for path in (there / "stores").glob("*.h5")] == []
    assert list((there / "stores" / ".mirror").glob(".*tmp*")) == []


def test_a_flipped_bit_in_a_copy_is_found_and_the_copy_fetched_again(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    data, environ = tmp_path / "data", object_store.environ
    import_recording(data, recordings[0], environ)
    manifest = manifest_of(data)
    path = store_catalog.paths(data, manifest.dataset)[0]
    sound = path.read_bytes()
    damaged = bytearray(sound)
    damaged[len(sound) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="differs"):
        store.verify_store(data, manifest, {})
    store.verify_store(data, manifest, environ)
    assert path.read_bytes() == sound


def test_a_copy_of_another_size_is_fetched_again(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    data, environ = tmp_path / "data", object_store.environ
    import_recording(data, recordings[0], environ)
    manifest = manifest_of(data)
    path = store_catalog.paths(data, manifest.dataset)[0]
    sound = path.read_bytes()
    path.write_bytes(sound[:-1])
    with store.open_store(data, manifest, environ):
        assert path.read_bytes() == sound


def test_a_cache_ten_times_smaller_than_the_data_streams_all_of_it(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for recording in recordings:
        import_recording(here, recording, object_store.environ)
    manifests = store_catalog.read_manifests(here)
    largest = max(manifest.file_bytes for manifest in manifests)
    assert sum(manifest.file_bytes for manifest in manifests) >= 10 * largest
    environ = object_store.environ | {"LAPWING_CACHE_BYTES": str(largest)}
    stores.pull(there, environ)
    for _ in range(2):
        for manifest in store_catalog.read_manifests(there):
            assert digest(there, manifest, environ) == digest(here, manifest, {})
            copies = sum(path.stat().st_size for path in there.glob("stores/**/*.h5"))
            assert copies <= largest


def test_a_copy_in_use_is_never_removed_and_the_error_names_the_bound(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for recording in recordings[:2]:
        import_recording(here, recording, object_store.environ)
    first, second = store_catalog.read_manifests(here)
    bound = {"LAPWING_CACHE_BYTES": str(max(first.file_bytes, second.file_bytes))}
    environ = object_store.environ | bound
    stores.pull(there, environ)
    with store.open_store(there, first, environ):
        with pytest.raises(StorageError, match="LAPWING_CACHE_BYTES"):
            store.open_store(there, second, environ)
        assert store_catalog.paths(there, first.dataset)[0].exists()
    with store.open_store(there, second, environ):
        assert not store_catalog.paths(there, first.dataset)[0].exists()


def test_a_removed_dataset_leaves_the_other_nodes_and_can_be_imported_again(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    import_recording(here, recordings[0], environ)
    stores.pull(there, environ)
    name = manifest_of(there).dataset
    mirror(here, environ).remove(name)
    for data in (here, there):
        stores.pull(data, environ)
        assert list((data / "stores").glob("[!.]*")) == []
    import_recording(there, recordings[0], environ)
    stores.pull(here, environ)
    manifest = manifest_of(here)
    assert digest(here, manifest, environ) == digest(there, manifest, environ)


def test_what_a_volume_had_before_is_published_with_the_next_job(
    tmp_path: Path, recordings: list[Path], object_store: TestStore
) -> None:
    here, there, environ = tmp_path / "here", tmp_path / "there", object_store.environ
    for recording in recordings[:2]:
        import_recording(here, recording, {})
    (here / "stores" / "torn.json").write_text('{"dataset":')
    (here / "stores" / "torn.h5").write_bytes(b"")
    for data in (here, there):
        stores.pull(data, environ)
    assert store_catalog.read_manifests(there) == store_catalog.read_manifests(here)
    assert len(store_catalog.read_manifests(there)) == 2


def test_a_volume_with_copies_of_another_object_store_is_refused(
    tmp_path: Path, recordings: list[Path]
) -> None:
    first = object_stores.in_folder(tmp_path / "first")
    second = object_stores.in_folder(tmp_path / "second")
    import_recording(tmp_path / "data", recordings[0], first.environ)
    with pytest.raises(SettingError, match="has copies of another LAPWING_STORAGE"):
        stores.pull(tmp_path / "data", second.environ)


def test_a_missing_folder_and_a_missing_bucket_are_named(
    tmp_path: Path, swift: SwiftServer, redis_socket: Path
) -> None:
    folder = object_stores.in_folder(tmp_path / "shared")
    (tmp_path / "shared").rmdir()
    with pytest.raises(StorageError, match="the folder of LAPWING_STORAGE was not there for 1 s"):
        stores.pull(tmp_path / "data", folder.environ | {"LAPWING_STORAGE_TIMEOUT_S": "1"})
    bucket = object_stores.in_bucket(swift.port, f"unix://{redis_socket}").environ
    with pytest.raises(SettingError, match="no such bucket in LAPWING_STORAGE"):
        stores.pull(tmp_path / "other", bucket | {"LAPWING_STORAGE": "s3://nothing/here"})
    with pytest.raises(SettingError, match="AWS_SECRET_ACCESS_KEY"):
        stores.pull(tmp_path / "third", bucket | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    with pytest.raises(SettingError, match="AWS_ALLOW_HTTP=true"):
        stores.pull(tmp_path / "fourth", bucket | {"AWS_ALLOW_HTTP": ""})


def test_a_stalled_store_ends_with_an_error_in_bounded_time(
    tmp_path: Path, recordings: list[Path], swift: SwiftServer, redis_socket: Path, slack: float
) -> None:
    bucket = object_stores.in_bucket(swift.port, f"unix://{redis_socket}").environ
    with proxy(swift.port) as slow:
        environ = bucket | {"AWS_ENDPOINT_URL": slow.url, "LAPWING_STORAGE_TIMEOUT_S": "3"}
        data = tmp_path / "data"
        import_recording(data, recordings[0], {})
        slow.black_hole = True
        began_s = time.monotonic()
        with pytest.raises(StorageError, match=r"LAPWING_STORAGE did not .* within 3 s"):
            mirror(data, environ).publish(manifest_of(data).dataset)
        assert time.monotonic() - began_s < 5 * slack
        slow.black_hole = False
        name = manifest_of(data).dataset
        patient = environ | {"LAPWING_STORAGE_TIMEOUT_S": "60"}
        assert mirror(data, patient).publish(name) == name


def test_a_server_that_is_killed_and_started_again_is_waited_for(
    tmp_path: Path, recordings: list[Path], redis_socket: Path
) -> None:
    if not object_stores.is_installed():
        pytest.skip(object_stores.MISSING)
    with object_stores.running_swift() as server:
        bucket = object_stores.in_bucket(server.port, f"unix://{redis_socket}")
        environ = bucket.environ | {"LAPWING_STORAGE_TIMEOUT_S": "300"}
        here, there = tmp_path / "here", tmp_path / "there"
        import_recording(here, recordings[0], {})
        server.kill()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            published = pool.submit(mirror(here, environ).publish, manifest_of(here).dataset)
            time.sleep(0.5)
            server.start()
            assert published.result(300) == manifest_of(here).dataset
        stores.pull(there, environ)
        assert manifest_of(there) == manifest_of(here)


def test_without_the_setting_the_library_is_not_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from contract.storage import stores; "
        "import ingest.job, contract.dataset.store; stores.pull(Path('nowhere'), {}); "
        "print(sorted({'obstore', 'ray', 'pyarrow', 'jax'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    assert json.loads(subprocess.check_output(command, cwd=tmp_path)) == []
