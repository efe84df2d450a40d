"""Finds the road in a camera's image: where its middle is, how it lies to the car, how it bends.

The image is laid out on level ground, as seen from above. Each of its pixels says by its colour how
much rather it belongs to the road than to what is beside the road. These colours are learnt from
the recording itself: what lies just ahead of the car is nearly always road, and what lies far to
the side seldom is. The roads that these colours find teach them once more. Roads of one width are
compared, each an arc of a circle, by how much of the road's colours lies within and how little
outside.

Colours were learnt from the ground just ahead by Thrun et al. 2006, Stanley: The Robot that Won the
DARPA Grand Challenge, section 5, with a laser. Arcs on the ground are from Dickmanns and Mysliwetz
1992, Recursive 3-D Road and Relative Ego-State Recognition.

A crest, a dip or a road in the colours of its verge breaks these assumptions. `support` tells it:
it is the share of the colours' evidence that agrees with the road that was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluator.offline.view_warp import FRAME, PREFAB, camera_intrinsics, camera_rotation
from simulator.rendering.scene_preset import CameraPose

AHEAD_M: Final = np.arange(3.0, 16.25, 0.5)
"""Distances ahead of the camera at which the ground is looked at; nearer is the car's bonnet."""
CELL_M: Final = 0.1
LEFT_M: Final = np.arange(-90, 91) * CELL_M
"""Distances to the left of the camera."""
SUMS: Final = len(LEFT_M) + 1
"""Sums of the evidence to the right of each cell's left edge, and of all, at each distance."""
BIN_BITS: Final = (4, 5, 5)
"""Bits of a colour's brightness, and of its shares of red and of green."""
NEAR_M: Final = (1.5, 9.0)
"""What is nearer to the car's line than the first, and to the camera than the second, is taken for
road while the colours are learnt."""
FAR_M: Final = 6.0
"""What is further to the side than this is taken for ground beside the road."""
MAX_LOG_ODDS: Final = 2.0
"""No colour says more than this, so that a few pixels cannot decide."""
RARE: Final = 1e-6
"""Share of pixels below which nothing is known of a colour."""
MARGIN_CELLS: Final = 4
"""What is nearer than this to an edge that was found teaches nothing: the edge may be a line."""
MIN_TEACHING_SUPPORT: Final = 0.8
"""An image with less support does not teach the colours of its road."""
MIN_TEACHING_IMAGES: Final = 10
"""With fewer images that teach, the colours stay as they were first learnt."""
HEADINGS_RAD: Final = np.radians(np.arange(-20, 20.1, 2.0))
CURVATURES_PER_M: Final = np.arange(-4, 4.1) * 0.02
OFFSETS_M: Final = np.arange(-30, 31) * 0.2
WIDTHS_M: Final = np.arange(5.0, 14.1, 0.5)
TEMPERATURE: Final = 1.5
"""A difference in score of this makes a road e times as likely, in log odds times metres."""

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class SeenRoad:
    """The road in one image: an arc of a circle on the ground, in the camera's axes."""

    offset_m: float
    """Offset of the road's middle at the camera, positive to the left."""
    heading_rad: float
    """Heading of the road at the camera relative to the car's, positive to the left."""
    curvature_per_m: float
    """Curvature, positive in a bend to the left."""
    support: float
    """Share of the evidence that agrees with this road, 0.5 for none to 1."""

    def places(self, along_m: Floats) -> Floats:
        """Return where the road's middle is at some distances along it from beside the camera.

        Args:
            along_m: distances along the road, shape (places,).

        Returns:
            Metres ahead and to the left of the camera, and the road's heading, shape (places, 3).
        """
        heading = self.heading_rad + self.curvature_per_m * along_m
        # The chord of an arc: numpy's sinc is sin(pi x) / (pi x).
        chord = along_m * np.sinc(self.curvature_per_m * along_m / 2 / np.pi)
        middle = (self.heading_rad + heading) / 2
        return np.column_stack(
            [chord * np.cos(middle), self.offset_m + chord * np.sin(middle), heading]
        )


