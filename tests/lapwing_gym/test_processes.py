"""Episodes in several processes: the same to the bit, side by side, and freed when closed."""

import hashlib
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

EPISODES = """
import hashlib, sys
import gymnasium, lapwing_gym, numpy as np

env = gymnasium.make(
    "Lapwing/Lake-v0", light="random", direction="random", world_seed=None, vary=True
)
digest = hashlib.sha256()
rng = np.random.default_rng(5)
for seed in (int(sys.argv[1]), None):
    observation, info = env.reset(seed=seed)
    for _ in range(20):
        digest.update(observation.tobytes() + repr(sorted(info.items())).encode())
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        observation, reward, terminated, truncated, info = env.step(action)
        digest.update(np.float64(reward).tobytes() + bytes([terminated, truncated]))
env.close()
print(digest.hexdigest())
"""

CLOSES = """
import psutil
from lapwing_gym.driving_env import DrivingEnv

grown = []
for round in range(8):
    env = DrivingEnv("lake", world_seed=round)
    env.reset(seed=1)
    env.close()
    grown.append(psutil.Process().memory_info().rss / 1e6)
print(grown[-1] - grown[2])
"""


def run(code: str, *arguments: str, hash_seed: str = "0") -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_seed_gives_the_same_episodes_to_the_bit_in_every_process() -> None:
    first = run(EPISODES, "1", hash_seed="1")
    assert run(EPISODES, "1", hash_seed="2") == first
    assert run(EPISODES, "2", hash_seed="1") != first


def test_closing_frees_the_world() -> None:
    """A world of the lake takes about 30 MB while it is open."""
    assert float(run(CLOSES)) < 30


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vectorised_environments_are_the_single_ones_side_by_side(mode: str) -> None:
    context = {"context": "spawn"} if mode == "async" else {}
    arguments = {"size": (40, 80), "light": "random"}
    vector = gymnasium.make_vec(
        "lapwing_gym:Lapwing/Lake-v0",
        num_envs=2,
        vectorization_mode=mode,
        vector_kwargs=context,
        **arguments,
    )
    single = [gymnasium.make("lapwing_gym:Lapwing/Lake-v0", **arguments) for _ in range(2)]
    rng = np.random.default_rng(1)
    pictures, infos = vector.reset(seed=7)
    answers = [env.reset(seed=7 + number) for number, env in enumerate(single)]
    for _ in range(10):
        assert digests(pictures) == digests([answer[0] for answer in answers])
        assert infos["station_m"].tolist() == [answer[-1]["station_m"] for answer in answers]
        assert infos["light"].tolist() == [answer[-1]["light"] for answer in answers]
        actions = rng.uniform(-1, 1, (2, 2)).astype(np.float32)
        pictures, rewards, terminated, _, infos = vector.step(actions)
        answers = [env.step(action) for env, action in zip(single, actions, strict=True)]
        assert rewards.tolist() == [answer[1] for answer in answers]
        assert terminated.tolist() == [False, False]
    for env in (vector, *single):
        env.close()


def digests(pictures: object) -> list[str]:
    return [hashlib.sha256(np.asarray(picture).tobytes()).hexdigest() for picture in pictures]
