"""Defines the frame that a network is given, and its description in a manifest.

Networks that Lapwing trains are given the camera's whole picture as 128 x 128 pixels, and stores
keep such frames. A network that was imported is given what its author's program gave it, as its
version's manifest says.

preprocess.py makes frames. Code that only reads frames, such as the trainer, imports this module
and needs no image decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.errors import ModelError
from contract.vehicle import IMAGE_HEIGHT

__all__ = [
    "BYTES",
    "CHANNELS",
    "COLORS",
    "HEIGHT",
    "INTERPOLATIONS",
    "OWN",
    "SHAPE",
    "SPEC",
    "WIDTH",
    "FrameSpec",
    "parse",
]

HEIGHT: Final = 128
WIDTH: Final = 128
CHANNELS: Final = 3
SHAPE: Final = (HEIGHT, WIDTH, CHANNELS)
BYTES: Final = HEIGHT * WIDTH * CHANNELS

COLORS: Final = {"rgb": 3, "bgr": 3, "yuv": 3, "ycrcb": 3, "hsv": 3, "hls": 3, "lab": 3, "gray": 1}
"""Number of channels in each colour space that a frame may have; as in OpenCV, for 8 bits."""
INTERPOLATIONS: Final = (
    "linear",
    "area",
    "nearest",
    "cubic",
    "lanczos",
    "pil-nearest",
    "pil-bilinear",
    "pil-bicubic",
    "pil-lanczos",
)
"""How a picture is resized: the first five as OpenCV's INTER_ constants, the others as Pillow."""
MAX_EDGE: Final = 2048
"""Maximum height and width of a frame in pixels; the simulator's picture has 320 columns."""


@dataclass(frozen=True)
class FrameSpec:
    """Says how a decoded picture becomes the frame that a network is given.

    The steps are in this order: rows are cut off, the rest is resized, and its colours are
    converted. All values are uint8, 0..255, after each step.
    """

    height: int = HEIGHT
    width: int = WIDTH
    color: str = "rgb"
    """Colour space of the frame, one of COLORS."""
    interpolation: str = "linear"
    """How the picture is resized, one of INTERPOLATIONS."""
    crop: tuple[int, int] = (0, 0)
    """Rows of the simulator's 160 that are cut off at the top and at the bottom."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ModelError: the crop leaves nothing, a name is unknown, or the size is out of range.
        """
        top, bottom = self.crop
        if min(top, bottom) < 0 or top + bottom >= IMAGE_HEIGHT:
            raise ModelError(
                "the crop leaves nothing of the image",
                got=f"{top} and {bottom} of {IMAGE_HEIGHT} rows",
                remedy="--crop counts rows of the simulator's image of 320 x 160 pixels",
            )
        if self.color not in COLORS:
            raise ModelError(
                "the colour space is unknown", got=self.color, remedy=f"Known: {', '.join(COLORS)}"
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ModelError(
                "the interpolation is unknown",
                got=self.interpolation,
                remedy=f"Known: {', '.join(INTERPOLATIONS)}",
            )
        if not (1 <= self.height <= MAX_EDGE and 1 <= self.width <= MAX_EDGE):
            raise ModelError(
                "the frame has a size that it cannot have",
                got=f"{self.width} x {self.height} pixels",
                remedy=f"Width and height are from 1 to {MAX_EDGE}",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the frame."""
        return self.height, self.width, COLORS[self.color]

    def document(self) -> dict[str, object]:
        """Return the description of the frame as manifests have it."""
        height, width, channels = self.shape
        document: dict[str, object] = {
            "height": height,
            "width": width,
            "channels": channels,
            "dtype": "uint8",
            "color": self.color,
            "resize": self.interpolation,
        }
        return document if self.crop == (0, 0) else {**document, "crop": list(self.crop)}

    def describe(self) -> str:
        """Return the steps in words: "rows 60 to 134 of 160, resized to 200 x 66 (area), yuv"."""
        top, bottom = self.crop
        part = "the whole picture"
        if self.crop != (0, 0):
            part = f"rows {top} to {IMAGE_HEIGHT - bottom - 1} of {IMAGE_HEIGHT}"
        size = f"{self.width} x {self.height}"
        return f"{part}, resized to {size} ({self.interpolation}), {self.color}"


OWN: Final = FrameSpec()
"""The frame of the networks that Lapwing trains, which stores keep."""
SPEC: Final[dict[str, object]] = OWN.document()
"""Description of the frames in the manifests of our models and of stores.

A change of `preprocess.prepare` that changes pixels must change this too. Then models and stores
from before the change are refused."""


def parse(document: Mapping[str, object]) -> FrameSpec:
    """Return the frame that a manifest describes.

    Raises:
        ModelError: it describes a frame that this release cannot prepare.
    """
    numbers = [document.get(key) for key in ("height", "width")]
    crop = document.get("crop", [0, 0])
    if (
        not isinstance(crop, list)
        or len(crop) != 2
        or any(type(number) is not int for number in (*numbers, *crop))
    ):
        raise _unknown_error(document)
    frame = FrameSpec(
        int(str(numbers[0])),
        int(str(numbers[1])),
        str(document.get("color")),
        str(document.get("resize")),
        (crop[0], crop[1]),
    )
    # This refuses further keys, another type of value, and a wrong number of channels.
    if frame.document() != dict(document):
        raise _unknown_error(document)
    return frame


def _unknown_error(document: Mapping[str, object]) -> ModelError:
    return ModelError(
        "the frame is described in a way that this release does not know",
        got=dict(document),
        remedy=f"A description is like {SPEC}",
    )
