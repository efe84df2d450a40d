"""The manifests of deploy/kubernetes: valid by their schemas, with the same services as compose."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.house import ROOT, label

FOLDER = ROOT / "deploy" / "kubernetes"
VERSION = "1.37"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
RAY_SCHEMA = json.loads((ROOT / "tests/fixtures/kuberay/ray.io_v1.json").read_text())
WORKLOADS = ("Deployment", "StatefulSet")
SERVICES = (
    *("redis", "ingest", "trainer", "evaluator", "inference", "driver-bridge", "balancer", "cli"),
    *("tensorboard", "rq-dashboard"),
)
TOLD = {
    # What differs from compose on purpose: by service and variable, the value on Kubernetes.
    (
        "driver-bridge",
        "LAPWING_INFERENCE_URL",
    ): "http://balancer:8000",  # as docker-compose.scale.yml
    ("balancer", "INFERENCE_REPLICAS"): "inference-replicas.lapwing.svc.cluster.local:8000",
    ("balancer", "BRIDGE_REPLICAS"): "driver-bridge-replicas.lapwing.svc.cluster.local:4567",
}
SECRETS = {
    "LAPWING_API_TOKEN": ("lapwing-api", "token"),
    "LAPWING_REDIS_PASSWORD": ("lapwing-redis", "operator"),
}


class ComposeLoader(yaml.SafeLoader):
    """Reads the tag of Compose that empties a list."""


ComposeLoader.add_constructor("!reset", lambda loader, node: [])


def read(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def compose() -> dict[str, dict[str, Any]]:
    """Return the services of compose that run for long, with the balancer of the override."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scale = yaml.load((ROOT / "docker-compose.scale.yml").read_text(), ComposeLoader)
    services["balancer"] = scale["services"]["balancer"]
    return {
        name: service
        for name, service in services.items()
        if service.get("profiles", ["cli"]) in (["cli"], ["observe"])
    }


DOCUMENTS = [document for path in FILES for document in read(path)]
BASE = [document for path in FILES if path.parent == FOLDER for document in read(path)]
COMPOSE = compose()


def workload(name: str) -> dict[str, Any]:
    (found,) = [
        document
        for document in BASE
        if document["kind"] in WORKLOADS and document["metadata"]["name"] == name
    ]
    return dict(found["spec"])


def pod(name: str) -> dict[str, Any]:
    return dict(workload(name)["template"]["spec"])


def container(name: str) -> dict[str, Any]:
    (found,) = pod(name)["containers"]
    return dict(found)


def size(text: str) -> int:
    """Return the bytes of a size of compose (1g, ${X:-1g}) or of Kubernetes (1Gi)."""
    bare = re.sub(r"\$\{\w+:-(.*)\}", r"\1", text)
    number, unit = re.fullmatch(r"(\d+)([kmgKMG])(?:i|b)?", bare).groups()  # type: ignore[union-attr]
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit.lower()]


def check(document: dict[str, Any]) -> None:
    """Validate a document by its schema; RayCluster's pods by that of Kubernetes."""
    if document["kind"] != "RayCluster":
        kubernetes_validate.validate(document, VERSION, strict=True)
        return
    jsonschema.Draft202012Validator(RAY_SCHEMA).validate(document)
    groups = [document["spec"]["headGroupSpec"], *document["spec"]["workerGroupSpecs"]]
    for group in groups:
        template = {"metadata": {"name": "x"}, **group["template"]}
        check({"apiVersion": "v1", "kind": "Pod", **template})


@pytest.mark.parametrize("path", FILES, ids=label)
def test_a_manifest_is_valid(path: Path) -> None:
    for document in read(path):
        if path.name != "evaluator.yaml":  # a patch lacks what it does not change
            check(document)


