"""Read tables in memory: data frames of any package that gives its columns to Arrow.

A frame is not copied: its columns become an Arrow table through the Arrow PyCapsule interface
(``__arrow_c_stream__``), which pandas, polars, PyArrow and others have.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from cali_reg.data.files import File, reason
from cali_reg.data.formats.base import Block, Description, Fragment, number_batches
from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column

_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


def is_frame(data: object) -> bool:
    """Tell whether an object is a data frame that can be read.

    Parameters
    ----------
    data : object
    """
    pandas = sys.modules.get("pandas")  # before version 2.2 it had no such interface
    return hasattr(data, "__arrow_c_stream__") or (
        pandas is not None and isinstance(data, pandas.DataFrame)
    )


def open_frame(frame: Any, name: str) -> File:
    """Return a data frame as a file that can be read like any other.

    The index of a pandas frame is read if it has a name, and not if it only numbers the rows.

    Parameters
    ----------
    frame : data frame
        For which `is_frame` is true.
    name : str
        Its name in messages.

    Raises
    ------
    DataError
        For a frame whose columns have no type that Arrow knows.
    """
    try:
        table = _to_table(frame)
        table.validate()
    except (pa.ArrowException, TypeError, ValueError) as error:
        why = "; ".join(map(str, error.args)) if len(error.args) == 2 else reason(error)
        raise DataError(f"{name}: cannot be read as a table ({why}); convert it") from None
    numbers = filter(_UNNAMED_INDEX.fullmatch, table.column_names)
    table = table.drop_columns(list(numbers))
    return File(None, "", name, "Table", {}, table.nbytes, None, ("table", id(frame)), table=table)


def _to_table(frame: Any) -> pa.Table:
    """Return a frame as a table; columns of one name, which pandas does not convert, stay so."""
    names = getattr(frame, "columns", None)
    if getattr(names, "is_unique", True):
        return pa.table(frame)
    labels = list(map(str, range(len(frame.columns))))
    table = pa.table(frame.set_axis(labels, axis="columns"))
    known = dict(zip(labels, map(str, frame.columns), strict=True))
    return table.rename_columns([known.get(label, label) for label in table.column_names])


def describe(file: File) -> Description:
    """Return the columns of a table.

    Parameters
    ----------
    file : File
    """
    schema, n_rows = file.table.schema, file.table.num_rows
    return Description(schema.names, schema.types, n_rows)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int
    """
    names = [column.name for column in columns]
    batches = fragment.file.table.select(names).to_batches(max_chunksize=size)
    yield from number_batches(batches, names, 1)
