"""What Compose makes of docker-compose.yml, alone and with each of its overrides."""

import json
import re
from typing import Any

import pytest
from support.services.compose_project import BIND, PORTS, PROFILES, compose, require_engine

pytestmark = pytest.mark.docker

OVERRIDES = {
    "none": (),
    "gpu": ("docker-compose.gpu.yml",),
    "cluster": ("docker-compose.cluster.yml",),
    "scale": ("docker-compose.scale.yml",),
    "storage": ("docker-compose.storage.yml",),
}


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    require_engine()


def configuration(override: str) -> Any:
    """Return what Compose makes of docker-compose.yml with an override."""
    files = [word for file in ("docker-compose.yml", *OVERRIDES[override]) for word in ("-f", file)]
    return json.loads(compose(*files, *PROFILES, "config", "--format", "json"))


def test_the_ports_of_the_cluster_are_in_a_network_of_their_own() -> None:
    """Who reaches them may run any program on its nodes."""
    found = configuration("cluster")
    services = found["services"]
    inside = {name for name, each in services.items() if "cluster" in each.get("networks", {})}
    assert inside == {"ray-head", "ray-node", "evaluator"}
    assert found["networks"]["cluster"]["internal"]
    for name in ("ray-head", "ray-node"):
        assert set(services[name]["networks"]) == {"cluster"}
        assert "ports" not in services[name]
        assert [volume["target"] for volume in services[name]["volumes"]] == ["/cluster"]
    readers = {
        name: [
            each.get("read_only", False)
            for each in service.get("volumes", ())
            if each["source"] == "secrets-cluster"
        ]
        for name, service in services.items()
    }
    assert {name: only for name, [*only] in readers.items() if only} == {
        "ray-head": [False],
        "ray-node": [True],
        "evaluator": [True],
    }


@pytest.mark.parametrize("override", OVERRIDES)
def test_every_service_is_confined_and_checked(override: str) -> None:
    services = configuration(override)["services"]
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"], name
        assert service["mem_limit"], name
        assert 0 < service["pids_limit"] <= 4096, name
        assert re.fullmatch(r"/tmp:size=\d+m", *service["tmpfs"]), name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert "healthcheck" in service, name
    published = {
        (port["host_ip"], port["published"])
        for service in services.values()
        for port in service.get("ports", [])
    }
    assert published == {(BIND, port) for port in PORTS.values()}
    for name in ("inference", "driver-bridge", "cli", "demo-train"):
        assert services[name]["environment"]["LAPWING_API_TOKEN"] == "", name
    for name in ("inference", "tensorboard"):
        models = next(v for v in services[name]["volumes"] if v["target"] == "/models")
        assert models["read_only"]
