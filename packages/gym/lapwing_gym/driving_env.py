"""The environment: a car with a camera on a road of Lapwing's simulator."""

from __future__ import annotations

import math
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import error, spaces
from numpy.typing import NDArray

from contract.errors import SettingError
from contract.frames import preprocess
from contract.frames.spec import FrameSpec
from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH, ROW_HZ
from lapwing_gym.camera_cache import CameraCache
from lapwing_gym.reward import step_reward
from lapwing_gym.starts import StartConfig, draw_start, override_start
from simulator.episode.episode import EXTRA_TIME_S, MIN_PROGRESS_MPS
from simulator.episode.initial_state import InitialState
from simulator.episode.monitor import TOLERANCE, DriveMonitor, StepVerdict
from simulator.rendering.appearance import Appearance
from simulator.track.builtin import TRACK_NAMES
from simulator.track.catalog import load_track
from simulator.track.geometry import Track
from simulator.world import World

ACTION_TOLERANCE: Final = 1e-6
"""Amount by which rounding may take a value of an action beyond its bounds."""

Picture = NDArray[np.uint8]
Action = NDArray[np.float32]


class DrivingEnv(gymnasium.Env[Picture, Action]):
    """A drive along a road, seen by the car's centre camera.

    A step is 1/15 s, the time between two pictures of Udacity's simulator.

    Observation
        What the centre camera sees: uint8 RGB of shape (160, 320, 3), or smaller (`size`).

    Action
        float32 of shape (2,), each from −1 to 1: the steering, positive to the right, and the
        throttle. A negative throttle brakes above 5 mph; at and below that it is the reverse gear.
        `gymnasium.wrappers.ClipAction` makes an environment that takes values beyond the bounds.

    Reward
        Metres of road, weighted by how near the car is to the driving line:

            progress · max(0, 1 − |offset| / (width / 2)) − 10 · [the car must be put back]

        The progress is the distance made good along the centre line in this step; if it is
        negative, it counts in full. The offset from the driving line and the width of the road are
        those at the end of the step. A lap exactly on the driving line earns its length.

    End
        `terminated`: the car must be put back, because its origin left the road, because it stood
        for 5 s, or because it came back 5 m. Or an open track has ended.
        `truncated`: the laps of a closed track are done, where the road goes on and the picture
        does not show that the episode ends; or the time is up. The time is that of a drive at
        2 m/s, and 30 s more. So where `truncated` is told, more reward would have followed.

    Info
        `time_s`; `speed_mph`, as telemetry has it, without a sign; `offset_m` from the driving line
        and `heading_rad` relative to the direction of travel, both positive to the driver's left;
        `station_m` on the centre line; `distance_m` made good since the start; `wheel_off_road`;
        `steering` and `throttle` in force; `direction`, `light` and `world_seed` of the episode;
        `reason`, for which the car must be put back, or an empty text.

    The seed of `reset` decides where the episode begins, and whatever else is `random`. The same
    seed and actions give the same episode to the bit, in any process. `reset(options=…)` sets the
    fields of `simulator.episode.initial_state.InitialState` by name, for instance
    `{"station_m": 120.0, "light": "fog"}`.

    Args:
        track: Name of a built-in track, path of a CSV file, or a Track.
        size: Height and width of the observation; a smaller picture is a mean over areas.
        laps: Laps until the episode ends; it may be a fraction.
        start: `random`, or `line` for the beginning of the track.
        direction: `forward`, `reverse` or `random`.
        light: `clear`, `overcast`, `dusk`, `fog` or `random`.
        world_seed: Seed of the world's textures, trees and rocks; None draws a new world for every
            episode, which takes half a second each time.
        vary: Whether the world's seed also varies the sun, the brightness, the tints and the haze.
        render_mode: `rgb_array` or None.

    Raises:
        SettingError: An argument has a value that it cannot take.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": int(ROW_HZ)}  # noqa: RUF012 - as gymnasium.Env declares it

    def __init__(
        self,
        track: str | Track | None = None,
        *,
        size: tuple[int, int] = (IMAGE_HEIGHT, IMAGE_WIDTH),
        laps: float = 1.0,
        start: str = "random",
        direction: str = "forward",
        light: str = "clear",
        world_seed: int | None = 1,
        vary: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self._track = _find_track(track)
        height, width = _check_size(size)
        if not (isinstance(laps, int | float) and 0 < laps < math.inf):
            raise SettingError(
                "laps has a value that it cannot take",
                got=repr(laps),
                remedy="It takes numbers above 0",
            )
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise SettingError(
                "render_mode has a value that it cannot take",
                got=repr(render_mode),
                remedy="It takes 'rgb_array' or None",
            )
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._frame_spec = FrameSpec(height=height, width=width, interpolation="area")
        self._laps = laps
        self._vary = vary
        self._starts = StartConfig(start, direction, light, world_seed)
        self._cameras: CameraCache | None = CameraCache(self._track)
        self._world: World | None = None
        self._monitor: DriveMonitor | None = None

    @property
    def world(self) -> World:
        """The world of the episode: what a policy cannot see, for experts and measurements.

        Raises:
            ResetNeeded: No episode has begun.
        """
        if self._world is None:
            raise error.ResetNeeded("No episode has begun. Call reset first.")
        return self._world

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Picture, dict[str, Any]]:
        """Begin an episode, and return its first observation and info.

        Args:
            seed: Seed of this episode and those after it; None goes on with the one before.
            options: Values of the start that are not to be drawn, by their names in InitialState.

        Raises:
            SettingError: An option is unknown or has a value that it cannot take.
            ClosedEnvironmentError: The environment was closed.
            ServiceError: The renderer cannot start.
        """
        super().reset(seed=seed)
        if self._cameras is None:
            raise error.ClosedEnvironmentError("The environment was closed. Make another one.")
        track = self._track
        start = draw_start(track, self._starts, self.np_random)
        start = override_start(track, start, options or {})
        self._start = start
        self._camera = self._cameras.camera(Appearance(start.light, start.seed, self._vary))
        self._world = _place_car(track, start)
        limit_s = self._laps * track.length_m / MIN_PROGRESS_MPS + EXTRA_TIME_S
        self._monitor = DriveMonitor(
            track, start.direction, self._laps, self._world.position, limit_s
        )
        self._frame = 0
        self._distance_m = 0.0
        self._picture = self._camera.render(self._world.pose)
        return self._observation(), self._info(self._check(self._monitor))

    def step(self, action: Action) -> tuple[Picture, float, bool, bool, dict[str, Any]]:
        """Drive on for 1/15 s with an action.

        Args:
            action: Steering and throttle, each from −1 to 1.

        Returns:
            Observation, reward, whether the episode is terminated, whether it is truncated, info.

        Raises:
            SettingError: The action is not two numbers from −1 to 1.
            ResetNeeded: No episode has begun, or it has ended.
        """
        world, monitor = self.world, self._monitor
        if monitor is None:
            raise error.ResetNeeded("The episode has ended. Call reset to begin another one.")
        world.steering, world.throttle = _read_action(action)
        before_m = self._distance_m
        self._frame += 1
        for _ in world.advance_to(self._frame / ROW_HZ):
            verdict = self._check(monitor)
            if verdict.put_back or verdict.finished:
                self._monitor = None
                break
        self._distance_m = verdict.distance_m
        reward = step_reward(
            verdict.distance_m - before_m,
            verdict.lane_error_m,
            world.position.width_m,
            verdict.put_back,
        )
        road_ended = verdict.finished and self._is_at_the_end()
        terminated = verdict.put_back or road_ended
        truncated = verdict.finished and not road_ended
        self._picture = self._camera.render(world.pose)
        return self._observation(), reward, terminated, truncated, self._info(verdict)

    def render(self) -> Picture | None:
        """Return the camera's picture, uint8 RGB (160, 320, 3), or None without a render mode.

        Raises:
            ResetNeeded: No episode has begun.
        """
        if self.render_mode is None:
            return None
        if self._world is None:
            raise error.ResetNeeded("No episode has begun. Call reset first.")
        return self._picture.copy()

    def close(self) -> None:
        """Free the worlds and the buffers of the renderer; it may be called again."""
        if self._cameras is not None:
            self._cameras.close()
        self._cameras = self._world = self._monitor = None

    def _check(self, monitor: DriveMonitor) -> StepVerdict:
        """Return what the monitor finds at this moment."""
        world = self.world
        return monitor.check(
            world.time_s,
            world.pose,
            world.position,
            world.speed_mps,
            world.steering,
            world.throttle,
        )

    def _is_at_the_end(self) -> bool:
        """Return whether the car is where an open track ends in its direction of travel."""
        station_m = self.world.position.station_m
        left_m = self._track.length_m - station_m if self._start.direction > 0 else station_m
        return not self._track.closed and left_m <= TOLERANCE

    def _observation(self) -> Picture:
        """Return the picture in the size of the observation; nobody else holds that array."""
        observation = preprocess.fit(self._picture, self._frame_spec)
        return observation.copy() if observation is self._picture else observation

    def _info(self, verdict: StepVerdict) -> dict[str, Any]:
        world, start = self.world, self._start
        along = 0.0 if start.direction > 0 else math.pi
        relative = world.pose.heading_rad - world.position.heading_rad - along
        return {
            "time_s": verdict.time_s,
            "speed_mph": world.speed_mph,
            "offset_m": verdict.lane_error_m,
            "heading_rad": math.remainder(relative, math.tau),
            "station_m": world.position.station_m,
            "distance_m": verdict.distance_m,
            "wheel_off_road": verdict.off_road,
            "steering": world.steering,
            "throttle": world.throttle,
            "direction": start.direction,
            "light": start.light,
            "world_seed": start.seed,
            "reason": str(verdict.reason or ""),
        }


def _find_track(track: str | Track | None) -> Track:
    """Return the track with a name, or the track itself.

    Raises:
        SettingError: There is no such track.
    """
    if isinstance(track, Track):
        return track
    if not isinstance(track, str):
        raise SettingError(
            "the environment needs a track",
            got=repr(track),
            remedy=f"Set track to {', '.join(TRACK_NAMES)}, or the path of a CSV file of points",
        )
    return load_track(track)


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and the width of an observation.

    Raises:
        SettingError: They are not two whole numbers, or larger than the picture.
    """
    if isinstance(size, tuple | list) and [type(edge) for edge in size] == [int, int]:
        height, width = size
        if 1 <= height <= IMAGE_HEIGHT and 1 <= width <= IMAGE_WIDTH:
            return height, width
    raise SettingError(
        "size has a value that it cannot take",
        got=repr(size),
        remedy=f"It takes a height from 1 to {IMAGE_HEIGHT} and a width from 1 to {IMAGE_WIDTH}, "
        "such as (80, 160)",
    )


def _place_car(track: Track, start: InitialState) -> World:
    """Return a world with the car standing where the episode begins."""
    lateral_m = start.direction * (track.lane_m + start.offset_m)
    return World(track, start.station_m, start.direction, lateral_m, start.heading_rad)


def _read_action(action: Action) -> tuple[float, float]:
    """Return the steering and the throttle of an action, each from −1 to 1.

    Raises:
        SettingError: They are not two numbers from −1 to 1.
    """
    values = np.asarray(action)
    is_pair = values.shape == (2,) and np.issubdtype(values.dtype, np.number)
    if is_pair and bool((np.abs(values) <= 1 + ACTION_TOLERANCE).all()):  # not for a NaN
        steering, throttle = np.clip(values, -1.0, 1.0).tolist()
        return float(steering), float(throttle)
    raise SettingError(
        "this is not an action",
        got=repr(action),
        remedy="An action is two numbers from -1 to 1, steering and throttle; "
        "gymnasium.wrappers.ClipAction cuts off what lies beyond",
    )
