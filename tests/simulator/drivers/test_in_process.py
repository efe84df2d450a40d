import numpy as np
import pytest
from numpy.typing import NDArray
from support.data import samples
from support.data.roads import circle

from contract.policy.answer import PolicyAnswer, SpeedRange
from contract.vehicle import MPS_PER_MPH
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import ExpertDriver, ModelDriver
from simulator.world import World


def test_it_gives_the_experts_command_once() -> None:
    world = World(circle(30))
    driver = ExpertDriver(Expert(world.track, DrivingStyle(), 1))
    assert driver.ready
    driver.ask(b"", world)
    assert (driver.ready, driver.waiting) == (False, 1)
    command = driver.answer(0.0)
    assert command is not None
    assert (command.steering, command.throttle) == Expert(world.track, DrivingStyle(), 1).command(
        world
    )
    assert driver.answer(0.0) is None
    assert driver.ready


def test_a_fixed_steering_still_holds_the_speed() -> None:
    world = World(circle(30))
    driver = ExpertDriver(Expert(world.track, DrivingStyle(), 1), steering=0.0)
    driver.ask(b"", world)
    command = driver.answer(0.0)
    assert command is not None
    assert command.steering == 0.0
    assert command.throttle > 0


def test_a_model_steers_by_the_picture_and_the_speed_is_held() -> None:
    world, shapes = World(circle(30)), []

    def policy(picture: NDArray[np.uint8]) -> PolicyAnswer:
        shapes.append(picture.shape)
        return PolicyAnswer(-0.25)

    driver = ModelDriver(policy, mph=10)
    driver.ask(samples.jpeg(), world)
    command = driver.answer(0.0)
    assert command is not None
    assert (command.steering, shapes) == (-0.25, [(160, 320, 3)])
    assert command.throttle == 1.0  # The car stands.
    world.place_car(0.0, 0.0, 0.0, 10 * MPS_PER_MPH)
    driver.ask(samples.jpeg(), world)
    command = driver.answer(0.0)
    assert command is not None
    # It overcomes the drag: 0.1/s of 10 mph, with 5.266 m/s² at full throttle.
    assert command.throttle == pytest.approx(0.1 * 4.4704 / 5.266, abs=1e-3)


@pytest.mark.parametrize(
    ("learned_mph", "held_mph"), [(22.0, 22.0), (29.0, 25.0), (2.0, 8.0)], ids=["", "high", "low"]
)
def test_a_learned_speed_is_held_within_its_range(learned_mph: float, held_mph: float) -> None:
    """A car at the speed that is held gets the throttle that overcomes its drag."""
    world = World(circle(30))
    driver = ModelDriver(
        lambda picture: PolicyAnswer(0.0, learned_mph), mph=10, speeds=SpeedRange(8.0, 25.0)
    )
    world.place_car(0.0, 0.0, 0.0, held_mph * MPS_PER_MPH)
    _, throttle = driver.command(samples.jpeg(), world)
    assert throttle == pytest.approx(0.1 * held_mph * MPS_PER_MPH / 5.266, abs=1e-3)


def test_by_default_a_learned_speed_may_be_all_that_the_car_can() -> None:
    world = World(circle(30))
    world.place_car(0.0, 0.0, 0.0, 20 * MPS_PER_MPH)
    driver = ModelDriver(lambda picture: PolicyAnswer(0.0, 30.0))
    assert driver.command(samples.jpeg(), world)[1] == 1.0