class RoadFinder:
    """Finds roads in images of the centre camera.

    Args:
        pose: how the camera stands.
        shape: shape of the images, RGB: FRAME as recorded, or (128, 128, 3) as stores keep them.
    """

    def __init__(self, pose: CameraPose = PREFAB, shape: tuple[int, int, int] = FRAME) -> None:
        ahead, left = np.meshgrid(AHEAD_M, LEFT_M, indexing="ij")
        points = np.stack([ahead, left, np.full_like(ahead, -pose.height_m)])
        project = camera_intrinsics(pose, shape) @ camera_rotation(pose).T
        x, y, depth = np.tensordot(project, points, 1)
        x, y = x / depth, y / depth
        self._maps = x.astype(np.float32), y.astype(np.float32)
        self._seen = (x >= 0) & (x <= shape[1] - 1) & (y >= 0) & (y <= shape[0] - 1)
        self._near = self._seen & (abs(left) < NEAR_M[0]) & (ahead < NEAR_M[1])
        self._far = self._seen & (abs(left) > FAR_M)
        self._width_m, self._edges = 0.0, (np.empty(0, np.intp), np.empty(0, np.intp))
        self._states = np.stack(
            np.meshgrid(OFFSETS_M, HEADINGS_RAD, CURVATURES_PER_M, indexing="ij"), axis=-1
        ).reshape(-1, 3)

    def lay_out(self, image: Image) -> Codes:
        """Return the colour's number of each cell of the ground, shape (AHEAD_M, LEFT_M)."""
        smooth = cv2.GaussianBlur(image, (3, 3), 0)
        ground = cv2.remap(smooth, *self._maps, cv2.INTER_LINEAR).astype(np.int32)
        total = ground.sum(axis=-1) + 1
        # Shares of red and of green: a shadow changes the sum, and hardly the shares.
        shares = (ground[..., :2] * 160) // total[..., None] - 37
        hues = np.clip(shares, 0, 31)
        return np.asarray(((total // 48).clip(0, 15) << 10) | (hues[..., 0] << 5) | hues[..., 1])

    def learn(self, grounds: Iterable[Codes]) -> Floats:
        """Return the log odds of each colour that it is road, from grounds of one recording."""
        return _log_odds((codes[self._near], codes[self._far]) for codes in grounds)

    def learn_again(self, grounds: Iterable[Codes], log_odds: Floats, width_m: float) -> Floats:
        """Return the log odds of each colour, learnt from the roads that a first guess finds.

        A car that keeps to one side of its lane has verge ahead of it for a part of the time, and
        a verge in the shade is as dark as asphalt. Most images show where such a place lies: beside
        the road, not on it. So each image tells the colours on both sides of its road's edges. This
        is self-training (Scudder 1965, Probability of error of some adaptive pattern-recognition
        machines, IEEE Transactions on Information Theory 11 (3), 363-371).
        """
        sides = []
        for codes in grounds:
            scores = self._scores(codes, log_odds, width_m)
            if self._support(codes, log_odds, scores.max()) < MIN_TEACHING_SUPPORT:
                continue
            best = np.unravel_index(int(scores.argmax()), scores.shape)
            left, right = (edge[best][:, None] % SUMS for edge in self._edges_of(width_m))
            cells = np.arange(len(LEFT_M))
            on_road = (cells >= right + MARGIN_CELLS) & (cells < left - MARGIN_CELLS)
            beside = (cells < right - MARGIN_CELLS) | (cells >= left + MARGIN_CELLS)
            sides.append((codes[self._seen & on_road], codes[self._seen & beside]))
        return _log_odds(sides) if len(sides) >= MIN_TEACHING_IMAGES else log_odds

    def width_m(self, grounds: Sequence[Codes], log_odds: Floats) -> float:
        """Return the width of the road of a recording: the mean of what its images say.

        Some images have the road end at its lines, others at the kerb beyond them, and a bridge may
        be wider. A median jumps from the ones to the others; a mean is nearly the same for three
        recordings of one track.
        """
        scores = [
            [self._scores(codes, log_odds, width).max() for codes in grounds] for width in WIDTHS_M
        ]
        return float(np.mean(WIDTHS_M[np.argmax(scores, axis=0)]))

    def measure(self, codes: Codes, log_odds: Floats, width_m: float) -> SeenRoad:
        """Return the road of this width in an image.

        It is the mean of all roads, weighed by exp(score / TEMPERATURE) as by a likelihood.
        """
        scores = self._scores(codes, log_odds, width_m).ravel()
        best = scores.max()
        weights = np.exp((scores - best) / TEMPERATURE)
        offset, heading, curvature = weights @ self._states / weights.sum()
        support = self._support(codes, log_odds, best)
        return SeenRoad(float(offset), float(heading), float(curvature), support)

    def _support(self, codes: Codes, log_odds: Floats, score: float) -> float:
        """Return the share of the evidence that agrees with a road of this score."""
        evidence = CELL_M * np.abs(np.where(self._seen, log_odds[codes], 0)).sum()
        return float(0.5 + score / max(float(evidence), 1e-9) / 2)

    def _scores(self, codes: Codes, log_odds: Floats, width_m: float) -> Floats:
        """Return the evidence within each road less that outside, (offsets, headings, bends)."""
        odds = np.where(self._seen, log_odds[codes], 0.0).astype(np.float32)
        # Evidence to the right of each cell's left edge, in log odds times metres.
        sums = np.zeros((len(AHEAD_M), SUMS), dtype=np.float32)
        np.cumsum(odds * CELL_M, axis=1, out=sums[:, 1:])
        left, right = (sums.take(edge, mode="clip") for edge in self._edges_of(width_m))
        return np.asarray(2 * (left - right).sum(axis=-1) - sums[:, -1].sum(), dtype=np.float64)

    def _edges_of(self, width_m: float) -> tuple[Indices, Indices]:
        """Return which of the flattened sums lie at both edges of each road; see road_edges.

        They take 5 MB, so only those of the last width are kept.
        """
        if width_m != self._width_m:
            left, right = road_edges(width_m)
            self._width_m, self._edges = width_m, (_cells(left), _cells(right))
        return self._edges


def road_edges(width_m: float) -> tuple[Floats, Floats]:
    """Return where the left and the right edge of each road are, at each distance ahead.

    A road's middle goes through the point `offset` to the left of the camera. Its edges are circles
    about the same centre. Where a road has turned away so far that its inner edge is not reached,
    it ends at its outer edge; and where that is not reached either, there is no road: both edges
    are equal.

    Args:
        width_m: width of the road.

    Returns:
        Two arrays of metres to the left, shape (offsets, headings, curvatures, distances).
    """
    offset, heading, curvature = np.meshgrid(
        OFFSETS_M, HEADINGS_RAD, CURVATURES_PER_M, indexing="ij"
    )
    bend = np.where(curvature == 0, 1e-9, curvature)  # a circle of this radius is a line
    side = np.sign(bend)
    radius = 1 / np.abs(bend)
    ahead = AHEAD_M + (np.sin(heading) / bend)[..., None]
    centre = (offset + np.cos(heading) / bend)[..., None]
    inner = ((radius - width_m / 2)[..., None]) ** 2 - ahead**2
    outer = ((radius + width_m / 2)[..., None]) ** 2 - ahead**2
    far = np.sqrt(np.maximum(outer, 0)) * side[..., None]
    near = np.sqrt(np.maximum(inner, 0)) * side[..., None]
    # For a bend to the left the centre is on the left: the outer edge is the right one.
    outer_edge = centre - far
    inner_edge = np.where(inner > 0, centre - near, centre + far)
    to_left = side[..., None] > 0
    return np.where(to_left, inner_edge, outer_edge), np.where(to_left, outer_edge, inner_edge)


def _log_odds(sides: Iterable[tuple[Codes, Codes]]) -> Floats:
    """Return the log odds of each colour that it is road.

    Args:
        sides: numbers of colours on the road and beside it, shape (pixels,), of each image.
    """
    counts = np.zeros((2, 1 << sum(BIN_BITS)))
    for side in sides:
        for number, codes in enumerate(side):
            counts[number] += np.bincount(codes, minlength=counts.shape[1])
    shares = []
    for count in counts:
        table = count.reshape([1 << bits for bits in BIN_BITS])
        for axis in range(3):  # neighbouring colours are alike
            padded = np.pad(table, [(1, 1) if a == axis else (0, 0) for a in range(3)], "edge")
            low, high = (np.roll(padded, step, axis) for step in (1, -1))
            inner = tuple(slice(1, -1) if a == axis else slice(None) for a in range(3))
            table = ((low + 2 * padded + high) / 4)[inner]
        shares.append(table.ravel() / max(1.0, count.sum()))
    on_road, beside = shares
    odds = np.log((on_road + RARE) / (beside + RARE))
    return np.asarray(np.clip(odds, -MAX_LOG_ODDS, MAX_LOG_ODDS))


def _cells(left_m: Floats) -> Indices:
    """Return the index, among the flattened sums, of the cell whose left edge is nearest."""
    cells = np.rint((left_m - LEFT_M[0]) / CELL_M + 0.5)
    rows = np.arange(len(AHEAD_M)) * SUMS
    return np.asarray(rows + np.clip(cells, 0, len(LEFT_M)), dtype=np.intp)
