"""Keras layers that do nothing during inference: dropout, noise, and augmentation of images.

Augmentation that changes images in inference too, such as RandomCrop, which cuts out the centre,
is not in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

IDLE_LAYERS: Final = frozenset(
    {
        "InputLayer",
        # regularisation
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "AlphaDropout",
        "GaussianNoise",
        "GaussianDropout",
        "ActivityRegularization",
        # augmentation
        "AugMix",
        "CutMix",
        "MixUp",
        "RandAugment",
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHeight",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomWidth",
        "RandomZoom",
    }
)


def is_idle(class_name: str, config: Mapping[str, Any]) -> bool:
    """Tell whether a layer does nothing during inference.

    A Sequential inside a network, in which authors often collect the augmentation, is idle if all
    of its layers are.
    """
    layers = config.get("layers")
    if class_name == "Sequential" and isinstance(layers, list):
        return all(
            isinstance(layer, dict)
            and layer.get("class_name") in IDLE_LAYERS
            and layer.get("registered_name") in (None, layer.get("class_name"))
            for layer in layers
        )
    return class_name in IDLE_LAYERS
