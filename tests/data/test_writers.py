"""Writers of tables: each format that is not text has one."""

from cali_reg.data.writers import FORMATS
from cali_reg.runtime.predictor import TABLE_SUFFIXES


def test_the_runtime_knows_the_formats() -> None:
    """The runtime, which must not import pyarrow, names the same endings."""
    assert sorted(FORMATS) == sorted(TABLE_SUFFIXES)
