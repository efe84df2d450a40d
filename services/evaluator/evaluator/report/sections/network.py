"""The section on the network, layer by layer."""

from __future__ import annotations

from contract.models import layer_table
from contract.models.layer_table import Layer
from evaluator.report.document import Block, Paragraph, Section, Table
from evaluator.report.version_folder import JsonValue, VersionFolder


def section(folder: VersionFolder) -> Section:
    """Return the section on the network."""
    layers = layer_table.read(folder.root / layer_table.FILE)
    spec = folder.manifest["frame_spec"]
    size = "{height} × {width} × {channels}".format(
        **{key: spec[key].integer() for key in ("height", "width", "channels")}
    )
    blocks: list[Block] = [
        Paragraph(
            f"The input is a frame of {size}, 8 bits, {spec['color'].text()}, which "
            "`contract/frames/preprocess.py` prepares in the same way for training and for "
            f"driving{_steps(spec)}. The output is one steering value from −1 to 1. Further "
            "cropping, and scaling, are layers of the network, so every program that loads the "
            "model file does them in the same way."
        )
    ]
    if layers is None:
        text = (
            f"The version has no `{layer_table.FILE}`, because an earlier release made it. "
            "`lapwing train` and `lapwing import-model` make versions that have one."
        )
        return Section("network", "Network", (*blocks, Paragraph(text, "missing")))
    rows = [_row(layer) for layer in layers]
    rows.append(("total", "", "", "", "", f"{sum(layer.parameters for layer in layers):,}"))
    blocks.append(
        Table(
            ("layer", "kind", "options", "activation", "output", "parameters"),
            tuple(rows),
            "The layers are in the order of computation; heights and widths are in pixels. A "
            "network that was trained here follows Bojarski et al. 2016, arXiv 1604.07316.",
            layer_table.FILE,
            words=4,
        )
    )
    return Section("network", "Network", tuple(blocks))


def _steps(spec: JsonValue) -> str:
    """Return how the camera's picture becomes the frame."""
    steps = f": it is resized ({spec['resize'].text()})"
    if spec.get("crop") is None:
        return steps
    top, bottom = (rows.integer() for rows in spec["crop"])
    return f": {top} rows are cut off the top and {bottom} off the bottom of 160, then{steps[4:]}"


def _row(layer: Layer) -> tuple[str, ...]:
    detail = layer.detail.replace(" x ", " × ").replace("x *", "x ×").replace("-", "−")
    return (
        layer.name,
        layer.kind,
        detail,
        layer.activation,
        " × ".join(f"{size:,}" for size in layer.output_shape),
        f"{layer.parameters:,}",
    )
