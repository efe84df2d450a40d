"""All pictures of a version: drawn into one folder, and noted in its account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.explain import provenance, selection
from trainer.explain.explanation import Account
from trainer.explain.inspector import Eye
from trainer.explain.plots import feature_maps, frames, steering
from trainer.explain.plots.frames import View
from trainer.explain.plots.steering import Lesson
from trainer.explain.validation import Moment

Frame = npt.NDArray[np.uint8]

HARDEST: Final = 12
APART_S: Final = 2.0
"""Between two of the hardest frames of a recording."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """Draws into a folder, and notes in the account what it drew."""

    data_dir: Path
    account: Account
    eye: Eye
    out: Path

    @property
    def who(self) -> str:
        """The version, as titles call it."""
        return f"Version {self.account.version}"

    def pixels(self, moment: Moment) -> Frame:
        """Return the frame (128, 128, 3) of a row."""
        (found,) = provenance.frames(self.data_dir, moment.judged.source, [moment.row])
        return np.asarray(found)

    def validation(self, moments: Sequence[Moment]) -> None:
        """Draw the hardest frames, and the steering over time."""
        recordings = list(dict.fromkeys(id(each.judged) for each in moments))
        worst = [
            moments[at]
            for at in selection.hardest(
                np.array([each.network - each.driver for each in moments]),
                np.array([each.time_s for each in moments]),
                np.array([recordings.index(id(each.judged)) for each in moments]),
                HARDEST,
                APART_S,
            )
        ]
        seen = [self.eye.look(each.name, self.pixels(each), each.driver) for each in worst]
        frames.many(
            seen,
            f"{self.who}: the {len(seen)} hardest of the frames that it was not trained on",
            "Those on which the network is farthest from the driver, the worst first, at least "
            f"{APART_S:g} s apart. Left what the network sees, right where it looks. The driver is "
            "not always right: an impulse on a keyboard counts as an error of the network here.",
            self.out / "hardest.png",
        )
        self.account.picture("hardest.png", "the validation frames with the largest errors")
        for moment, view in zip(worst, seen, strict=True):
            self.account.hardest.append(
                {
                    "dataset": moment.judged.source.name,
                    "row": moment.row,
                    "time_s": moment.time_s,
                    **_degrees(view),
                }
            )
        courses = []
        for judged in dict.fromkeys(each.judged for each in moments):
            marked = {
                each.at: f"{rank}" for rank, each in enumerate(worst, 1) if each.judged is judged
            }
            courses.append(
                steering.Course(
                    judged.source.name,
                    judged.time_s,
                    judged.block,
                    judged.driver,
                    judged.network,
                    marked,
                )
            )
        steering.over_time(
            courses,
            f"{self.who}: steering over time, on rows that it was not trained on",
            self.out / "over-time.png",
        )
        self.account.picture("over-time.png", "the network's steering beside the driver's")

    def lessons(self, lessons: Sequence[Lesson]) -> None:
        """Draw the labels at each stage of their preparation."""
        steering.steering(
            lessons,
            f"What {self.who.lower()} was taught: the steering at each stage",
            self.out / "steering.png",
        )
        self.account.picture("steering.png", "the labels before and after each preparation")
        for each in lessons:
            zeros = float(np.mean(each.steering == 0))
            self.account.figure(each.name, len(each.steering), "labels")
            self.account.figure(f"{each.name}: share that is exactly 0", zeros, "1")

    def frame(self, name: str, pixels: Frame, driver: float | None) -> None:
        """Draw a frame, and the maps of each convolution for it."""
        number = len(self.account.frames) + 1
        view, files = self.eye.look(name, pixels, driver), [f"frame-{number}.png"]
        frames.whole(view, f"{self.who} on {name}", self.out / files[0])
        self.account.picture(files[0], f"{name}: the frame, the crop, the saliency")
        found = []
        for order, each in enumerate(self.eye.maps(pixels), 1):
            high, wide, filters = each.maps.shape
            size = f"{each.kernel[0]} x {each.kernel[1]}, stride {each.strides[0]}"
            title = f"{self.who}, convolution {order} ({size}): {filters} maps of {wide} x {high}"
            files.append(f"frame-{number}-convolution-{order}.png")
            feature_maps.activations(each.maps, view.aspect, title, name, self.out / files[-1])
            self.account.picture(files[-1], f"{name}: the {filters} maps of convolution {order}")
            found.append(
                {
                    "maps": filters,
                    "height_px": high,
                    "width_px": wide,
                    "silent_maps": feature_maps.silent(each.maps),
                }
            )
        self.account.frames.append(
            {"name": name, "files": files, **_degrees(view), "convolutions": found}
        )


def _degrees(view: View) -> dict[str, float]:
    """Return the figures of a view, degrees at the wheels."""
    found = {"network_deg": view.network_deg}
    if view.driver_deg is not None:
        found |= {"driver_deg": view.driver_deg, "error_deg": view.network_deg - view.driver_deg}
    return found
