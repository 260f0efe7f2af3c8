"""The tables that the commands print."""

import subprocess
import sys


def test_tables_load_no_heavy_package() -> None:
    """Importing the tables leaves SciPy, scikit-learn and FLINT alone."""
    code = (
        "import sys, cali_reg.report.tables;"
        "heavy = {'numpy', 'scipy', 'sklearn', 'joblib', 'flint', 'pyarrow'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
