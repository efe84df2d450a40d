"""Driving without a picture that matters: the clocks, the answers, and what the judge says."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from support.data.roads import circle, straight
from support.services import answering, scripted
from support.services.driving import bridge
from support.services.scripted import Peer

from contract.errors import ServiceError
from simulator.drivers.expert import Expert, Manner
from simulator.drivers.in_process import Local
from simulator.episode.monitor import Judge
from simulator.episode.runner import Drive, Driver, Sight
from simulator.episode.trajectory import Trace
from simulator.rendering.camera import Picture
from simulator.track.geometry import Pose, Track
from simulator.unity.client import Command
from simulator.unity.connection import Wire
from simulator.unity.number_format import locale
from simulator.world import World


class Blind:
    """A camera that is always dark."""

    def picture(self, pose: Pose, side: str = "center") -> Picture:
        return np.zeros((160, 320, 3), np.uint8)


class Wrapped:
    """A driver whose answers are changed."""

    def __init__(self, driver: Local, change: Callable[[Command], Command]) -> None:
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


def expert(track: Track, mph: float = 20.0) -> Local:
    return Local(Expert(track, Manner(mph=mph, weave_m=0.0, tremor=0.0), 1))


def mirrored(command: Command) -> Command:
    return Command(command.manual, -command.steering, command.throttle)


def driven(
    track: Track,
    driver: Driver,
    *,
    realtime: bool = False,
    delay_s: float = 0.0,
    laps: float = 1.0,
    limit_s: float = 60.0,
    sights: list[Sight] | None = None,
) -> Trace:
    world = World(track, 0.0, 1, track.lane_m)
    judge = Judge(track, 1, laps, world.place, limit_s)
    seen = sights.append if sights is not None else lambda sight: None
    drive = Drive(world, Blind(), driver, judge, delay_s, seen)
    if realtime:
        drive.realtime()
    else:
        drive.lockstep()
    return judge.trace()


def test_the_expert_needs_nobody() -> None:
    trace = driven(circle(40), expert(circle(40)))
    assert trace.complete
    assert trace.interventions == ()


def test_hands_that_never_move_leave_the_road_and_are_put_back_on_it() -> None:
    track = circle(40)
    sights: list[Sight] = []
    straight_on = Local(Expert(track, Manner(), 1), steering=0.0)
    trace = driven(track, straight_on, limit_s=30, sights=sights)
    assert len(trace.interventions) >= 2
    noted = next(number for number, sight in enumerate(sights) if sight.note)
    assert sights[noted].note == "left the road: put back"
    assert abs(sights[noted].lateral_m) < 0.1
    assert sights[noted].speed_mph < 2


def test_mirrored_steering_fails() -> None:
    trace = driven(circle(40), Wrapped(expert(circle(40)), mirrored), limit_s=30)
    assert len(trace.interventions) >= 2


def test_a_late_answer_costs_road() -> None:
    track = circle(14)
    worst = [
        np.abs(driven(track, expert(track), delay_s=delay_s).lane_error_m).max()
        for delay_s in (0.0, 0.2, 0.4)
    ]
    assert worst[0] < worst[1] < worst[2]


def test_a_standing_car_is_put_back_and_the_time_limit_ends_it() -> None:
    brake = Wrapped(expert(circle(40)), lambda command: Command(False, 0.0, -1.0))
    trace = driven(circle(40), brake, limit_s=12)
    assert [each.reason for each in trace.interventions] == ["stalled", "stalled"]
    assert trace.elapsed_s == pytest.approx(12.0, abs=0.02)


def fixed_policy(heard: list[str]) -> Callable[[Peer], None]:
    """Answer by number, whatever is seen."""

    def script(peer: Peer) -> None:
        while text := peer.hear():
            heard.append(text)
            if text.startswith("42"):
                steering = 0.05 * np.sin(len(heard) / 9)
                peer.say(f'42["steer",{{"steering_angle":"{steering:.4f}","throttle":"0.3"}}]')

    return script


def test_the_same_policy_hears_the_same_bytes() -> None:
    runs: list[list[str]] = []
    for _ in range(2):
        heard: list[str] = []
        with scripted.bridge(fixed_policy(heard)) as url:
            wire = Wire(url, locale("en-US"))
            driven(straight(60), wire)
            wire.close()
        runs.append(heard)
    assert len(runs[0]) > 100
    assert runs[0] == runs[1]


def test_a_real_bridge_gives_the_same_drive_to_the_bit() -> None:
    """Two loops become one at the same telemetry, and the controller goes by telemetries."""
    traces: list[Trace] = []
    for _ in range(2):
        with answering.inference() as answers, bridge(answers.url) as port:
            wire = Wire(f"ws://127.0.0.1:{port}", locale("en-US"))
            traces.append(driven(straight(), wire, limit_s=6.0))
            wire.close()
            assert wire.document()["folded"] == 1
    assert len(traces[0].throttle) > 500
    assert traces[0].throttle.tobytes() == traces[1].throttle.tobytes()
    assert traces[0].lane_error_m.tobytes() == traces[1].lane_error_m.tobytes()


def test_a_telemetry_that_nobody_answers_is_an_error() -> None:
    class Silent(Wrapped):
        def answer(self, timeout_s: float) -> Command | None:
            return None

    with pytest.raises(ServiceError, match="was not answered"):
        driven(circle(40), Silent(expert(circle(40)), mirrored))


def test_a_human_at_the_wheel_keeps_the_last_command() -> None:
    sights: list[Sight] = []
    manual = Wrapped(expert(circle(40)), lambda command: Command(True))
    driven(circle(40), manual, limit_s=1, sights=sights)
    assert {(sight.steering, sight.throttle) for sight in sights} == {(0.0, 0.0)}


def test_realtime_takes_the_time_of_the_clock_on_the_wall() -> None:
    began = time.monotonic()
    sights: list[Sight] = []
    trace = driven(straight(), expert(straight()), realtime=True, limit_s=1.0, sights=sights)
    assert time.monotonic() - began == pytest.approx(trace.elapsed_s, abs=0.2)
    assert len(sights) == pytest.approx(15, abs=3)


def test_in_realtime_the_world_goes_on_while_the_answer_is_awaited() -> None:
    class Slow(Wrapped):
        """An answer takes three tenths of a second."""

        def __init__(self, driver: Local) -> None:
            super().__init__(driver, lambda command: command)
            self._due_s = 0.0

        def ask(self, jpeg: bytes, world: World) -> None:
            super().ask(jpeg, world)
            self._due_s = time.monotonic() + 0.3

        def answer(self, timeout_s: float) -> Command | None:
            left = self._due_s - time.monotonic()
            time.sleep(max(0.0, min(timeout_s, left)))
            return super().answer(0.0) if left <= timeout_s else None

    sights: list[Sight] = []
    trace = driven(straight(), Slow(expert(straight())), realtime=True, limit_s=1.2, sights=sights)
    assert 3 <= len(sights) <= 5
    assert trace.elapsed_s == pytest.approx(1.2, abs=0.02)
    assert trace.throttle[:25].max() == 0.0  # the first answer was still on its way
    assert trace.throttle.max() > 0.5
