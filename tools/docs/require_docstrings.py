"""A Griffe extension: a public name without a docstring fails `make site`; see mkdocs.yml."""

from typing import Any

import griffe


class RequireDocstrings(griffe.Extension):
    """Warn about public modules, classes, functions and properties without a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Look at one object; attributes are described by their class or module."""
        is_private = any(part.startswith("_") for part in obj.path.split("."))
        is_attribute = obj.is_attribute and not obj.has_labels("property")
        if not (is_private or is_attribute or obj.has_docstring):
            griffe.logger.warning(f"{obj.filepath}:{obj.lineno}: {obj.path} has no docstring")
