"""Renders the pictures of the car's three cameras, and encodes them as JPEG."""

from __future__ import annotations

import ctypes.util
import math
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from panda3d.core import Camera as PandaCamera
from panda3d.core import (
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    NodePath,
    PerspectiveLens,
    RenderState,
    Texture,
    WindowProperties,
    load_prc_file_data,
)

from contract.errors import ServiceError
from contract.vehicle import (
    CAMERA_AHEAD_M,
    CAMERA_LEFT_M,
    CAMERA_NAMES,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from simulator.rendering.appearance import Appearance
from simulator.rendering.hood import Hood, build_hood
from simulator.rendering.randomization import SceneLook, resolve_look
from simulator.rendering.scene_builder import add_haze, build_scene
from simulator.track.geometry import Pose, Track

NEAR_M: Final = 0.3
FAR_M: Final = 320.0
JPEG_QUALITY: Final = 75
"""Default quality of Unity's JPEG encoder: a frame has about 13 kB."""
SUPERSAMPLING: Final = 1.5
"""Scale at which pictures are rendered before they are shrunk, against jagged edges. This scale
still allows 200 pictures a second on one core of a laptop."""
DENSE_HAZE_SHEETS_M: Final = (12.0, 20.0, 30.0, 44.0, 65.0, 95.0, 140.0, 210.0)
SPARSE_HAZE_SHEETS_M: Final = (70.0, 140.0, 230.0)
MIN_HAZE_PER_M: Final = 0.001
"""Less haze than this is not drawn: it takes less than a quarter of the colour at the far plane."""
DENSE_HAZE_PER_M: Final = 0.004
"""More haze than this needs the dense sheets: the edges of the first sparse one would be seen."""

Picture = NDArray[np.uint8]

PANDA3D_CONFIG: Final = """
load-display p3tinydisplay
aux-display
window-type offscreen
audio-library-name null
notify-level warning
notify-level-display fatal
textures-power-2 none
"""


class Camera:
    """The three cameras of a car in a world.

    Args:
        track: Track around which the world is built.
        appearance: Light and seed of the world.
        supersampling: Scale, 1 to 2, at which pictures are rendered before they are shrunk.
        look: Light, colours and pose of the cameras; None takes those of the appearance.

    Raises:
        ServiceError: The renderer cannot start.
    """

    def __init__(
        self,
        track: Track,
        appearance: Appearance,
        supersampling: float = SUPERSAMPLING,
        look: SceneLook | None = None,
    ) -> None:
        self._size = round(IMAGE_WIDTH * supersampling), round(IMAGE_HEIGHT * supersampling)
        middle = (supersampling - 1) / 2
        # This transform shrinks a picture and turns it upside down.
        self._shrink = np.array(
            [
                [supersampling, 0, middle],
                [0, -supersampling, self._size[1] - 1 - middle],
            ]
        )
        pipe = _load_renderer()
        self._engine = GraphicsEngine(pipe)
        properties = FrameBufferProperties()
        properties.set_rgb_color(True)
        properties.set_rgba_bits(8, 8, 8, 0)
        properties.set_depth_bits(24)
        self._window = self._engine.make_output(
            pipe,
            "camera",
            0,
            properties,
            WindowProperties.size(*self._size),
            GraphicsPipe.BF_refuse_window,
        )
        self._pixels = Texture()
        self._window.add_render_texture(self._pixels, GraphicsOutput.RTM_copy_ram)
        self._window.set_clear_color_active(False)  # The ground and the sky cover every pixel.
        self._look = look or resolve_look(appearance)
        self._scene = build_scene(track, appearance.seed, self._look)
        self._car = self._scene.root.attach_new_node("car")
        light, pose = self._look.light, self._look.camera
        lens = PerspectiveLens()
        lens.set_film_size(IMAGE_WIDTH, IMAGE_HEIGHT)
        lens.set_focal_length(pose.focal_px)
        lens.set_near_far(NEAR_M, FAR_M)
        self._cameras: dict[str, NodePath] = {}
        self._hoods: dict[str, Hood] = {}
        for side in CAMERA_NAMES:
            camera = self._car.attach_new_node(PandaCamera(side, lens))
            # Panda3D's angles are positive to the left, upwards and clockwise.
            camera.set_pos_hpr(
                -CAMERA_LEFT_M[side],
                CAMERA_AHEAD_M,
                pose.height_m,
                -pose.yaw_right_deg,
                -pose.pitch_down_deg,
                -pose.roll_counterclockwise_deg,
            )
            self._cameras[side] = camera
        if light.haze_per_m > MIN_HAZE_PER_M:
            node = self._car.attach_new_node("haze")
            node.set_pos_hpr(
                0,
                CAMERA_AHEAD_M,
                pose.height_m,
                -pose.yaw_right_deg,
                -pose.pitch_down_deg,
                0,
            )
            dense = light.haze_per_m > DENSE_HAZE_PER_M
            add_haze(node, light, DENSE_HAZE_SHEETS_M if dense else SPARSE_HAZE_SHEETS_M)
        self._region = self._window.make_display_region()

    def render(self, pose: Pose, side: str = "center") -> Picture:
        """Return what one camera sees, RGB (160, 320, 3).

        Args:
            pose: Pose of the car.
            side: Name of the camera: center, left or right.
        """
        self.draw(pose, side)
        picture = self.read_back()
        if side not in self._hoods:
            self._hoods[side] = build_hood(side, self._look)
        self._hoods[side].draw_over(picture)
        return picture

    def draw(self, pose: Pose, side: str = "center") -> None:
        """Draw the world without the hood into the buffer of the renderer."""
        self._car.set_pos_hpr(
            pose.x_m,
            pose.y_m,
            pose.z_m,
            math.degrees(pose.heading_rad) - 90,
            math.degrees(pose.pitch_rad),
            0,
        )
        self._scene.sky.set_pos(pose.x_m, pose.y_m, pose.z_m + self._look.camera.height_m)
        self._region.set_camera(self._cameras[side])
        self._engine.render_frame()

    def drawn(self) -> Picture:
        """Return what was drawn last at its own size, lowest row first: BGRA (240, 480, 4)."""
        pixels = np.frombuffer(memoryview(self._pixels.get_ram_image()), np.uint8)
        return pixels.reshape(self._size[1], self._size[0], 4)

    def read_back(self) -> Picture:
        """Return what was drawn last, shrunk to RGB of shape (160, 320, 3)."""
        # Each pixel is interpolated in the middle of its area: the mean of the four nearest pixels.
        smaller = cv2.warpAffine(
            self.drawn(),
            self._shrink,
            (IMAGE_WIDTH, IMAGE_HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        picture: Picture = np.empty((IMAGE_HEIGHT, IMAGE_WIDTH, 3), np.uint8)
        cv2.cvtColor(smaller, cv2.COLOR_BGRA2RGB, picture)
        return picture

    def render_jpeg(self, pose: Pose, side: str = "center") -> bytes:
        """Return what one camera sees as a JPEG."""
        return encode_jpeg(self.render(pose, side))

    def close(self) -> None:
        """Free the buffers of the renderer, and the world with its textures."""
        self._engine.remove_window(self._window)
        self._scene.root.remove_node()
        # Panda3D keeps states for later, and each holds a texture: 7 MB of a world in all.
        RenderState.clear_cache()
        RenderState.garbage_collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def encode_jpeg(picture: Picture) -> bytes:
    """Return an RGB picture, (160, 320, 3), as a JPEG."""
    return bytes(
        simplejpeg.encode_jpeg(
            picture, quality=JPEG_QUALITY, colorspace="RGB", colorsubsampling="420"
        )
    )


def _load_renderer() -> GraphicsPipe:
    """Return Panda3D's software renderer, which needs neither a screen nor a GPU.

    Raises:
        ServiceError: The library that the renderer is linked to is missing.
    """
    load_prc_file_data("", PANDA3D_CONFIG)
    pipe = GraphicsPipeSelection.get_global_ptr().make_pipe(
        "TinyOffscreenGraphicsPipe", "p3tinydisplay"
    )
    if pipe is None:
        missing = "libX11 is not installed" if ctypes.util.find_library("X11") is None else None
        raise ServiceError(
            "Panda3D's software renderer cannot be loaded",
            got=missing or "libp3tinydisplay does not load",
            remedy="It is linked to libX11, though it uses no screen. On Debian or Ubuntu, run "
            "apt-get install libx11-6",
        )
    return pipe
