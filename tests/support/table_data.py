"""Tables in memory as training data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cali_reg.data.california_housing import Table
from cali_reg.data.summaries.summary import Summary
from cali_reg.jobs.fit import Trained
from cali_reg.jobs.train import train
from cali_reg.jobs.training_data.base import Block
from cali_reg.jobs.training_data.embedded_data import EmbeddedData, summarize_tables
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import Column


@dataclass(frozen=True)
class TableData:
    """Training rows and held-out rows in memory, with the provenance of the embedded data."""

    rows: Table
    held_out: Table

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features."""
        return tuple(map(Column, self.rows.names))

    @property
    def target(self) -> str:
        """The target."""
        return self.rows.target

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def summary(self) -> Summary:
        """Summarize both tables."""
        return summarize_tables(self.rows, self.held_out, [slice(None)], 5)

    @property
    def plan(self) -> None:
        """The column plan: none."""
        return None

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows."""
        yield self.rows.X

    @property
    def reading(self) -> Reading:
        """As usual."""
        return USUAL

    def provenance(self) -> dict[str, Any]:
        """Return that of the embedded data."""
        return EmbeddedData().provenance()


def train_on(rows: Table, held_out: Table, **options: Any) -> Trained:
    """Train on tables."""
    return train(TableData(rows, held_out), **options)
