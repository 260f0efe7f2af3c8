"""The report of a training for programs: one JSON object."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cali_reg.jobs.fit import Trained
    from cali_reg.least_squares.statistics.scores import Scores
    from cali_reg.least_squares.statistics.summary import Summary


def trained(result: Trained, summary: Summary, folder: Path, folds: Sequence[Scores] = ()) -> str:
    """Return the report of a training as JSON.

    Parameters
    ----------
    result : Trained
        The model with its solution.
    summary : Summary
        Its regression table.
    folder : Path
        Where its files were written.
    folds : sequence of Scores, default=()
        Of a cross-validation.

    Returns
    -------
    str
        One object and a line break. Numbers are not rounded; what is undefined is null.
    """
    model, table = result.model, summary.to_dict()
    rows = table.pop("coefficients")
    intercept = rows.pop(0) if model.fit_intercept else None
    content = {
        "target": model.target,
        "scores": model.scores,
        "cross_validation": [_defined(asdict(fold)) for fold in folds],
        "intercept": intercept,
        "features": rows,
        "baselines": {c.name: c.levels[0] for c in model.columns if c.levels},
        "rank": table.pop("rank"),
        "degrees_of_freedom": table.pop("degrees_of_freedom"),
        "regression": table,
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


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with None in place of NaN and infinity, which JSON does not have."""
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
