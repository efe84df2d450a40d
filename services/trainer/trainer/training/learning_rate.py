"""Plans the learning rate over the steps of a training.

The schedule is a function of the number of steps, which the optimizer counts and a training saves.
So a resumed training goes on where it was, whatever process computes it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from keras.optimizers.schedules import CosineDecay

from contract.train_config import COSINE, TrainConfig

WARM_UP_SHARE: Final = 0.05
"""Share of the planned steps in which the learning rate rises to its full value.

Adam's estimate of the gradients' size is noise in the first steps (Ma and Yarats 2021, On the
adequacy of untuned warmup for adaptive optimization, arXiv 1910.04209)."""

LearningRate: TypeAlias = float | CosineDecay


def plan(config: TrainConfig, steps_per_epoch: int) -> LearningRate:
    """Return the learning rate of a training, or its schedule.

    With `cosine` it rises in a line from 0, and then falls along half a cosine to 0, which it
    reaches with the last step of the last planned epoch (Loshchilov and Hutter 2017, arXiv
    1608.03983, without restarts). Early stopping ends the training before that.

    Args:
        config: the options of the training.
        steps_per_epoch: number of steps in an epoch.
    """
    if config.learning_rate_schedule != COSINE:
        return config.learning_rate
    steps = config.epochs * steps_per_epoch
    warm_up = round(WARM_UP_SHARE * steps)
    schedule: CosineDecay = CosineDecay(
        0.0 if warm_up else config.learning_rate,
        steps - warm_up,
        warmup_target=config.learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    return schedule
