"""The rounds of `lapwing dagger`: drive and relabel, import, train, let the gate judge, evaluate.

Source: Ross, Gordon, Bagnell 2011, A Reduction of Imitation Learning and Structured Prediction to
No-Regret Online Learning, AISTATS, arXiv 1011.0686, algorithm 3.1. Its first iteration, in which
the expert drives, is the recordings that there are; so in round n the expert drives with a
probability of beta to the power n, and by default, as in the paper's own experiments, not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from rich.console import Console
from rich.table import Table

from contract.jobs import queue
from contract.models.registry import ModelManifest
from contract.recordings import dagger_names
from lapwing.dagger.state import Campaign

STARTS_SEED: Final = 1000
"""Plus the round: of the starts that are learnt from, which are not those of the evaluation."""
PERFECT: Final = 100.0

Intervals = dict[str, dict[str, float]]
"""By condition: mean, low and high of the autonomy, percent."""


@dataclass(frozen=True)
class Round:
    """What came of one round; round 0 is the version that was there."""

    round: int
    version: int
    collected: dict[str, Any] | None
    """conditions, rows, interventions and apart_mean (|model - expert|) of the drives of the
    version before."""
    rows: int
    """In all recordings that the version was trained on."""
    validation_mse: float
    """On other rows in each round: the validation rows of all its recordings."""
    autonomy: Intervals
    gate: dict[str, Any] | None
    """version, accepted, why and against; None where nothing was judged."""


@dataclass(frozen=True)
class Door:
    """Where jobs are queued, and who is told of them."""

    work: Campaign
    connection: Redis
    console: Console

    def step(
        self, name: str, kind: str, arguments: dict[str, Any], job: str | None = None
    ) -> dict[str, Any]:
        """Return the result of a step; see Campaign.step."""
        return self.work.step(name, kind, arguments, self.connection, self.console, job)


def run(begun: ModelManifest, door: Door) -> list[Round]:
    """Go through all rounds, and return them.

    Args:
        begun: of the version that drives first.
        door: with the campaign's terms.

    Raises:
        JobError: a job failed; what ended before it is kept.
    """
    terms = door.work.terms
    datasets = [str(each["dataset"]) for each in begun.data]
    rows = sum(int(str(each["rows"])) for each in begun.data)
    mse = begun.metrics["validation_mse"]
    found = [Round(0, begun.version, None, rows, mse, _evaluated(0, begun.version, door), None)]
    for number in range(1, terms["rounds"] + 1):
        before = found[-1]
        aim = terms["aim"] or weakest(before.autonomy)
        name = dagger_names.dataset_name(begun.version, number)
        arguments = {
            "version": before.version,
            "name": name,
            "track": terms["track"],
            "conditions": aim,
            "starts": terms["starts"],
            "rows": terms["rows"],
            "beta": terms["beta"] ** number,
            "seed": STARTS_SEED + number,
        }
        collected = door.step(f"r{number}-collect", queue.COLLECT, arguments)["collected"]
        # The inbox is both workers' own, so nothing is copied; the import removes the recording.
        arguments = {"source": collected["folder"], "name": name, "staged": True}
        imports = door.step(f"r{number}-ingest", queue.INGEST, arguments)["imports"]
        datasets += [each["dataset"] for each in imports]
        rows += sum(each["rows"] for each in imports)
        trained = door.step(f"r{number}-train", queue.TRAIN, training(begun, datasets, terms))
        version = int(trained["version"])
        verdict = None
        if trained["gate"]:
            arguments = {"version": version}
            judged = door.step(f"r{number}-gate", queue.GATE, arguments, job=trained["gate"])
            verdict = judged["gate"]
        found.append(
            Round(
                number,
                version,
                {key: collected[key] for key in ("rows", "interventions", "apart_mean")}
                | {"conditions": aim},
                rows,
                trained["metrics"]["validation_mse"],
                _evaluated(number, version, door),
                verdict,
            )
        )
    return found


def training(
    begun: ModelManifest, datasets: Sequence[str], terms: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a training as that of a version was, on other recordings.

    A split that `auto` chose stays one by blocks: with the fifth recording `auto` would hold whole
    recordings out of the training, a lap of the expert's or a round among them.
    """
    config = dict(begun.config)
    if config.get("split") == "auto":
        config["split"] = "blocks"
    if terms["epochs"]:
        config["epochs"] = terms["epochs"]
    return {"datasets": list(datasets), **config}


def weakest(autonomy: Intervals) -> list[str]:
    """Return the condition of the lowest autonomy; all of them where none is below 100 %."""
    least = min(autonomy, key=lambda name: autonomy[name]["mean"])
    return list(autonomy) if autonomy[least]["mean"] >= PERFECT else [least]


def _evaluated(number: int, version: int, door: Door) -> Intervals:
    terms = door.work.terms
    arguments = {
        "version": version,
        "track": terms["track"],
        "starts": terms["starts"],
        "laps": terms["laps"],
        "conditions": terms["conditions"],
        "film": False,
    }
    result = door.step(f"r{number}-evaluate", queue.EVALUATE, arguments)["evaluation"]
    return {
        each["condition"]: {
            name: float(each["measures"]["autonomy_percent"][name])
            for name in ("mean", "low", "high")
        }
        for each in result["conditions"]
    }


def table(rounds: Sequence[Round]) -> Table:
    """Return the table of all rounds."""
    names = list(rounds[0].autonomy)
    shown = Table(
        "round",
        "version",
        "learnt under",
        "rows added",
        "rows",
        "val MSE",
        *names,
        "gate",
        box=None,
        title="autonomy % (95 % interval) by condition",
    )
    for each in rounds:
        extra = each.collected or {}
        shown.add_row(
            str(each.round),
            str(each.version),
            ", ".join(extra.get("conditions", [])),
            f"{extra['rows']:,}" if extra else "",
            f"{each.rows:,}",
            f"{each.validation_mse:.4f}",
            *(_interval(each.autonomy[name]) for name in names),
            _verdict(each.gate),
        )
    return shown


def _interval(autonomy: dict[str, float]) -> str:
    return f"{autonomy['mean']:.1f} ({autonomy['low']:.0f}-{autonomy['high']:.0f})"


def _verdict(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return ""
    return "[green]accepted[/]" if gate["accepted"] else "[red]refused[/]"
