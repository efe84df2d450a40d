import numpy as np
from support.data.roads import straight

from lapwing_gym.camera_cache import CAPACITY, CameraCache
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera

TRACK = straight(20.0)


def test_a_world_is_built_once_while_it_is_kept() -> None:
    cameras = CameraCache(TRACK)
    first = cameras.camera(Appearance(seed=0))
    for seed in range(1, CAPACITY):
        cameras.camera(Appearance(seed=seed))
    assert cameras.camera(Appearance(seed=0)) is first
    cameras.camera(Appearance(seed=CAPACITY))  # this takes the place of the world of seed 1
    assert cameras.camera(Appearance(seed=0)) is first
    cameras.close()
    assert cameras.camera(Appearance(seed=0)) is not first
    cameras.close()


def test_a_kept_world_looks_as_a_new_one() -> None:
    cameras = CameraCache(TRACK)
    appearance, pose = Appearance("dusk", 3), TRACK.pose_at(5.0)
    cameras.camera(appearance).render(TRACK.pose_at(15.0, 1.0, 0.3))
    for seed in range(4, 3 + CAPACITY):
        cameras.camera(Appearance("fog", seed)).render(pose)
    kept = cameras.camera(appearance).render(pose)
    cameras.close()
    with Camera(TRACK, appearance) as camera:
        assert np.array_equal(kept, camera.render(pose))
