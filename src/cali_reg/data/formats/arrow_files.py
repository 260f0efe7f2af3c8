"""Read Arrow files. Feather is the same format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow.ipc

from cali_reg.data.files import File, open_binary
from cali_reg.data.formats.base import Block, Description, Fragment, number_batches
from cali_reg.runtime.schema import Column


def describe(file: File) -> Description:
    """Return the columns of an Arrow file.

    Parameters
    ----------
    file : File
    """
    with open_binary(file) as handle:
        schema = pyarrow.ipc.open_file(handle).schema
        return Description(schema.names, schema.types)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int
    """
    with open_binary(fragment.file) as handle:
        reader = pyarrow.ipc.open_file(handle)
        batches = (
            batch.slice(start, size)
            for batch in map(reader.get_batch, range(reader.num_record_batches))
            for start in range(0, len(batch), size)
        )
        yield from number_batches(batches, [column.name for column in columns], 1)
