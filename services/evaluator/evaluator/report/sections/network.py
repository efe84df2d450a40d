"""The network, layer by layer."""

from __future__ import annotations

from contract.models import layer_table
from contract.models.layer_table import Layer
from evaluator.report.document import Block, Paragraph, Section, Table
from evaluator.report.version_folder import VersionFolder


def section(folder: VersionFolder) -> Section:
    """Return the section on the network."""
    layers = layer_table.read(folder.root / layer_table.FILE)
    spec = folder.manifest["frame_spec"]
    size = "{height} × {width} × {channels}".format(
        **{key: spec[key].whole() for key in ("height", "width", "channels")}
    )
    blocks: list[Block] = [
        Paragraph(
            f"It takes the frame of the whole house ({size}, 8 bits, as `contract/frame.py` "
            "prepares it for training and driving alike), and answers one steering, −1 to 1. What "
            "cuts and scales the picture is part of the network, so it travels with the file."
        )
    ]
    if layers is None:
        text = (
            "The version has no `architecture.json`: an earlier release made it. `lapwing train` "
            "and `lapwing import-model` make versions that have one."
        )
        return Section("network", "Network", (*blocks, Paragraph(text, "missing")))
    rows = [_row(layer) for layer in layers]
    total = sum(layer.parameters for layer in layers)
    rows.append(("all", "", "", "", "", f"{total:,}"))
    blocks.append(
        Table(
            ("layer", "kind", "", "activation", "output", "parameters"),
            tuple(rows),
            "Layers in the order of computing; heights and widths in pixels. After Bojarski et al. "
            "2016, arXiv 1604.07316, where the network was trained here.",
            layer_table.FILE,
            words=4,
        )
    )
    return Section("network", "Network", tuple(blocks))


def _row(layer: Layer) -> tuple[str, ...]:
    shape = " × ".join(f"{size:,}" for size in layer.output_shape)
    detail = layer.detail.replace(" x ", " × ").replace("x *", "x ×").replace("-", "−")
    return (
        layer.name,
        layer.kind,
        detail,
        layer.activation,
        shape,
        f"{layer.parameters:,}",
    )
