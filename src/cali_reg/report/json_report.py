"""The report of a training for programs: one JSON object."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cali_reg.least_squares.statistics.distributions import two_sided_p_value

if TYPE_CHECKING:
    from cali_reg.jobs.fit import Trained
    from cali_reg.least_squares.statistics.scores import Scores


def trained(result: Trained, folder: Path, folds: Sequence[Scores] = ()) -> str:
    """Return the report of a training as JSON.

    Parameters
    ----------
    result : Trained
        The model with its solution.
    folder : Path
        Where its files were written.
    folds : sequence of Scores, default=()
        Of a cross-validation.

    Returns
    -------
    str
        One object and a line break. Numbers are not rounded; what is undefined is null.
    """
    model, solution = result.model, result.solution
    values = zip(model.names, solution.coefficients, solution.standard_errors, strict=True)
    freedom = solution.degrees_of_freedom
    intercept = _estimate(solution.intercept, solution.intercept_standard_error, freedom)
    content = {
        "target": model.target,
        "scores": model.scores,
        "cross_validation": [_defined(asdict(fold)) for fold in folds],
        "intercept": intercept if model.fit_intercept else None,
        "features": [{"name": n, **_estimate(value, e, freedom)} for n, value, e in values],
        "baselines": {c.name: c.levels[0] for c in model.columns if c.levels},
        "rank": model.rank,
        "degrees_of_freedom": freedom,
        "source": model.source,
        "plan": model.plan,
        "notes": list(result.notes),
        "fingerprints": {"model": model.fingerprint, "moments": model.moments_fingerprint},
        "files": [
            {
                "path": str(folder / name),
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            for name, data in result.files.items()
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _estimate(value: float, error: float, degrees_of_freedom: int) -> dict[str, float | None]:
    """Return a coefficient with its standard error, Student's t and the two-sided p-value."""
    t = value / error if error > 0 else math.nan
    p = math.nan if math.isnan(t) else two_sided_p_value(degrees_of_freedom, t)
    return _defined({"coefficient": value, "standard_error": error, "t": t, "p": p})


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with None in place of NaN and infinity, which JSON does not have."""
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
