from roads import circle

from simulator.drivers import Local
from simulator.expert import Expert, Manner
from simulator.world import World


def test_it_answers_once_what_the_expert_would_do() -> None:
    world = World(circle(30))
    driver = Local(Expert(world.track, Manner(), 1))
    assert driver.ready
    driver.ask(b"", world)
    assert (driver.ready, driver.waiting) == (False, 1)
    command = driver.answer(0.0)
    assert command is not None
    assert (command.steering, command.throttle) == Expert(world.track, Manner(), 1).command(world)
    assert driver.answer(0.0) is None
    assert driver.ready


def test_hands_that_never_move_still_hold_the_speed() -> None:
    world = World(circle(30))
    driver = Local(Expert(world.track, Manner(), 1), steering=0.0)
    driver.ask(b"", world)
    command = driver.answer(0.0)
    assert command is not None
    assert command.steering == 0.0
    assert command.throttle > 0
