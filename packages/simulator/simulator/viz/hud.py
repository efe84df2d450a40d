"""One picture of a film: what the camera saw, where the steering leads, and the car's figures."""

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
    WHEELBASE_M,
)

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

FRAME: Final = (IMAGE_HEIGHT, IMAGE_WIDTH, 3)
LARGER: Final = 3  # _enlarge does just this
WIDE: Final = FRAME[1] * LARGER
VIEW: Final = FRAME[0] * LARGER
PANEL: Final = 112
SIZE: Final = (VIEW + PANEL, WIDE)
"""Height and width of the picture: both even, as H.264 wants them."""

# The camera and the car. Source: docs/protocol.md. The camera's yaw of 0.7 and roll of 1.2 degrees
# are left out: they shift the path by less than its width.
VIEW_FOCAL_PX: Final = FOCAL_PX * LARGER
PITCH_RAD: Final = math.radians(CAMERA_PITCH_DOWN_DEG)
HALF_CAR_M: Final = 1.0
NEAR_M: Final = 2.0
FAR_M: Final = 16.0
"""Of the path that is drawn, from the camera."""

BACK: Final = (21, 24, 29)
GROOVE: Final = (58, 64, 73)
FAINT: Final = (138, 146, 156)
BRIGHT: Final = (240, 242, 244)
PATH: Final = (72, 205, 180)
BRAKE: Final = (232, 84, 72)
ALARM: Final = (196, 24, 40)

HUB: Final = (480, 96)
"""Of the steering gauge, on the panel; as the other places below."""
RADIUS: Final = 78
SWEEP_RAD: Final = math.radians(75)
"""Of the needle at full lock."""
PEDAL: Final = (346, 56, 34)
"""Middle x, middle y, and half height of the throttle's bar."""
OFFSET: Final = (686, 62, 84)
"""Middle x, y, and half width of the lateral offset's bar."""
OFFSET_M: Final = 4.0
"""At its ends."""


@dataclass(frozen=True)
class Figures:
    """What is shown of one moment."""

    steering: float
    """-1..1, positive to the right."""
    throttle: float
    """-1..1, negative brakes."""
    speed_mph: float
    lateral_m: float
    """Positive to the left."""
    time_s: float
    note: str = ""
    """Written in red."""


