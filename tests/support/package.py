"""The package's modules, by their dotted names inside of it."""

from pathlib import Path

import cali_reg

STANDARD_LIBRARY_ONLY = ["errors", "runtime", "cli", "__main__"]  # when imported


PACKAGE = Path(cali_reg.__file__).parent


PATHS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}


MODULES = sorted(PATHS)