def test_the_patched_evaluator_is_valid() -> None:
    """The patch is merged by hand here as a strategic merge does, by the names of lists' items."""
    (patch,) = read(FOLDER / "cluster/evaluator.yaml")
    (whole,) = [d for d in copy.deepcopy(BASE) if d["metadata"]["name"] == "evaluator"]
    spec, change = (d["spec"]["template"]["spec"] for d in (whole, patch))
    (one,), (other,) = spec["containers"], change["containers"]
    assert one["name"] == other["name"]
    added = {item["name"] for key in ("env", "volumeMounts") for item in other[key]}
    assert not added & {item["name"] for key in ("env", "volumeMounts") for item in one[key]}
    for key in ("env", "volumeMounts"):
        one[key] += other[key]
    one |= {key: other[key] for key in ("image", "command")}
    spec["volumes"] += change["volumes"]
    check(whole)
    mounted = {mount["name"] for mount in one["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "Service", "RayCluster"])
def test_a_misspelt_field_is_found(kind: str) -> None:
    document = copy.deepcopy(next(d for d in DOCUMENTS if d["kind"] == kind))
    document["spec"]["replicaz"] = 1
    with pytest.raises(jsonschema.ValidationError, match="replicaz"):
        check(document)


def test_a_misspelt_field_of_a_ray_pod_is_found() -> None:
    document = copy.deepcopy(next(d for d in DOCUMENTS if d["kind"] == "RayCluster"))
    document["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["imagee"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="imagee"):
        check(document)


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "cluster"], ids=label)
def test_every_manifest_is_applied(folder: Path) -> None:
    (listed,) = read(folder / "kustomization.yaml")
    patches = [patch["path"] for patch in listed.get("patches", [])]
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {*listed["resources"], *patches} - {".."}


def test_kubernetes_has_the_services_of_compose() -> None:
    made = {d["metadata"]["name"] for d in BASE if d["kind"] in WORKLOADS}
    assert made == set(COMPOSE) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_the_variables_are_those_of_compose(name: str) -> None:
    expected = dict(COMPOSE[name].get("environment", {}))
    expected |= {variable: value for (one, variable), value in TOLD.items() if one == name}
    entries = {entry["name"]: entry for entry in container(name).get("env", [])}
    assert set(entries) == set(expected)
    for variable, value in expected.items():
        entry = entries[variable]
        if variable in SECRETS:
            reference = entry["valueFrom"]["secretKeyRef"]
            assert (reference["name"], reference["key"]) == SECRETS[variable]
        elif "${" in value:
            reference = entry["valueFrom"]["configMapKeyRef"]
            assert (reference["name"], reference["key"]) == ("lapwing-settings", variable)
        else:
            assert entry["value"] == value


@pytest.mark.parametrize("name", SERVICES)
def test_the_command_the_limits_and_the_volumes_are_those_of_compose(name: str) -> None:
    one, service = container(name), COMPOSE[name]
    if name != "cli":  # in compose it runs one command and ends, here it waits for commands
        assert one.get("command") == service.get("command")
    for bound in ("requests", "limits"):
        assert size(one["resources"][bound]["memory"]) == size(service["mem_limit"])
    volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
    memory = {f"/tmp:size={size(volumes['tmp']['emptyDir']['sizeLimit']) >> 20}m"}
    assert memory == set(service["tmpfs"])
    assert volumes["tmp"]["emptyDir"]["medium"] == "Memory"
    if "shm_size" in service:
        assert size(volumes["shm"]["emptyDir"]["sizeLimit"]) == size(service["shm_size"])
    mounts = {
        (mount["mountPath"], mount.get("readOnly", False))
        for mount in one["volumeMounts"]
        if mount["mountPath"] not in ("/tmp", "/dev/shm", "/recordings")
    }
    in_compose = {
        (path, bool(mode) or path.startswith("/secrets"))  # a Secret is read-only everywhere
        for _, path, *mode in (volume.split(":") for volume in service.get("volumes", []))
    }
    assert mounts == in_compose
    grace = service.get("stop_grace_period")
    if grace:
        assert f"{pod(name)['terminationGracePeriodSeconds']}s" == grace


@pytest.mark.parametrize("name", SERVICES)
def test_the_probes_are_the_health_check_of_compose(name: str) -> None:
    one, health = container(name), COMPOSE[name]["healthcheck"]
    if health.get("disable"):
        assert not {"livenessProbe", "readinessProbe", "startupProbe"} & set(one)
        return
    asked = " ".join(health["test"])
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = one[kind]
        assert f"{probe['timeoutSeconds']}s" == health.get("timeout")
        assert f"{probe['periodSeconds']}s" == health.get("interval")
        if "httpGet" in probe:
            path = "/readyz" if (name, kind) in READY else re.search(r":\d+(/\S*)'", asked)[1]  # type: ignore[index]
            assert probe["httpGet"]["path"] == path
            assert f":{probe['httpGet']['port']}/" in asked
        else:
            assert " ".join(probe["exec"]["command"]).removeprefix("sh -c ") in asked
    started = one["startupProbe"]
    patience = started["periodSeconds"] * started["failureThreshold"]
    assert patience >= 2 * int(health["start_period"].rstrip("s"))


READY = {("inference", "readinessProbe"), ("driver-bridge", "readinessProbe")}


def pods() -> list[tuple[str, dict[str, Any]]]:
    found = [(name, pod(name)) for name in SERVICES]
    (ray,) = [d["spec"] for d in DOCUMENTS if d["kind"] == "RayCluster"]
    for name, group in (("head", ray["headGroupSpec"]), ("node", ray["workerGroupSpecs"][0])):
        found.append((f"ray-{name}", group["template"]["spec"]))
    return found


@pytest.mark.parametrize(("name", "spec"), pods(), ids=[name for name, _ in pods()])
def test_a_pod_is_confined(name: str, spec: dict[str, Any]) -> None:
    """As tests/test_compose.py asks of the containers of compose."""
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False
    # The head's autoscaler asks the Kubernetes API for nodes.
    assert spec.get("automountServiceAccountToken") is (None if name == "ray-head" else False)
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    (one,) = spec["containers"]
    assert one["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert one["resources"]["limits"]["memory"]
    target = one["image"].removeprefix("lapwing-")
    assert re.search(
        rf"^FROM \S+ AS {target}$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    ) or (target == "cluster")


def test_no_secret_is_written_down_and_no_port_of_ray_is_published() -> None:
    assert not [d for d in DOCUMENTS if d["kind"] == "Secret"]
    kinds = {d["spec"].get("type", "ClusterIP") for d in DOCUMENTS if d["kind"] == "Service"}
    assert kinds == {"ClusterIP"}
    (ray,) = [d["spec"] for d in DOCUMENTS if d["kind"] == "RayCluster"]
    assert ray["authOptions"] == {"mode": "token", "secretName": "lapwing-ray"}
    assert ray["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert ray["headGroupSpec"]["rayStartParams"]["dashboard-host"] == "127.0.0.1"
    assert ray["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert [group["minReplicas"] for group in ray["workerGroupSpecs"]] == [0]
    locked = (ROOT / "requirements/cluster.lock").read_text()
    assert f"\nray=={ray['rayVersion']} " in locked


def selects(selector: dict[str, Any], name: str) -> bool:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "lapwing"}
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )


def allowed(source: str, target: str, port: int) -> bool:
    """Tell whether the network policies let a pod connect to another one, as Kubernetes decides."""
    policies = [d["spec"] for d in DOCUMENTS if d["kind"] == "NetworkPolicy"]

    def passes(here: str, there: str, direction: str, side: str) -> bool:
        mine = [
            policy
            for policy in policies
            if selects(policy["podSelector"], here) and direction in policy["policyTypes"]
        ]
        rules = [rule for policy in mine for rule in policy.get(direction.lower(), [])]
        return not mine or any(
            (
                side not in rule
                or any(selects(p["podSelector"], there) for p in rule[side] if "podSelector" in p)
            )
            and (
                "ports" not in rule
                or any(p["port"] <= port <= p.get("endPort", p["port"]) for p in rule["ports"])
            )
            for rule in rules
        )

    return passes(source, target, "Egress", "to") and passes(target, source, "Ingress", "from")


NEEDED = {
    *((name, "redis", 6379) for name in SERVICES if "LAPWING_REDIS_URL" in str(COMPOSE[name])),
    *{("driver-bridge", "balancer", 8000), ("balancer", "inference", 8000)},
    *{("balancer", "driver-bridge", 4567), ("cli", "inference", 8000)},
}


def test_pods_reach_what_they_need_and_nothing_else() -> None:
    ports = {6379: "redis", 8000: "inference", 4567: "driver-bridge", 6006: "tensorboard"}
    reached = {
        (source, target, port)
        for source in SERVICES
        for target in SERVICES
        for port in ports
        if allowed(source, target, port)
    }
    entrance = {(name, "balancer", port) for name in SERVICES for port in (8000, 4567)}
    assert reached >= NEEDED
    # Whoever may send may reach the balancer, which is the entrance. Pods of Ray reach each other.
    assert (
        reached - NEEDED - entrance - {("evaluator", "evaluator", port) for port in ports} == set()
    )
    assert allowed("evaluator", "ray-head", 6379)
    assert allowed("ray-node", "evaluator", 20_000)
    assert not any(
        allowed(name, "ray-head", 6379) for name in ("inference", "driver-bridge", "cli")
    )
    assert not any(allowed("ray-node", name, port) for name in SERVICES[:3] for port in ports)
