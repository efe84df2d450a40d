"""The car's three cameras: pictures of a world, as JPEG too."""

from __future__ import annotations

import ctypes.util
import math
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from panda3d.core import (
    Camera as Eye,
)
from panda3d.core import (
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    NodePath,
    PerspectiveLens,
    Texture,
    WindowProperties,
    load_prc_file_data,
)

from contract.errors import ServiceError
from contract.vehicle import (
    CAMERA_AHEAD_M,
    CAMERA_HEIGHT_M,
    CAMERA_LEFT_M,
    CAMERA_NAMES,
    CAMERA_PITCH_DOWN_DEG,
    CAMERA_ROLL_CLOCKWISE_DEG,
    CAMERA_YAW_LEFT_DEG,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from simulator.rendering.appearance import Look
from simulator.rendering.hood import Bonnet, bonnet
from simulator.rendering.scene_builder import air, build
from simulator.track.geometry import Pose, Track

# The figures of docs/protocol.md; it does not give the signs of yaw and roll.
NEAR_M: Final = 0.3
FAR_M: Final = 320.0
QUALITY: Final = 75
"""Unity's JPEG encoder's default: a frame has about 13 kB."""
SHARP: Final = 1.5
"""Against jagged edges: what 200 pictures a second on a laptop's core leave time for."""
SHEETS_M: Final = (12.0, 20.0, 30.0, 44.0, 65.0, 95.0, 140.0, 210.0)
FAR_SHEETS_M: Final = (70.0, 140.0, 230.0)
THIN_PER_M: Final = 0.001
"""Haze that takes less than a quarter of the colour at the far plane: it is left out."""
THICK_PER_M: Final = 0.004
"""Haze beyond which its edges near the camera would be seen."""

Picture = NDArray[np.uint8]

PANDA: Final = """
load-display p3tinydisplay
aux-display
window-type offscreen
audio-library-name null
notify-level warning
notify-level-display fatal
textures-power-2 none
"""


class Camera:
    """The cameras of a car in a world.

    Args:
        track: around which the world is built.
        look: of the world.
        sharp: a picture is drawn so many times larger and shrunk, 1 to 2.

    Raises:
        ServiceError: the renderer cannot start.
    """

    def __init__(self, track: Track, look: Look, sharp: float = SHARP) -> None:
        self._size = round(IMAGE_WIDTH * sharp), round(IMAGE_HEIGHT * sharp)
        middle = (sharp - 1) / 2
        self._shrink = np.array([[sharp, 0, middle], [0, -sharp, self._size[1] - 1 - middle]])
        pipe = _pipe()
        self._engine = GraphicsEngine(pipe)
        wanted = FrameBufferProperties()
        wanted.set_rgb_color(True)
        wanted.set_rgba_bits(8, 8, 8, 0)
        wanted.set_depth_bits(24)
        self._window = self._engine.make_output(
            pipe,
            "camera",
            0,
            wanted,
            WindowProperties.size(*self._size),
            GraphicsPipe.BF_refuse_window,
        )
        self._pixels = Texture()
        self._window.add_render_texture(self._pixels, GraphicsOutput.RTM_copy_ram)
        self._window.set_clear_color_active(False)  # ground and sky cover all
        self._scene = build(track, look)
        self._car = self._scene.root.attach_new_node("car")
        light = self._scene.light
        lens = PerspectiveLens()
        lens.set_film_size(IMAGE_WIDTH, IMAGE_HEIGHT)
        lens.set_focal_length(FOCAL_PX)
        lens.set_near_far(NEAR_M, FAR_M)
        self._eyes: dict[str, NodePath] = {}
        self._bonnets: dict[str, Bonnet] = {}
        for side in CAMERA_NAMES:
            eye = self._car.attach_new_node(Eye(side, lens))
            eye.set_pos_hpr(
                -CAMERA_LEFT_M[side],
                CAMERA_AHEAD_M,
                CAMERA_HEIGHT_M,
                CAMERA_YAW_LEFT_DEG,
                -CAMERA_PITCH_DOWN_DEG,
                CAMERA_ROLL_CLOCKWISE_DEG,
            )
            self._eyes[side] = eye
            self._bonnets[side] = bonnet(side, light)
        if light.haze_per_m > THIN_PER_M:
            node = self._car.attach_new_node("air")
            node.set_pos_hpr(
                0, CAMERA_AHEAD_M, CAMERA_HEIGHT_M, CAMERA_YAW_LEFT_DEG, -CAMERA_PITCH_DOWN_DEG, 0
            )
            air(node, light, SHEETS_M if light.haze_per_m > THICK_PER_M else FAR_SHEETS_M)
        self._region = self._window.make_display_region()

    def picture(self, pose: Pose, side: str = "center") -> Picture:
        """Return what a camera sees, (160, 320, 3) RGB, from a car's pose."""
        self._car.set_pos_hpr(
            pose.x_m,
            pose.y_m,
            pose.z_m,
            math.degrees(pose.heading_rad) - 90,
            math.degrees(pose.pitch_rad),
            0,
        )
        self._scene.sky.set_pos(pose.x_m, pose.y_m, pose.z_m + CAMERA_HEIGHT_M)
        self._region.set_camera(self._eyes[side])
        self._engine.render_frame()
        drawn = np.frombuffer(memoryview(self._pixels.get_ram_image()), np.uint8)
        # Bilinear in the middle of each pixel's share: the mean of its four nearest. Panda3D's
        # first row is the lowest; its colours are blue, green, red.
        smaller = cv2.warpAffine(
            drawn.reshape(self._size[1], self._size[0], -1),
            self._shrink,
            (IMAGE_WIDTH, IMAGE_HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        seen: Picture = np.ascontiguousarray(smaller[:, :, 2::-1])
        self._bonnets[side].over(seen)
        return seen

    def jpeg(self, pose: Pose, side: str = "center") -> bytes:
        """Return what a camera sees, as a JPEG."""
        return encode(self.picture(pose, side))

    def close(self) -> None:
        """Free the renderer's buffers."""
        self._engine.remove_window(self._window)
        self._scene.root.remove_node()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def encode(picture: Picture) -> bytes:
    """Return a (160, 320, 3) RGB picture as a JPEG."""
    return bytes(
        simplejpeg.encode_jpeg(picture, quality=QUALITY, colorspace="RGB", colorsubsampling="420")
    )


def _pipe() -> GraphicsPipe:
    """Return Panda3D's software renderer, which asks for no screen and no GPU.

    Raises:
        ServiceError: the library that it is linked to is missing.
    """
    load_prc_file_data("", PANDA)
    pipe = GraphicsPipeSelection.get_global_ptr().make_pipe(
        "TinyOffscreenGraphicsPipe", "p3tinydisplay"
    )
    if pipe is None:
        missing = "libX11 is not installed" if ctypes.util.find_library("X11") is None else None
        raise ServiceError(
            "Panda3D's software renderer cannot be loaded",
            got=missing or "libp3tinydisplay does not load",
            remedy="It links against libX11, without using a screen: apt-get install libx11-6",
        )
    return pipe
