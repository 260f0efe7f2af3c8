"""A hook of MkDocs: the site asks no other host for anything; see mkdocs.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*?\bsrc=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))"""
    r"""[^>]*?\bhref=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|(?:@import|url\()\s*["']?((?:https?:)?//[^"')\s]+)"""
)


def outside_requests(text: str) -> list[str]:
    """Return the addresses on other hosts that a browser would load for a page or style sheet."""
    return ["".join(groups) for groups in _LOADED.findall(text)]


def on_post_build(config: dict[str, Any]) -> None:
    """Fail if a page or a style sheet of the site loads something from another host."""
    for path in sorted(Path(config["site_dir"]).rglob("*")):
        if path.suffix not in (".html", ".css"):
            continue
        if found := outside_requests(path.read_text("utf-8")):
            raise SystemExit(f"{path}: loads {found[0]}; expected nothing from other hosts")
