"""Draws one picture of a video: the camera's picture, the path ahead, and the values of the car."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import FrameError
from contract.vehicle import (
    CAMERA_AHEAD_OF_REAR_AXLE_M,
    CAMERA_HEIGHT_M,
    CAMERA_PITCH_DOWN_DEG,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    MAX_STEER_DEG,
    MAX_STEER_RAD,
    WHEELBASE_M,
)

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

FRAME: Final = (IMAGE_HEIGHT, IMAGE_WIDTH, 3)
SCALE: Final = 3  # The function _enlarge is written for this scale.
WIDTH: Final = FRAME[1] * SCALE
VIEW_HEIGHT: Final = FRAME[0] * SCALE
PANEL_HEIGHT: Final = 112
SIZE: Final = (VIEW_HEIGHT + PANEL_HEIGHT, WIDTH)
"""Height and width of the picture; both are even, as H.264 requires."""

# The yaw of 0.72 and the roll of 1.2 degrees of the camera are left out: they move the path by less
# than its width.
VIEW_FOCAL_PX: Final = FOCAL_PX * SCALE
PITCH_RAD: Final = math.radians(CAMERA_PITCH_DOWN_DEG)
HALF_CAR_M: Final = 1.0
NEAR_M: Final = 2.0
FAR_M: Final = 16.0
"""Distances from the camera between which the path is drawn."""

BACK: Final = (21, 24, 29)
GROOVE: Final = (58, 64, 73)
FAINT: Final = (138, 146, 156)
BRIGHT: Final = (240, 242, 244)
PATH: Final = (72, 205, 180)
BRAKE: Final = (232, 84, 72)
ALARM: Final = (196, 24, 40)

# Positions on the panel in pixels.
HUB: Final = (480, 96)
"""Centre of the steering gauge."""
RADIUS: Final = 78
SWEEP_RAD: Final = math.radians(75)
"""Angle of the needle at full lock."""
PEDAL: Final = (346, 56, 34)
"""Middle x, middle y and half height of the throttle bar."""
OFFSET: Final = (686, 62, 84)
"""Middle x, y and half width of the bar of the lateral offset."""
OFFSET_M: Final = 4.0
"""Lateral offset at the ends of its bar."""


@dataclass(frozen=True)
class HudValues:
    """Values of the car that are shown at one moment."""

    steering: float
    """Steering, -1..1, positive to the right."""
    throttle: float
    """Throttle, -1..1; a negative value brakes."""
    speed_mph: float
    lateral_m: float
    """Offset from the driving line, positive to the left."""
    time_s: float
    note: str = ""
    """Note in red, or an empty string."""


class Hud:
    """Draws pictures; the parts that never change are drawn only once."""

    def __init__(self) -> None:
        self._font = cv2.FontFace()
        self._picture: Picture = np.empty((*SIZE, 3), np.uint8)
        self._panel: Picture = np.full((PANEL_HEIGHT, WIDTH, 3), BACK, np.uint8)
        for text, x in (("SPEED", 36), ("TIME", 852)):
            self._write(self._panel, text, (x, 30), 13, FAINT)
        for text, x in (("THROTTLE", PEDAL[0] - 96), ("OFF THE LINE", OFFSET[0])):
            self._write(self._panel, text, (x, 30), 13, FAINT, centred=True)
        self._write(self._panel, "mph", (134, 80), 18, FAINT)
        start, end = (math.degrees(-math.pi / 2 + turn) for turn in (-SWEEP_RAD, SWEEP_RAD))
        cv2.ellipse(self._panel, HUB, (RADIUS, RADIUS), 0, start, end, GROOVE, 8, cv2.LINE_AA)
        for share in (-1, -0.5, 0, 0.5, 1):
            inner, outer = _gauge_point(share, RADIUS - 14), _gauge_point(share, RADIUS - 9)
            cv2.line(self._panel, inner, outer, FAINT, 1, cv2.LINE_AA)
        x, y, half = PEDAL
        self._panel[y - half : y + half + 1, x - 5 : x + 6] = GROOVE
        x, y, half = OFFSET
        self._panel[y - 4 : y + 5, x - half : x + half + 1] = GROOVE
        self._panel[y - 10 : y + 11, x] = FAINT

    def draw(self, frame: Picture, values: HudValues) -> Picture:
        """Return an RGB picture of `SIZE`; every call returns the same array with new content.

        Args:
            frame: RGB picture of the centre camera, (160, 320, 3).
            values: Values of the car at that moment.

        Raises:
            FrameError: The picture is not a frame of the centre camera.
        """
        if frame.shape != FRAME or frame.dtype != np.uint8:
            raise FrameError(
                "this is not a frame of the centre camera",
                got=f"{frame.dtype} {frame.shape}",
                remedy=f"It must be uint8 {FRAME}",
            )
        picture = self._picture
        _enlarge(frame, picture[:VIEW_HEIGHT])
        picture[VIEW_HEIGHT:] = self._panel
        _draw_path(picture[:VIEW_HEIGHT], values.steering)
        panel = picture[VIEW_HEIGHT:]
        self._draw_steering(panel, values.steering)
        self._draw_bars(panel, values.throttle, values.lateral_m)
        self._write(panel, f"{values.speed_mph:.1f}", (124, 80), 44, BRIGHT, right=True)
        minutes, seconds = divmod(values.time_s, 60)
        clock = f"{minutes:.0f}:{math.floor(seconds * 10) / 10:04.1f}"
        self._write(panel, clock, (852, 76), 26, BRIGHT)
        if values.note:
            picture[:44] = ALARM
            self._write(picture, values.note, (WIDTH // 2, 31), 24, BRIGHT, centred=True)
        return picture

    def _draw_steering(self, panel: Picture, steering: float) -> None:
        needle = max(-1.0, min(1.0, steering))
        turn = round(math.degrees(needle * SWEEP_RAD))
        if turn:  # OpenCV would draw an arc of no length at the hub.
            cv2.ellipse(
                panel,
                HUB,
                (RADIUS, RADIUS),
                0,
                -90 + min(0, turn),
                -90 + max(0, turn),
                PATH,
                8,
                cv2.LINE_AA,
            )
        inner, outer = _gauge_point(needle, 30), _gauge_point(needle, RADIUS - 4)
        cv2.line(panel, inner, outer, BRIGHT, 3, cv2.LINE_AA)
        angle = f"{abs(steering) * MAX_STEER_DEG:.1f}°"
        if angle != "0.0°":
            angle += " left" if steering < 0 else " right"
        self._write(panel, angle, (HUB[0], HUB[1] + 4), 20, BRIGHT, centred=True)

    def _draw_bars(self, panel: Picture, throttle: float, lateral_m: float) -> None:
        x, y, half = PEDAL
        end = y - round(max(-1.0, min(1.0, throttle)) * half)
        panel[min(y, end) : max(y, end) + 1, x - 5 : x + 6] = PATH if throttle >= 0 else BRAKE
        self._write(panel, f"{throttle:+.2f}", (x - 96, 76), 26, BRIGHT, centred=True)
        x, y, half = OFFSET
        # A car to the left of the line is shown on the left of the bar.
        mark = x - round(max(-1.0, min(1.0, lateral_m / OFFSET_M)) * half)
        cv2.circle(panel, (mark, y), 8, PATH, -1, cv2.LINE_AA)
        side = "left" if lateral_m > 0 else "right"
        self._write(panel, f"{abs(lateral_m):.2f} m {side}", (x, 98), 18, BRIGHT, centred=True)

    def _write(
        self,
        picture: Picture,
        text: str,
        at: tuple[int, int],
        size: int,
        ink: Colour,
        centred: bool = False,
        right: bool = False,
    ) -> None:
        """Write a text that starts at a point of its base line, is centred there, or ends there."""
        x, y = at
        if centred or right:
            box = (WIDTH, VIEW_HEIGHT)
            _, _, width, _ = cv2.getTextSize(box, text, (0, 0), self._font, size, 400)
            x -= width // 2 if centred else width
        cv2.putText(picture, text, (x, y), ink, self._font, size, 400)


def project_path(steering: float) -> Floats:
    """Return the outline of the ground that the car will cover with its steering, (2 K, 2) pixels.

    The rear axle of a kinematic bicycle follows an arc whose curvature is
    tan(25 degrees * steering) / wheelbase. The outline runs one metre to each side of that arc.
    """
    bend = -math.tan(MAX_STEER_RAD * max(-1.0, min(1.0, steering))) / WHEELBASE_M
    # The path ends after a quarter of the circle, which shows all of the bend.
    far_m = min(CAMERA_AHEAD_OF_REAR_AXLE_M + FAR_M, math.pi / 2 / max(abs(bend), 1e-9))
    along = np.linspace(0.0, far_m, 32)
    turn = bend * along
    # np.sinc(x) is sin(pi x)/(pi x), and 1 at x = 0.
    ahead = along * np.sinc(turn / np.pi)
    left = along * np.sinc(turn / 2 / np.pi) * np.sin(turn / 2)
    sides = []
    for side in (HALF_CAR_M, -HALF_CAR_M):
        x = ahead - side * np.sin(turn) - CAMERA_AHEAD_OF_REAR_AXLE_M
        y = left + side * np.cos(turn)
        visible = x >= NEAR_M
        sides.append(project_ground(x[visible], y[visible]))
    return np.concatenate([sides[0], sides[1][::-1]])


def project_ground(ahead_m: Floats, left_m: Floats) -> Floats:
    """Return the pixels, (N, 2), of points on level ground.

    Args:
        ahead_m: Distances ahead of the camera, (N,).
        left_m: Distances to the left of the camera, (N,).
    """
    depth = ahead_m * math.cos(PITCH_RAD) + CAMERA_HEIGHT_M * math.sin(PITCH_RAD)
    down = CAMERA_HEIGHT_M * math.cos(PITCH_RAD) - ahead_m * math.sin(PITCH_RAD)
    return np.column_stack(
        [
            WIDTH / 2 - VIEW_FOCAL_PX * left_m / depth,
            VIEW_HEIGHT / 2 + VIEW_FOCAL_PX * down / depth,
        ]
    )


def _enlarge(frame: Picture, view: Picture) -> None:
    """Fill the view with the frame, enlarged three times by linear interpolation.

    Of three new columns, the middle one is an old column, and the others are a third of the way to
    its neighbours; rows are treated in the same way. This is twice as fast as OpenCV's warps.
    """
    wide: Picture = np.empty((FRAME[0], WIDTH, 3), np.uint8)
    wide[:, 1::3] = frame
    wide[:, 0::3] = _blend_third(frame, np.concatenate([frame[:, :1], frame[:, :-1]], axis=1))
    wide[:, 2::3] = _blend_third(frame, np.concatenate([frame[:, 1:], frame[:, -1:]], axis=1))
    view[1::3] = wide
    view[0::3] = _blend_third(wide, np.concatenate([wide[:1], wide[:-1]]))
    view[2::3] = _blend_third(wide, np.concatenate([wide[1:], wide[-1:]]))


def _blend_third(here: Picture, there: Picture) -> Picture:
    """Return the picture that is a third of the way from one picture to another."""
    return np.asarray(cv2.addWeighted(here, 2 / 3, there, 1 / 3, 0), dtype=np.uint8)


def _draw_path(view: Picture, steering: float) -> None:
    """Draw the translucent path of the car into the view."""
    outline = np.round(project_path(steering)).astype(np.int32)
    if len(outline) < 3:
        return
    top, bottom = max(0, int(outline[:, 1].min()) - 2), int(outline[:, 1].max()) + 2
    part = view[top:bottom]
    outline -= np.array([0, top], dtype=np.int32)
    overlay = part.copy()
    cv2.fillPoly(overlay, [outline], PATH)
    cv2.addWeighted(overlay, 0.22, part, 0.78, 0, dst=part)
    half = len(outline) // 2
    cv2.polylines(part, [outline[:half], outline[half:]], False, PATH, 3, cv2.LINE_AA)


def _gauge_point(share: float, radius: float) -> tuple[int, int]:
    """Return the pixel at which the needle for a steering crosses a radius of the gauge."""
    turn = share * SWEEP_RAD
    return round(HUB[0] + radius * math.sin(turn)), round(HUB[1] - radius * math.cos(turn))
