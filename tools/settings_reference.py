"""Writes docs/settings.md and .env.example from the settings classes and docker-compose.yml.

python tools/settings_reference.py           write both files
python tools/settings_reference.py --check   exit 1 and name those that are not fresh
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import contract.models.mirror
import contract.storage.storage_settings
import driver_bridge.settings
import evaluator.settings
import inference.settings
import ingest.settings
import lapwing.settings
import trainer.settings
from contract.settings import Variable, variables

ROOT: Final = Path(__file__).resolve().parent.parent
COMPOSE: Final = ROOT / "docker-compose.yml"

# The command line comes first: `lapwing up` hands its values to the services.
CLASSES: Final[dict[str, type]] = {
    "the command line": lapwing.settings.Settings,
    "ingest": ingest.settings.Settings,
    "the trainer": trainer.settings.Settings,
    "the evaluator": evaluator.settings.Settings,
    "inference": inference.settings.Settings,
    "the bridge": driver_bridge.settings.Settings,
    "whatever opens stores and versions": contract.storage.storage_settings.StorageSettings,
    "the mirror": contract.models.mirror.MirrorSettings,
}

INTERNAL: Final = {
    "LAPWING_COMMAND": "the name under which a command shows its own help",
    "LAPWING_WORKER_PID": "the process of the worker with which a job ends",
}
"""Variables with which Lapwing's programs call each other; nobody else sets them."""


def other(name: str, values: str, default: str, description: str) -> Variable:
    """Return a variable that no settings class reads."""
    return Variable(name, description, values, default, required=False, formerly="")


PORT: Final = "a whole number from 1 to 65535"
OF_COMPOSE: Final = [
    other(
        "LAPWING_BIND",
        "an IP address",
        "127.0.0.1",
        "Inference and the bridge are published on this address of the host; 0.0.0.0 lets other "
        "machines connect.",
    ),
    other(
        "LAPWING_INFERENCE_REPLICAS",
        "a whole number from 1 to 16",
        "2",
        "Behind the balancer of docker-compose.scale.yml, this number of containers of inference "
        "runs.",
    ),
    other(
        "LAPWING_BRIDGE_REPLICAS",
        "a whole number from 1 to 16",
        "2",
        "Behind the balancer of docker-compose.scale.yml, this number of bridges runs.",
    ),
    other(
        "LAPWING_OBSERVE_BIND",
        "an IP address",
        "127.0.0.1",
        "TensorBoard and rq-dashboard are published on this address of the host. They ask for no "
        "password.",
    ),
    other(
        "LAPWING_TENSORBOARD_PORT",
        PORT,
        "6006",
        "TensorBoard is published on this port of the host.",
    ),
    other(
        "LAPWING_DASHBOARD_PORT",
        PORT,
        "9181",
        "The page of rq-dashboard is published on this port of the host.",
    ),
    other(
        "LAPWING_REDIS_PASSWORD",
        "text",
        "",
        "This is the password of Redis's user `default`, who may do everything there, for work by "
        "hand; empty means that there is no such user. The services are users of their own, whose "
        "passwords the first start makes and keeps.",
    ),
]
OF_THE_CLUSTER: Final = [
    other(
        "LAPWING_NODE_CPUS",
        "a whole number",
        "1",
        "A node of the cluster makes this number of drives at the same time.",
    ),
    other(
        "LAPWING_NODE_MEMORY",
        "a size such as 512m or 2g",
        "2g",
        "A node of the cluster may use this much memory; a drive needs 340 MiB, and Ray 400 MiB.",
    ),
    other(
        "LAPWING_NODE_STORE_BYTES",
        "a whole number",
        "268435456",
        "The head and each node of the cluster keep at most this number of bytes in their shared "
        "memory, which must be less than the `shm_size` of docker-compose.cluster.yml.",
    ),
]
OF_NODES_BY_HAND: Final = [
    other(
        "LAPWING_NODE_ADDRESS",
        "an IP address",
        "",
        "A head or a node that containers/start-ray.sh starts announces this address; empty means "
        "that of the container, or the one from which it reaches the head.",
    ),
]
OF_THE_SIMULATOR: Final = [
    other(
        "LAPWING_BRIDGE_URL",
        "a ws:// address",
        "ws://127.0.0.1:4567",
        "`python -m simulator drive` and `replay` connect to the bridge at this address; "
        "`lapwing sim` derives it from LAPWING_BRIDGE_PORT.",
    ),
]
OF_TESTS: Final = [
    other(
        "LAPWING_SHARED",
        "a path",
        "../shared",
        "Tests and benchmarks read real recordings from this folder; where there is none, the "
        "tests make their own.",
    ),
    other(
        "LAPWING_SOAK_S",
        "a number",
        "",
        "Each test of `make soak` runs for this many seconds; empty means its own time.",
    ),
    other(
        "LAPWING_TRIALS",
        "a number",
        "1",
        "The tests of the reliability matrix run this share of their trials; only 1 gives figures.",
    ),
    other(
        "LAPWING_TRIALS_SEED",
        "text",
        "14",
        "The tests of the reliability matrix draw their random moments and faults from this seed.",
    ),
    other(
        "LAPWING_FIGURES",
        "a path",
        "lapwing-data/reliability.jsonl",
        "Each test of the reliability matrix appends its figures to this file.",
    ),
]


@dataclass(frozen=True)
class Entry:
    """A variable and the programs that read it in the same way."""

    variable: Variable
    readers: tuple[str, ...]


