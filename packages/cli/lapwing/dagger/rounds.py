"""The rounds of `lapwing dagger`: drive and relabel, import, train, compare, evaluate.

Source: Ross, Gordon, Bagnell 2011, A Reduction of Imitation Learning and Structured Prediction to
No-Regret Online Learning, AISTATS, arXiv 1011.0686, algorithm 3.1. In its first iteration the
expert drives: these are the recordings that exist already. In round n the expert drives with a
probability of beta to the power n. By default, as in the paper's own experiments, it does not
drive at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from rich.table import Table
from rich.text import Text

from contract import printing, train_config
from contract.jobs import queue
from contract.models.registry import ModelManifest
from contract.printing import TextConsole
from contract.recordings import reserved_names
from lapwing.dagger.state import DaggerRun

STARTS_SEED: Final = 1000
"""The seed of a round's starts is this plus the round, so that the drives that are learned from
start elsewhere than those of the evaluation."""
PERFECT_PERCENT: Final = 100.0

Autonomies = dict[str, dict[str, float]]
"""Mean, low and high of the autonomy, in percent, for each condition."""


@dataclass(frozen=True)
class Round:
    """The results of one round. Round 0 is the version that the run started with."""

    round: int
    version: int
    collected: dict[str, Any] | None
    """Conditions, rows, interventions and apart_mean (the mean of |model - expert|) of the drives
    of the version before; None in round 0."""
    rows: int
    """Number of rows in all recordings that the version was trained on."""
    validation_mse: float
    """MSE on the validation rows of all these recordings, which are other rows in each round."""
    autonomy: Autonomies
    gate: dict[str, Any] | None
    """The gate's decision: version, accepted, why and against. It is None if there was no gate."""


@dataclass(frozen=True)
class RunContext:
    """What every step of a run needs: the run itself, the queue and the console."""

    dagger_run: DaggerRun
    connection: Redis
    console: TextConsole

    def run_step(
        self, name: str, job_type: str, arguments: dict[str, Any], job_id: str | None = None
    ) -> dict[str, Any]:
        """Return the result of a step, as DaggerRun.run_step does."""
        return self.dagger_run.run_step(
            name, job_type, arguments, self.connection, self.console, job_id
        )


def run_rounds(first: ModelManifest, context: RunContext) -> list[Round]:
    """Carry out all rounds, and return their results.

    Args:
        first: the manifest of the version that drives first.
        context: the run, whose terms say what to do.

    Raises:
        JobError: a job failed. The results of earlier jobs are kept.
    """
    terms = context.dagger_run.terms
    datasets = [str(data["dataset"]) for data in first.data]
    rows = sum(int(str(data["rows"])) for data in first.data)
    autonomy = _evaluate(0, first.version, context)
    mse = first.metrics["validation_mse"]
    rounds = [Round(0, first.version, None, rows, mse, autonomy, None)]
    for number in range(1, terms["rounds"] + 1):
        previous = rounds[-1]
        conditions = terms["aim"] or weakest_conditions(previous.autonomy)
        name = reserved_names.dagger_recording(first.version, number)
        collected = _collect(number, previous.version, name, conditions, context)
        # The inbox belongs to both workers, so nothing is copied. The import removes the recording.
        arguments = {"source": collected["folder"], "name": name, "staged": True}
        imports = context.run_step(f"r{number}-ingest", queue.INGEST, arguments)["imports"]
        datasets += [result["dataset"] for result in imports]
        rows += sum(result["rows"] for result in imports)
        arguments = training_arguments(first, datasets, terms)
        trained = context.run_step(f"r{number}-train", queue.TRAIN, arguments)
        version = int(trained["version"])
        gate = None
        if trained["gate"]:
            step, arguments = f"r{number}-gate", {"version": version}
            gate = context.run_step(step, queue.GATE, arguments, trained["gate"])["gate"]
        rounds.append(
            Round(
                number,
                version,
                {key: collected[key] for key in ("rows", "interventions", "apart_mean")}
                | {"conditions": conditions},
                rows,
                trained["metrics"]["validation_mse"],
                _evaluate(number, version, context),
                gate,
            )
        )
    return rounds


def training_arguments(
    first: ModelManifest, datasets: Sequence[str], terms: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a training like that of the first version, on more recordings.

    A split chosen by `auto` is replaced by a split into blocks. From the fifth recording on, `auto`
    would leave whole recordings out of the training: a lap of the expert, or a round.
    """
    config = train_config.current_names(first.config)
    if config.get("split") == "auto":
        config["split"] = "blocks"
    if terms["epochs"]:
        config["epochs"] = terms["epochs"]
    return {"datasets": list(datasets), **config}


def weakest_conditions(autonomy: Autonomies) -> list[str]:
    """Return the condition with the lowest autonomy, or all conditions if none is below 100 %."""
    weakest = min(autonomy, key=lambda name: autonomy[name]["mean"])
    return list(autonomy) if autonomy[weakest]["mean"] >= PERFECT_PERCENT else [weakest]


def _collect(
    number: int, version: int, name: str, conditions: list[str], context: RunContext
) -> dict[str, Any]:
    """Have a version drive and the expert label its frames; return where the recording is."""
    terms = context.dagger_run.terms
    arguments = {
        "version": version,
        "name": name,
        "track": terms["track"],
        "conditions": conditions,
        "starts": terms["starts"],
        "rows": terms["rows"],
        "beta": terms["beta"] ** number,
        "seed": STARTS_SEED + number,
    }
    result = context.run_step(f"r{number}-collect", queue.COLLECT, arguments)
    collected: dict[str, Any] = result["collected"]
    return collected


def _evaluate(number: int, version: int, context: RunContext) -> Autonomies:
    """Have a version evaluated, and return its autonomy under each condition."""
    terms = context.dagger_run.terms
    arguments = {
        "version": version,
        "track": terms["track"],
        "starts": terms["starts"],
        "laps": terms["laps"],
        "conditions": terms["conditions"],
        "film": False,
    }
    result = context.run_step(f"r{number}-evaluate", queue.EVALUATE, arguments)["evaluation"]
    return {
        condition["condition"]: {
            name: float(condition["measures"]["autonomy_percent"][name])
            for name in ("mean", "low", "high")
        }
        for condition in result["conditions"]
    }


def build_table(rounds: Sequence[Round]) -> Table:
    """Return the table of all rounds."""
    conditions = list(rounds[0].autonomy)
    table = printing.wide_table(
        "round",
        "version",
        "learned under",
        "rows added",
        "rows",
        "val MSE",
        *conditions,
        "gate",
        title="autonomy in % (95 % interval) under each condition",
    )
    for result in rounds:
        collected = result.collected or {}
        table.add_row(
            str(result.round),
            str(result.version),
            ", ".join(collected.get("conditions", [])),
            f"{collected['rows']:,}" if collected else "",
            f"{result.rows:,}",
            f"{result.validation_mse:.4f}",
            *(_format_interval(result.autonomy[condition]) for condition in conditions),
            _format_gate(result.gate),
        )
    return table


def _format_interval(autonomy: dict[str, float]) -> str:
    return f"{autonomy['mean']:.1f} ({autonomy['low']:.0f}-{autonomy['high']:.0f})"


def _format_gate(gate: dict[str, Any] | None) -> Text:
    if gate is None:
        return Text()
    return printing.styled(("accepted", "green") if gate["accepted"] else ("refused", "red"))