class Dashboard:
    """Draws pictures; what is the same in all of them is drawn once."""

    def __init__(self) -> None:
        self._font = cv2.FontFace()
        self._picture: Picture = np.empty((*SIZE, 3), np.uint8)
        self._panel: Picture = np.full((PANEL, WIDE, 3), BACK, np.uint8)
        for text, x in (("SPEED", 36), ("TIME", 852)):
            self._write(self._panel, text, (x, 30), 13, FAINT)
        for text, x in (("THROTTLE", PEDAL[0] - 96), ("OFF THE LINE", OFFSET[0])):
            self._write(self._panel, text, (x, 30), 13, FAINT, middle=True)
        self._write(self._panel, "mph", (134, 80), 18, FAINT)
        start, end = (math.degrees(-math.pi / 2 + turn) for turn in (-SWEEP_RAD, SWEEP_RAD))
        cv2.ellipse(self._panel, HUB, (RADIUS, RADIUS), 0, start, end, GROOVE, 8, cv2.LINE_AA)
        for share in (-1, -0.5, 0, 0.5, 1):
            inner, outer = _spoke(share, RADIUS - 14), _spoke(share, RADIUS - 9)
            cv2.line(self._panel, inner, outer, FAINT, 1, cv2.LINE_AA)
        x, y, half = PEDAL
        self._panel[y - half : y + half + 1, x - 5 : x + 6] = GROOVE
        x, y, half = OFFSET
        self._panel[y - 4 : y + 5, x - half : x + half + 1] = GROOVE
        self._panel[y - 10 : y + 11, x] = FAINT

    def draw(self, frame: Picture, figures: Figures) -> Picture:
        """Return a picture of `SIZE`, RGB: the same array each time, with new content.

        Args:
            frame: (160, 320, 3), RGB, as the centre camera saw it.
            figures: of that moment.

        Raises:
            FrameError: the frame is none.
        """
        if frame.shape != FRAME or frame.dtype != np.uint8:
            raise FrameError(
                "this is no frame of the centre camera",
                got=f"{frame.dtype} {frame.shape}",
                remedy=f"It must be uint8 {FRAME}",
            )
        picture = self._picture
        _enlarge(frame, picture[:VIEW])
        picture[VIEW:] = self._panel
        _lead(picture[:VIEW], figures.steering)
        panel = picture[VIEW:]
        self._steering(panel, figures.steering)
        self._bars(panel, figures.throttle, figures.lateral_m)
        self._write(panel, f"{figures.speed_mph:.1f}", (124, 80), 44, BRIGHT, right=True)
        minutes, seconds = divmod(figures.time_s, 60)
        clock = f"{minutes:.0f}:{math.floor(seconds * 10) / 10:04.1f}"
        self._write(panel, clock, (852, 76), 26, BRIGHT)
        if figures.note:
            picture[:44] = ALARM
            self._write(picture, figures.note, (WIDE // 2, 31), 24, BRIGHT, middle=True)
        return picture

    def _steering(self, panel: Picture, steering: float) -> None:
        needle = max(-1.0, min(1.0, steering))
        turn = round(math.degrees(needle * SWEEP_RAD))
        if turn:  # an arc of no length is drawn at the hub
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
        cv2.line(panel, _spoke(needle, 30), _spoke(needle, RADIUS - 4), BRIGHT, 3, cv2.LINE_AA)
        angle = f"{abs(steering) * MAX_STEER_DEG:.1f}°"
        if angle != "0.0°":
            angle += " left" if steering < 0 else " right"
        self._write(panel, angle, (HUB[0], HUB[1] + 4), 20, BRIGHT, middle=True)

    def _bars(self, panel: Picture, throttle: float, lateral_m: float) -> None:
        x, y, half = PEDAL
        end = y - round(max(-1.0, min(1.0, throttle)) * half)
        panel[min(y, end) : max(y, end) + 1, x - 5 : x + 6] = PATH if throttle >= 0 else BRAKE
        self._write(panel, f"{throttle:+.2f}", (x - 96, 76), 26, BRIGHT, middle=True)
        x, y, half = OFFSET
        # To the left of the line is left on the bar.
        mark = x - round(max(-1.0, min(1.0, lateral_m / OFFSET_M)) * half)
        cv2.circle(panel, (mark, y), 8, PATH, -1, cv2.LINE_AA)
        side = "left" if lateral_m > 0 else "right"
        self._write(panel, f"{abs(lateral_m):.2f} m {side}", (x, 98), 18, BRIGHT, middle=True)

    def _write(
        self,
        picture: Picture,
        text: str,
        at: tuple[int, int],
        size: int,
        ink: Colour,
        middle: bool = False,
        right: bool = False,
    ) -> None:
        """Write on the base line at `at`, from there, around it or up to it."""
        x, y = at
        if middle or right:
            _, _, wide, _ = cv2.getTextSize((WIDE, VIEW), text, (0, 0), self._font, size, 400)
            x -= wide // 2 if middle else wide
        cv2.putText(picture, text, (x, y), ink, self._font, size, 400)


def path(steering: float) -> Floats:
    """Return the outline, (2 K, 2) pixels, of the ground that the car will cover as it steers now.

    A kinematic bicycle: its rear axle follows an arc whose curvature is tan(25 degrees * steering)
    over the wheelbase; the outline runs a metre to either side of that arc.
    """
    bend = -math.tan(math.radians(MAX_STEER_DEG) * max(-1.0, min(1.0, steering))) / WHEELBASE_M
    # Not around the corner: a quarter of the circle shows it all.
    far_m = min(CAMERA_AHEAD_OF_REAR_AXLE_M + FAR_M, math.pi / 2 / max(abs(bend), 1e-9))
    along = np.linspace(0.0, far_m, 32)
    turn = bend * along
    # sin(x)/x and its like by np.sinc, which takes x in pi and knows what it is at 0.
    ahead = along * np.sinc(turn / np.pi)
    left = along * np.sinc(turn / 2 / np.pi) * np.sin(turn / 2)
    sides = []
    for side in (HALF_CAR_M, -HALF_CAR_M):
        x = ahead - side * np.sin(turn) - CAMERA_AHEAD_OF_REAR_AXLE_M
        y = left + side * np.cos(turn)
        seen = x >= NEAR_M
        sides.append(ground(x[seen], y[seen]))
    return np.concatenate([sides[0], sides[1][::-1]])


def ground(ahead_m: Floats, left_m: Floats) -> Floats:
    """Return (N, 2) pixels of points on level ground, (N,) metres before and beside the camera."""
    depth = ahead_m * math.cos(PITCH_RAD) + CAMERA_HEIGHT_M * math.sin(PITCH_RAD)
    down = CAMERA_HEIGHT_M * math.cos(PITCH_RAD) - ahead_m * math.sin(PITCH_RAD)
    return np.column_stack(
        [WIDE / 2 - VIEW_FOCAL_PX * left_m / depth, VIEW / 2 + VIEW_FOCAL_PX * down / depth]
    )


def _enlarge(frame: Picture, view: Picture) -> None:
    """Fill the view with the frame three times as large, interpolated linearly: for people's eyes.

    Of three new columns the middle one is an old one, and the others are a third of the way to
    its neighbours; then the same with rows. Twice as fast as OpenCV's warps.
    """
    wide: Picture = np.empty((FRAME[0], WIDE, 3), np.uint8)
    wide[:, 1::3] = frame
    wide[:, 0::3] = _third(frame, np.concatenate([frame[:, :1], frame[:, :-1]], axis=1))
    wide[:, 2::3] = _third(frame, np.concatenate([frame[:, 1:], frame[:, -1:]], axis=1))
    view[1::3] = wide
    view[0::3] = _third(wide, np.concatenate([wide[:1], wide[:-1]]))
    view[2::3] = _third(wide, np.concatenate([wide[1:], wide[-1:]]))


def _third(here: Picture, there: Picture) -> Picture:
    """Return what lies a third of the way from here to there."""
    return np.asarray(cv2.addWeighted(here, 2 / 3, there, 1 / 3, 0), dtype=np.uint8)


def _lead(view: Picture, steering: float) -> None:
    """Draw the path into the view, so that the road is seen through it."""
    outline = np.round(path(steering)).astype(np.int32)
    if len(outline) < 3:
        return
    top, bottom = max(0, int(outline[:, 1].min()) - 2), int(outline[:, 1].max()) + 2
    part = view[top:bottom]
    outline -= np.array([0, top], dtype=np.int32)
    veil = part.copy()
    cv2.fillPoly(veil, [outline], PATH)
    cv2.addWeighted(veil, 0.22, part, 0.78, 0, dst=part)
    half = len(outline) // 2
    cv2.polylines(part, [outline[:half], outline[half:]], False, PATH, 3, cv2.LINE_AA)


def _spoke(share: float, radius: float) -> tuple[int, int]:
    """Return where the gauge's needle for a steering crosses a radius."""
    turn = share * SWEEP_RAD
    return round(HUB[0] + radius * math.sin(turn)), round(HUB[1] - radius * math.cos(turn))
