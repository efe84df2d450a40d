import subprocess
import sys

from contract.dataset import unfit_rows


def test_the_counts_are_told_in_words() -> None:
    counts = {"standing": 1200, "swinging": 34}
    assert unfit_rows.describe(counts) == "1,234 rows (1,200 standing, 34 swinging)"


def test_the_command_line_which_tells_of_them_loads_no_numpy() -> None:
    """Its image has none."""
    code = "import sys, lapwing.app; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
