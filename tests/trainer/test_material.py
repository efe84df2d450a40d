import numpy as np
from support.data import rows

from trainer import material


def test_steering_is_smoothed_first_and_then_made_less_common() -> None:
    table = rows.rows(400)
    table["steering"] = np.where(np.arange(400) % 40 == 0, 0.5, 0.0)
    mask = np.arange(400) < 300
    options = {"balance": 1.0, "seed": 3}
    (plain,) = material.prepared([table], [mask], smooth_s=0.0, balance=0.0, seed=3)
    np.testing.assert_array_equal(plain.kept, mask)
    np.testing.assert_array_equal(plain.steering, table["steering"])
    (found,) = material.prepared([table], [mask], smooth_s=1.0, **options)
    assert found.steering.max() < 0.09  # an impulse over six rows or more
    assert 0 < found.kept.sum() < mask.sum()
    assert not found.kept[300:].any()
    np.testing.assert_array_equal(found.mask, mask)


def test_each_recording_has_a_chance_of_its_own() -> None:
    """And the same one at every call."""
    tables, masks = [rows.rows(300)] * 2, [np.ones(300, bool)] * 2
    for table in tables:
        table["steering"] = 0.0
        table["steering"][:10] = 0.5
    one, other = material.prepared(tables, masks, smooth_s=0.0, balance=1.0, seed=1)
    again, _ = material.prepared(tables, masks, smooth_s=0.0, balance=1.0, seed=1)
    assert not np.array_equal(one.kept, other.kept)
    np.testing.assert_array_equal(one.kept, again.kept)
