"""Plan the columns of files: survey what is text, sum up the rest, leave out what is no feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from cali_reg.data.columns.dependence import find_dependent
from cali_reg.data.columns.facts import Facts
from cali_reg.data.columns.plan import (
    CATEGORY,
    LEFT_OUT,
    NUMBER,
    TARGET,
    USED,
    Asked,
    Choice,
    Plan,
    QuestionMarkError,
    check_target,
    decide,
    first_look,
    has_only_marks,
    is_key_name,
    mixture,
    used,
)
from cali_reg.data.dataset import Dataset
from cali_reg.data.summaries.summary import PartialSummary
from cali_reg.data.summaries.survey import Survey
from cali_reg.errors import DataError
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.cell_parser import parse_category
from cali_reg.runtime.schema import Column, categorical

SurveyDataset = Callable[[Dataset, Sequence[Column], frozenset[str]], Survey]
Summarize = Callable[[tuple[Column, ...]], PartialSummary]


class ColumnPlanner:
    """Finds the columns to train on.

    Parameters
    ----------
    datasets : sequence of Dataset
        The rows to train on, which give the columns; and those of files to be held out, if any.
    target : str
    asked : Asked
    features : sequence of str, optional
        The columns to use, all of them; by default those that can be used.
    not_missing : mapping of str to sequence of str
        For some columns of text, the missing marks that are categories there.
    fit_intercept : bool
        Whether the model has an intercept.
    skips : bool
        Whether rows with text among numbers are skipped.
    survey : callable
        Surveys some columns of a dataset.
    """

    def __init__(
        self,
        datasets: Sequence[Dataset],
        target: str,
        asked: Asked,
        features: Sequence[str] | None,
        not_missing: Mapping[str, Sequence[str]],
        fit_intercept: bool,
        skips: bool,
        survey: SurveyDataset,
    ) -> None:
        self._datasets, self._target, self._asked = datasets, target, asked
        self._are_named, self._survey = features is not None, survey
        self._skips = skips
        self._not_missing, self._fit_intercept = not_missing, fit_intercept
        self._fragments = [f for dataset in datasets for f in dataset.fragments]
        self._surveyed: set[str] = set()
        self._choices: dict[str, Choice] = {}
        self._facts: dict[str, Facts] = {}
        self._choose(features)
        self._find_marks()

    def plan(self, summarize: Summarize) -> tuple[Plan, PartialSummary]:
        """Find the columns, and summarize the rows with them.

        Parameters
        ----------
        summarize : callable
            Summarizes all rows with some columns to predict from.

        Returns
        -------
        plan : Plan
        summary : PartialSummary
            Of the rows with the columns that are used.

        Raises
        ------
        DataError
            For rows that cannot be used, and if no column is left.
        QuestionMarkError
            If they are missing values, so that files are to be read in another way.
        """
        while True:
            columns = used(self._choices.values(), self._not_missing)
            if not columns:
                raise self._nothing_left()
            try:
                summary = summarize(columns)
            except DataError as error:
                if not self._survey_numbers(error):
                    raise
            else:
                self._count_missing(summary, columns)
                if self._are_named or not self._leave_out(summary, columns):
                    return Plan(self._final(summary, columns), self._asked), summary

    def _choose(self, features: Sequence[str] | None) -> None:
        """Choose columns by the types of the files, and survey those that these do not tell."""
        unknown = []
        for name in self._datasets[0].fragments[0].kinds if features is None else features:
            look = first_look(self._fragments, name)
            choice = Choice(name, NUMBER)
            if name == self._target:
                choice = Choice(name, TARGET)
            elif name in self._asked.exclude:
                choice = choice.leave_out("excluded")
            elif name in self._asked.categorical:
                choice = Choice(name, CATEGORY)
            elif look not in (NUMBER, "unknown", "empty") and not self._are_named:
                choice = choice.leave_out(look)
            elif look in ("unknown", "empty") or (is_key_name(name) and not self._are_named):
                unknown.append(name)
            self._choices[name] = choice
        if first_look(self._fragments, self._target) in ("unknown", "empty"):
            unknown.append(self._target)
        self._decide(unknown, self._surveys(unknown))

    def _surveys(self, names: Sequence[str]) -> list[Survey]:
        """Survey some columns of each dataset."""
        if not names:
            return []
        self._surveyed |= set(names)
        columns = [
            Column(name, (), not_missing=tuple(self._not_missing.get(name, ()))) for name in names
        ]
        keys = frozenset(filter(is_key_name, names))
        return [self._survey(dataset, columns, keys) for dataset in self._datasets]

    def _decide(self, names: Sequence[str], surveys: Sequence[Survey]) -> None:
        """Decide what some columns are used for."""
        for name in names:
            training = surveys[0].facts[name]
            facts = sum((s.facts[name] for s in surveys[1:]), training)
            self._facts[name] = facts
            if self._is_marked(name):
                continue
            if name == self._target:
                check_target(name, facts, skips=self._skips)
            else:
                typed = self._is_typed(name)
                choice = decide(
                    name, facts, training, self._asked, is_typed=typed, skips=self._skips
                )
                self._choices[name] = self._kept(choice, facts)

    def _is_marked(self, name: str) -> bool:
        """Tell whether question marks are all that is no number in a column."""
        facts = self._facts.get(name)
        may_be = not self._skips and name not in self._asked.categorical
        return bool(may_be and facts and has_only_marks(facts)) and not self._is_typed(name)

    def _find_marks(self) -> None:
        """Take question marks for missing values, if no category is one."""
        if not any(map(self._is_marked, self._facts)):
            return
        names = [name for name, choice in self._choices.items() if choice.use in USED]
        rest = [n for n in (*names, self._target) if n in self._in_cells() or self._is_category(n)]
        rest = [name for name in rest if name not in self._facts]
        self._decide(rest, self._surveys(rest))
        marked = [name for name in (*names, self._target) if self._is_marked(name)]
        if any(self._is_category(name) and self._facts[name].marks for name in self._facts):
            raise mixture(marked[0], self._facts[marked[0]])
        raise QuestionMarkError({name: self._facts[name].marks for name in marked})

    def _is_category(self, name: str) -> bool:
        return name in self._choices and self._choices[name].use == CATEGORY

    def _in_cells(self) -> set[str]:
        """Return the columns of files whose values have no types of their own."""
        return {name for f in self._fragments if f.file.is_of_cells for name in f.types}

    def _kept(self, choice: Choice, facts: Facts) -> Choice:
        """Return the choice of a column that is used in any case, if it was named."""
        if choice.use != LEFT_OUT or not self._are_named:
            return choice
        is_number = facts.numbers + facts.booleans == facts.values
        return replace(choice, use=NUMBER if is_number else CATEGORY, reason=None)

    def _is_typed(self, name: str) -> bool:
        """Tell whether a file says that a column holds text."""
        return any(
            fragment.kinds.get(name) == "text" and not fragment.file.is_of_cells
            for fragment in self._fragments
            if name not in fragment.keys
        )

    def _survey_numbers(self, error: DataError) -> bool:
        """Survey the CSV columns that were taken for numbers; tell whether a choice changed.

        Raises `error` if the files cannot be read, and DataError for what is no number.
        """
        in_cells = self._in_cells() - self._surveyed
        numbers = [name for name, choice in self._choices.items() if choice.use == NUMBER]
        before = dict(self._choices)
        names = [name for name in (*numbers, self._target) if name in in_cells]
        try:
            surveys = self._surveys(names)
        except DataError:
            raise error from None
        self._decide(names, surveys)
        self._find_marks()
        return [c.use for c in before.values()] != [c.use for c in self._choices.values()]

    def _count_missing(self, summary: PartialSummary, columns: Sequence[Column]) -> None:
        names = [*(column.name for column in columns), self._target]
        for name, n in zip(names, summary.missing.by_column, strict=False):
            if name in self._choices:
                self._choices[name] = replace(self._choices[name], missing=n)

    def _leave_out(self, summary: PartialSummary, columns: Sequence[Column]) -> bool:
        """Leave out columns that tell nothing; return whether there are any."""
        n_complete = sum(group.n_rows for group in summary.groups)
        n_rows = summary.n_rows
        found = {
            column.name: "empty"
            for column in columns
            if n_rows and self._choices[column.name].missing == n_rows
        }
        if not found and n_complete:
            found = self._constant_categories(summary, columns)
        if not found and n_complete and not self._asked.allow_collinear:
            found = self._dependent_numbers(summary, columns)
        # those with missing values first: without them there are more rows to judge by
        some = {name: r for name, r in found.items() if self._choices[name].missing} or found
        for name, reason in some.items():
            self._choices[name] = self._choices[name].leave_out(reason)
        return bool(found)

    def _constant_categories(
        self, summary: PartialSummary, columns: Sequence[Column]
    ) -> dict[str, str]:
        return {
            column.name: "constant in the training rows"
            for c, column in enumerate(categorical(columns))
            if column.name not in self._asked.categorical
            and len(set(map(parse_category, summary.training_counts(c)))) == 1
        }

    def _dependent_numbers(
        self, summary: PartialSummary, columns: Sequence[Column]
    ) -> dict[str, str]:
        names = [column.name for column in columns if column.levels is None]
        grams = [group.gram for group in summary.groups]
        find = partial(find_dependent, names=names, fit_intercept=self._fit_intercept)
        everywhere = find(Moments(sum(grams[1:], start=grams[0])))
        if everywhere:
            return everywhere
        training = find(Moments(sum(grams[2:], start=grams[1])))
        return {name: f"{reason} in the training rows" for name, reason in training.items()}

    def _final(self, summary: PartialSummary, columns: Sequence[Column]) -> tuple[Choice, ...]:
        """Return the choices, with the ranges of the numbers."""
        names = [column.name for column in columns if column.levels is None]
        limits = zip(names, summary.lowest.tolist(), summary.highest.tolist(), strict=True)
        for name, low, high in limits:
            if low <= high:
                choice = replace(self._choices[name], minimum=low, maximum=high)
                self._choices[name] = choice
        return tuple(self._choices.values())

    def _nothing_left(self) -> DataError:
        reasons = _listed(c for c in self._choices.values() if c.use == LEFT_OUT)
        return DataError(
            f"{self._datasets[0].name}: no column is left to predict from{reasons}; name columns"
            " to use with --features"
        )


def _listed(choices: Iterable[Choice]) -> str:
    reasons = [f"{choice.name[:40]} ({choice.reason})" for choice in choices]
    more = f" and {len(reasons) - 6} more" if len(reasons) > 6 else ""
    return f": {', '.join(reasons[:6])}{more}" if reasons else ""
