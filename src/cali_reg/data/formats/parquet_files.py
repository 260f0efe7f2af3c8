"""Read Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow.parquet

from cali_reg.data.files import File, open_binary
from cali_reg.data.formats.base import Block, Description, Fragment, number_batches, validated
from cali_reg.runtime.schema import Column

_BUFFER = 1 << 18  # bytes of a column that are read at once


def describe(file: File) -> Description:
    """Return the columns of a Parquet file, and its row groups.

    Parameters
    ----------
    file : File
    """
    with open_binary(file) as handle:
        parquet = pyarrow.parquet.ParquetFile(handle)
        schema, metadata = parquet.schema_arrow, parquet.metadata
        groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        return Description(schema.names, schema.types, metadata.num_rows, groups)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int
    """
    names = [column.name for column in columns]
    with open_binary(fragment.file) as handle:
        parquet = pyarrow.parquet.ParquetFile(handle, pre_buffer=False, buffer_size=_BUFFER)
        batches = parquet.iter_batches(
            size, row_groups=fragment.row_groups, columns=names, use_threads=False
        )
        yield from number_batches(map(validated, batches), names, fragment.first_row)
