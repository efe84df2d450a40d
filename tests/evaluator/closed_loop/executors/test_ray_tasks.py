"""Drives on a real Ray cluster: a head and two nodes, which are processes of this host."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.data import candidates, models
from support.services import drive_job
from support.services.ray_cluster import RayCluster
from support.waiting import await_true

from contract.models.registry import Registry
from evaluator.closed_loop import rollouts
from evaluator.closed_loop.executors.local_processes import LocalProcesses
from evaluator.closed_loop.paired_drives import GATE_LAPS, GATE_SEED
from evaluator.closed_loop.perturbations import Condition
from evaluator.closed_loop.rollouts import Scenario
from simulator.rendering.appearance import LIGHTS

NODES = ("n1", "n2")
START_S = 240.0
"""A machine with other work takes minutes to start a driver; an idle one 5 s."""
CANCEL_S = 5.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    # The path of a socket must be shorter than pytest's folders are.
    with (
        tempfile.TemporaryDirectory(prefix="lr-") as folder,
        RayCluster(Path(folder) / "r", *NODES) as found,
    ):
        yield found


@pytest.fixture
def registry(tmp_path: Path, networks: Path) -> Registry:
    """Return a registry with a version that has no drives."""
    return publish(tmp_path / "models", networks)


def publish(models_folder: Path, networks: Path) -> Registry:
    """Publish a network that drives straight on."""
    found = Registry(models_folder)
    found.root.mkdir()
    models.publish(found, networks / "straight", "one")
    return found


def drive_locally(folder: Path, networks: Path, *scenarios: Scenario, count: int) -> Registry:
    """Return a registry in which the same version has driven in a process of this machine."""
    found = publish(folder, networks)
    rollouts.run_rollouts(found, 1, scenarios, count, LocalProcesses(1))
    return found


def start(
    cluster: RayCluster,
    registry: Registry,
    track: str,
    laps: float,
    seed: int,
    count: int,
    *lights: str,
    program: tuple[str, ...] = (drive_job.__file__,),
) -> subprocess.Popen[str]:
    """Start a job in a process group of its own, as a worker does."""
    return subprocess.Popen(
        [
            *(sys.executable, *program, str(registry.root), track, str(laps), str(seed)),
            *(str(count), cluster.address, str(cluster.token_file), *lights),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def finish(job: subprocess.Popen[str]) -> list[dict[str, object]]:
    """Return the progress that a job reported until it ended well."""
    with job:
        printed, complaints = job.communicate(timeout=START_S)
    assert job.returncode == 0, complaints
    # Ray itself tells of lost nodes there.
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def documents(registry: Registry, scenario: Scenario) -> dict[str, bytes]:
    """Return the documents of a scenario's drives, by the names of their files."""
    folder = rollouts.evaluations_folder(registry, 1) / "drives" / scenario.folder
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def made_on(reports: list[dict[str, object]]) -> dict[str, int]:
    """Return how many drives each node made, as the job reported last."""
    found = [report["nodes"] for report in reports if "nodes" in report][-1]
    assert isinstance(found, dict)
    return found


def busy(cluster: RayCluster, node: str) -> bool:
    """Return whether a task is run on a node; Ray gives its process the name of the function."""
    return any("ray::call" in " ".join(each.cmdline()) for each in cluster.workers(node))


def test_drives_on_two_nodes_give_the_bytes_of_local_ones(
    cluster: RayCluster, registry: Registry, networks: Path, tmp_path: Path
) -> None:
    """The track is a CSV file, which the nodes cannot read."""
    track = candidates.road(tmp_path)
    job = start(cluster, registry, str(track), GATE_LAPS, GATE_SEED, 4)
    scenario = candidates.scenario(track)
    local = documents(drive_locally(tmp_path / "local", networks, scenario, count=4), scenario)
    reports = finish(job)
    assert len(local) == 4
    assert documents(registry, scenario) == local
    nodes = made_on(reports)
    assert set(nodes) == set(NODES)
    assert sum(nodes.values()) == 4
    assert {"done": 4, "total": 4} in reports


def test_a_cancelled_job_leaves_nothing_on_the_nodes(
    cluster: RayCluster, registry: Registry
) -> None:
    """A worker kills the process group of a cancelled job."""
    job = start(cluster, registry, "lake", 1.0, 1, 6)
    await_true(lambda: all(busy(cluster, node) for node in NODES), "both drive", START_S)
    began = time.monotonic()
    os.killpg(job.pid, signal.SIGKILL)
    job.communicate()
    await_true(
        lambda: not any(busy(cluster, node) for node in NODES), "both stop", CANCEL_S, every_s=0.05
    )
    assert time.monotonic() - began <= CANCEL_S


def test_a_job_with_another_token_or_release_of_ray_is_refused(
    cluster: RayCluster, registry: Registry, tmp_path: Path
) -> None:
    other = tmp_path / "token"
    other.write_text("8" * 64)
    stranger = RayCluster(tmp_path / "none")
    stranger.address, stranger.token_file = cluster.address, other
    job = start(stranger, registry, "lake", 1.0, 1, 1)
    complaints = job.communicate(timeout=START_S)[1]
    assert "ClusterError: the Ray cluster at" in complaints
    assert "LAPWING_CLUSTER_TOKEN_FILE must name a file with the token of the head" in complaints

    program = (
        "-c",
        "import os, runpy, sys; sys.argv.pop(0); os.environ['RAY_AUTH_MODE'] = 'token';"
        "import ray; ray.__version__ = '9.9.9';"
        "runpy.run_path(sys.argv[0], run_name='__main__')",
        drive_job.__file__,
    )
    job = start(cluster, registry, "lake", 1.0, 1, 1, program=program)
    complaints = job.communicate(timeout=START_S)[1]
    assert "runs other versions than this process" in complaints
    assert "9.9.9" in complaints


@pytest.mark.soak
def test_the_drives_of_a_lost_node_are_made_by_the_other(
    cluster: RayCluster, registry: Registry, networks: Path, tmp_path: Path
) -> None:
    """It is the last test: the cluster has one node after it."""
    scenario = Scenario("lake", Condition(), 0.05, 11)
    job = start(cluster, registry, "lake", 0.05, 11, 4)
    await_true(lambda: busy(cluster, "n1"), "n1 drives", START_S)
    cluster.kill("n1")
    local = documents(drive_locally(tmp_path / "local", networks, scenario, count=4), scenario)
    nodes = made_on(finish(job))
    assert nodes["n2"] >= 3
    assert len(local) == 4
    assert documents(registry, scenario) == local


@pytest.mark.soak
def test_200_drives_with_a_killed_node_equal_local_ones(
    registry: Registry, networks: Path, tmp_path: Path
) -> None:
    scenarios = [Scenario("lake", Condition(light, light), 0.05, 12) for light in LIGHTS]
    count = 200 // len(LIGHTS)
    with (
        tempfile.TemporaryDirectory(prefix="lr-") as folder,
        RayCluster(Path(folder) / "r", *NODES) as found,
    ):
        job = start(found, registry, "lake", 0.05, 12, count, *LIGHTS)
        kept = rollouts.evaluations_folder(registry, 1) / "drives"
        await_true(lambda: len(list(kept.glob("lake/*/0.05-12/*.json"))) >= 60, "60 drives", 3000)
        found.kill("n1")
        complaints = job.communicate(timeout=3000)[1]
        assert job.returncode == 0, complaints
    local = drive_locally(tmp_path / "local", networks, *scenarios, count=count)
    for scenario in scenarios:
        made = documents(registry, scenario)
        assert len(made) == count
        assert made == documents(local, scenario)
