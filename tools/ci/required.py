"""Fail unless every job before this one succeeded; for GitHub, a skipped job would be enough."""

from __future__ import annotations

import json
import os
import sys


def main() -> int:
    """Print each job's result; return 1 if any is not `success`."""
    try:
        needs = json.loads(os.environ["NEEDS"])
        results = {name: need["result"] for name, need in needs.items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        print(f"required: NEEDS is not toJSON(needs) of a workflow: {error!r}", file=sys.stderr)
        return 2
    for name, result in results.items():
        print(f"{'✔' if result == 'success' else '✘'} {name}: {result}")
    return int(not results or set(results.values()) != {"success"})


if __name__ == "__main__":
    sys.exit(main())
