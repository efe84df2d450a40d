"""The settings of the evaluator, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass

from contract.settings import ClusterSettings, DataSettings, ModelSettings, QueueSettings, setting


@dataclass(frozen=True)
class Settings(ClusterSettings, ModelSettings, DataSettings, QueueSettings):
    """The settings of the evaluator; docs/settings.md lists them."""

    drivers: int = setting(
        "LAPWING_EVALUATION_DRIVERS",
        0,
        "The evaluator drives in this number of processes at the same time; 0 means one for each "
        "core, as far as its memory goes.",
        minimum=0,
        maximum=64,
    )
    gate_track: str = setting(
        "LAPWING_GATE_TRACK",
        "lake",
        "The gate has versions drive on this track of the simulator: lake, jungle, or random: and "
        "a seed, such as random:7.",
    )
    gate_pairs: int = setting(
        "LAPWING_GATE_PAIRS",
        128,
        "The gate compares at most this number of pairs of drives, and stops as soon as they "
        "decide. Of two equal versions it needs about 70; with fewer than 64 it accepts only a "
        "version that is clearly better.",
        minimum=8,
        maximum=800,
    )
