"""Tests drives with black pictures: the clocks, the answers and the interventions."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from support.data.roads import circle, straight
from support.services import answering, scripted
from support.services.driving import bridge
from support.services.scripted import Peer

from contract.errors import ServiceError
from simulator.command import Command
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import ExpertDriver
from simulator.episode.monitor import DriveMonitor
from simulator.episode.runner import EpisodeDriver, EpisodeRunner, Observation
from simulator.episode.trajectory import Trajectory
from simulator.rendering.camera import Picture
from simulator.track.geometry import Pose, Track
from simulator.unity.connection import UnityConnection
from simulator.unity.number_format import find_locale
from simulator.world import World


class DarkCamera:
    """A camera whose pictures are black."""

    def render(self, pose: Pose, side: str = "center") -> Picture:
        return np.zeros((160, 320, 3), np.uint8)


class ChangedDriver:
    """A driver whose answers are changed."""

    def __init__(self, driver: ExpertDriver, change: Callable[[Command], Command]) -> None:
        self._driver = driver
        self._change = change

    @property
    def ready(self) -> bool:
        return self._driver.ready

    @property
    def waiting(self) -> int:
        return self._driver.waiting

    def ask(self, jpeg: bytes, world: World) -> None:
        self._driver.ask(jpeg, world)

    def answer(self, timeout_s: float) -> Command | None:
        command = self._driver.answer(timeout_s)
        return None if command is None else self._change(command)


def expert_driver(track: Track, mph: float = 20.0) -> ExpertDriver:
    return ExpertDriver(Expert(track, DrivingStyle(mph=mph, weave_m=0.0, tremor=0.0), 1))


def mirror(command: Command) -> Command:
    return Command(command.manual, -command.steering, command.throttle)


def run(
    track: Track,
    driver: EpisodeDriver,
    *,
    realtime: bool = False,
    delay_s: float = 0.0,
    laps: float = 1.0,
    limit_s: float = 60.0,
    observations: list[Observation] | None = None,
) -> Trajectory:
    world = World(track, 0.0, 1, track.lane_m)
    monitor = DriveMonitor(track, 1, laps, world.position, limit_s)
    on_frame = observations.append if observations is not None else lambda observation: None
    drive = EpisodeRunner(world, DarkCamera(), driver, monitor, delay_s, on_frame)
    if realtime:
        drive.run_realtime()
    else:
        drive.run_lock_step()
    return monitor.trajectory()


def test_the_expert_needs_no_intervention() -> None:
    trajectory = run(circle(40), expert_driver(circle(40)))
    assert trajectory.complete
    assert trajectory.interventions == ()


def test_a_car_without_steering_leaves_the_road_and_is_put_back() -> None:
    track = circle(40)
    observations: list[Observation] = []
    driver = ExpertDriver(Expert(track, DrivingStyle(), 1), steering=0.0)
    trajectory = run(track, driver, limit_s=30, observations=observations)
    assert len(trajectory.interventions) >= 2
    index = next(number for number, observation in enumerate(observations) if observation.note)
    assert observations[index].note == "left the road: put back"
    assert abs(observations[index].lateral_m) < 0.1
    assert observations[index].speed_mph < 2


def test_mirrored_steering_fails() -> None:
    trajectory = run(circle(40), ChangedDriver(expert_driver(circle(40)), mirror), limit_s=30)
    assert len(trajectory.interventions) >= 2


def test_a_late_answer_increases_the_lateral_error() -> None:
    track = circle(14)
    largest_errors_m = [
        np.abs(run(track, expert_driver(track), delay_s=delay_s).lane_error_m).max()
        for delay_s in (0.0, 0.2, 0.4)
    ]
    assert largest_errors_m[0] < largest_errors_m[1] < largest_errors_m[2]


def test_a_standing_car_is_put_back_until_the_time_limit() -> None:
    idle = ChangedDriver(expert_driver(circle(40)), lambda command: Command(False, 0.0, 0.0))
    trajectory = run(circle(40), idle, limit_s=12)
    assert [event.reason for event in trajectory.interventions] == ["stalled", "stalled"]
    assert trajectory.elapsed_s == pytest.approx(12.0, abs=0.02)


def test_a_standing_car_that_is_told_to_brake_drives_backwards() -> None:
    """The reverse gear takes it 5 m back in 2.6 s: 5 m = ½ · 1.58 m/s² · t², and some drag."""
    brake = ChangedDriver(expert_driver(circle(40)), lambda command: Command(False, 0.0, -1.0))
    trajectory = run(circle(40), brake, limit_s=4)
    (event,) = trajectory.interventions
    assert event.reason == "drove backwards"
    assert event.time_s == pytest.approx(2.6, abs=0.1)
    assert trajectory.speed_mps.min() < -3


def fixed_policy(packets: list[str]) -> Callable[[Peer], None]:
    """Return a script that answers by the number of the packet and ignores the pictures."""

    def script(peer: Peer) -> None:
        while text := peer.hear():
            packets.append(text)
            if text.startswith("42"):
                steering = 0.05 * np.sin(len(packets) / 9)
                peer.say(f'42["steer",{{"steering_angle":"{steering:.4f}","throttle":"0.3"}}]')

    return script


def test_equal_policies_receive_equal_bytes() -> None:
    runs: list[list[str]] = []
    for _ in range(2):
        packets: list[str] = []
        with scripted.bridge(fixed_policy(packets)) as url:
            connection = UnityConnection(url, find_locale("en-US"))
            run(straight(60), connection)
            connection.close()
        runs.append(packets)
    assert len(runs[0]) > 100
    assert runs[0] == runs[1]


def test_a_real_bridge_gives_bit_identical_drives() -> None:
    """Two loops become one at the same telemetry, and the controller counts telemetries."""
    trajectories: list[Trajectory] = []
    for _ in range(2):
        with answering.inference() as inference, bridge(inference.url) as port:
            connection = UnityConnection(f"ws://127.0.0.1:{port}", find_locale("en-US"))
            trajectories.append(run(straight(), connection, limit_s=6.0))
            connection.close()
            assert connection.document()["folded"] == 1
    assert len(trajectories[0].throttle) > 500
    assert trajectories[0].throttle.tobytes() == trajectories[1].throttle.tobytes()
    assert trajectories[0].lane_error_m.tobytes() == trajectories[1].lane_error_m.tobytes()


def test_an_unanswered_telemetry_is_an_error() -> None:
    class Silent(ChangedDriver):
        def answer(self, timeout_s: float) -> Command | None:
            return None

    with pytest.raises(ServiceError, match="was not answered"):
        run(circle(40), Silent(expert_driver(circle(40)), mirror))


def test_manual_driving_keeps_the_last_command() -> None:
    observations: list[Observation] = []
    manual = ChangedDriver(expert_driver(circle(40)), lambda command: Command(True))
    run(circle(40), manual, limit_s=1, observations=observations)
    assert {(observation.steering, observation.throttle) for observation in observations} == {
        (0.0, 0.0)
    }


def test_realtime_takes_as_long_as_the_simulated_time() -> None:
    began = time.monotonic()
    observations: list[Observation] = []
    trajectory = run(
        straight(), expert_driver(straight()), realtime=True, limit_s=1.0, observations=observations
    )
    assert time.monotonic() - began == pytest.approx(trajectory.elapsed_s, abs=0.2)
    assert len(observations) == pytest.approx(15, abs=3)


def test_in_realtime_the_world_continues_while_it_waits_for_an_answer() -> None:
    class Slow(ChangedDriver):
        """A driver whose answers take 0.3 seconds."""

        def __init__(self, driver: ExpertDriver) -> None:
            super().__init__(driver, lambda command: command)
            self._due_s = 0.0

        def ask(self, jpeg: bytes, world: World) -> None:
            super().ask(jpeg, world)
            self._due_s = time.monotonic() + 0.3

        def answer(self, timeout_s: float) -> Command | None:
            remaining_s = self._due_s - time.monotonic()
            time.sleep(max(0.0, min(timeout_s, remaining_s)))
            return super().answer(0.0) if remaining_s <= timeout_s else None

    observations: list[Observation] = []
    trajectory = run(
        straight(),
        Slow(expert_driver(straight())),
        realtime=True,
        limit_s=1.2,
        observations=observations,
    )
    assert 3 <= len(observations) <= 5
    assert trajectory.elapsed_s == pytest.approx(1.2, abs=0.02)
    assert trajectory.throttle[:25].max() == 0.0  # The first answer had not come yet.
    assert trajectory.throttle.max() > 0.5