def collect() -> list[Entry]:
    """Return what the settings classes read; a variable with two defaults has two entries."""
    readers: dict[Variable, list[str]] = {}
    for reader, cls in CLASSES.items():
        for variable in variables(cls):
            readers.setdefault(variable, []).append(reader)
    return [Entry(variable, tuple(names)) for variable, names in readers.items()]


def in_containers(name: str, compose: str) -> str:
    """Say what docker-compose.yml does with a variable."""
    if re.search(rf":\$\{{{name}[^}}]*\}}:[0-9]+\"", compose):
        return "from `.env`: the port of the host"
    if f"${{{name}" in compose:
        return "from `.env`"
    values = sorted(set(re.findall(rf"^ +{name}: (\S+)$", compose, re.MULTILINE)))
    return ", ".join(f"`{value}`" for value in values) or "the default"


def table(rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table; the first row is its heading."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""]


def row(variable: Variable, compose: str, readers: tuple[str, ...] = ()) -> list[str]:
    """Return the cells of a variable: its name, readers, values, default, containers, sentence."""
    default = f"`{variable.default}`" if variable.default else "empty"
    words = variable.description
    if variable.formerly:
        words += f" Its former name, {variable.formerly}, works for one release more."
    cells = [f"`{variable.name}`", variable.values, default]
    if readers:
        cells.insert(1, ", ".join(readers))
    if compose:
        cells.append(in_containers(variable.name, compose))
    return [*cells, words]


def reference(compose: str) -> str:
    """Return the text of docs/settings.md."""
    entries = collect()
    readers_of: dict[str, set[str]] = {}
    for entry in entries:
        readers_of.setdefault(entry.variable.name, set()).update(entry.readers)
    head = ["variable", "takes", "default", "in containers", "meaning"]
    lines = [
        "# Settings",
        "",
        "<!-- Written by tools/settings_reference.py (`make settings`). Do not edit. -->",
        "",
        "Lapwing is configured by environment variables. An empty variable counts as not set. A",
        "value that cannot be used ends the program at its start, with a message that names the",
        "variable, the value and what would be accepted.",
        "",
        "- **In containers**, write them into a file `.env` beside `docker-compose.yml`: copy",
        "  `.env.example`. The column *in containers* says which variables are taken from there,",
        "  and which ones `docker-compose.yml` sets itself.",
        "- **Without Docker**, set them for `lapwing up`: `set -a; . ./.env; set +a; lapwing up`.",
        "",
        "## Read by several programs",
        "",
        *table(
            [[*head[:1], "read by", *head[1:]]]
            + [
                row(entry.variable, compose, entry.readers)
                for entry in sorted(entries, key=lambda entry: entry.variable.name)
                if len(readers_of[entry.variable.name]) > 1
            ]
        ),
    ]
    for reader in CLASSES:
        own = [entry for entry in entries if readers_of[entry.variable.name] == {reader}]
        lines += [f"## Read by {reader}", ""]
        lines += table([head] + [row(entry.variable, compose) for entry in own])
    lines += ["## Read by the simulator", ""]
    lines += table([head] + [row(variable, compose) for variable in OF_THE_SIMULATOR])
    lines += [
        "## Read by docker compose",
        "",
        "These configure the containers themselves; `lapwing up` does not read them.",
        "",
        *table([head[:3] + head[4:]] + [row(variable, "") for variable in OF_COMPOSE]),
        "Those of `docker-compose.cluster.yml` ([cluster.md](cluster.md)) are configured by these.",
        "",
        *table(
            [head[:3] + head[4:]]
            + [row(variable, "") for variable in (*OF_THE_CLUSTER, *OF_NODES_BY_HAND)]
        ),
        "## Read by tests and benchmarks",
        "",
        *table([head[:3] + head[4:]] + [row(variable, "") for variable in OF_TESTS]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def example(compose: str) -> str:
    """Return the text of .env.example: every variable once, as a comment."""
    first: dict[str, Variable] = {}
    for entry in collect():
        first.setdefault(entry.variable.name, entry.variable)
    everywhere = [variable for variable in first.values() if f"${{{variable.name}" in compose]
    local = [variable for variable in first.values() if variable not in everywhere]
    lines = [
        "# Settings of Lapwing. All of them are optional: copy this file to .env and change that.",
        "# docker compose reads .env itself; for `lapwing up`: set -a; . ./.env; set +a",
        "# docs/settings.md tells more. Both are written by tools/settings_reference.py.",
    ]
    for title, group in (
        ("For containers and for `lapwing up`", everywhere),
        ("For containers alone", [*OF_COMPOSE, *OF_THE_CLUSTER, *OF_NODES_BY_HAND]),
        ("For `lapwing up` and the command line alone", [*local, *OF_THE_SIMULATOR]),
        ("For tests and benchmarks", OF_TESTS),
    ):
        lines += ["", f"# --- {title} ---"]
        for variable in group:
            words = variable.description
            if variable.values not in ("text", "a path"):
                words += f" It takes {variable.values}."
            lines += ["", *textwrap.wrap(words, 98, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"#{variable.name}={variable.default}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run the command of the module's docstring; return the exit status."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    compose = COMPOSE.read_text()
    texts = {ROOT / "docs/settings.md": reference(compose), ROOT / ".env.example": example(compose)}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if arguments:
            print(f"{path.relative_to(ROOT)} is not what the settings classes say: make settings")
        else:
            path.write_text(texts[path])
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
