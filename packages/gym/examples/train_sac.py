"""Trains an agent of Stable-Baselines3 for 3,000 steps to steer around the lake, by small pictures.

`make gym-example` makes an environment for it and runs it; docs/gymnasium.md says what it learned.
The agent is Soft Actor-Critic (Haarnoja et al. 2018, arXiv 1801.01290).

    python train_sac.py [STEPS] [SEED]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import SAC

import lapwing_gym  # noqa: F401 - importing it registers the environments
from simulator.drivers.expert import throttle_for

SPEED_MPS = 5.0
EVALUATION_EPISODES = 5
EVALUATION_STEPS = 450
"""Steps after which an episode of the evaluation ends: 30 s, in which a car drives 145 m."""


class SteeringOnly(gymnasium.ActionWrapper[Any, Any, Any]):
    """An environment in which the agent steers, and a controller holds the speed."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def action(self, action: Any) -> Any:  # noqa: ANN401 - as the wrapper declares it
        """Return the action with the throttle that holds the speed."""
        throttle = throttle_for(SPEED_MPS, self.unwrapped.world.speed_mps)  # type: ignore[attr-defined]
        return np.array([action[0], throttle], np.float32)


def make_agent(env: gymnasium.Env[Any, Any], seed: int) -> SAC:
    """Return an untrained agent whose networks take all pixels at once."""
    return SAC(
        "MlpPolicy",
        env,
        learning_rate=1e-3,
        learning_starts=200,
        batch_size=64,
        gamma=0.95,
        buffer_size=20_000,
        ent_coef="auto_0.1",
        policy_kwargs={"net_arch": [64, 64]},
        seed=seed,
    )


def evaluate(env: gymnasium.Env[Any, Any], steer: Callable[[Any], Any]) -> str:
    """Return what a driver reaches from the same starts, which no training has seen."""
    returns, metres = [], []
    for seed in range(1000, 1000 + EVALUATION_EPISODES):
        observation, info = env.reset(seed=seed)
        total, ended, steps = 0.0, False, 0
        while not ended and steps < EVALUATION_STEPS:
            observation, reward, terminated, truncated, info = env.step(steer(observation))
            total, ended, steps = total + float(reward), terminated or truncated, steps + 1
        returns.append(total)
        metres.append(info["distance_m"])
    return f"mean return {np.mean(returns):6.1f}, mean distance {np.mean(metres):5.0f} m"


def main(steps: int = 3000, seed: int = 1) -> None:
    """Train, and print what a fixed steering and the trained agent reach."""
    torch.set_num_threads(1)  # The networks are small: more threads would wait for each other.
    env = SteeringOnly(gymnasium.make("Lapwing/Lake-v0", size=(16, 32)))
    agent = make_agent(env, seed)
    print("straight on:", evaluate(env, lambda observation: np.zeros(1, np.float32)))
    began_s = time.process_time()
    agent.learn(total_timesteps=steps)
    seconds = time.process_time() - began_s
    print("trained:    ", evaluate(env, lambda seen: agent.predict(seen, deterministic=True)[0]))
    print(f"{steps} steps, seed {seed}: {seconds:.0f} s of processor time")
    env.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
