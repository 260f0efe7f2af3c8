"""Create the root folder of the image, in the build stage: Python and what a prediction needs.

That is the interpreter, the libraries that it links to, and the modules that a prediction imports,
directly or not. All come from the base image. At the end, all files get the same time, and modes
that depend only on their kind, so that the same sources give the same layer on every machine.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from modulefinder import ModuleFinder
from pathlib import Path
from py_compile import PycInvalidationMode

STDLIB = Path(sysconfig.get_path("stdlib"))
INTERPRETER = Path("/usr/local/bin/python3")
# The program, the module behind `-m`, what every start imports, and the encodings of text files.
IMPORTED = ["runpy", "site", "os"]
IMPORTED += [f"encodings.{name}" for name in ("ascii", "latin_1", "utf_8", "utf_8_sig")]
IMPORTED += [f"encodings.{name}" for name in ("cp1252", "utf_16", "utf_16_be", "utf_16_le")]
# Modules of the library import these for their own tests and for interactive use.
LEFT_OUT = ["_pyrepl", "doctest", "pdb", "pydoc", "readline", "rlcompleter", "unittest"]


def main() -> None:
    """Create the root folder around the artifacts that are in it already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fingerprint", help="the model's fingerprint in the image's label")
    parser.add_argument("source", type=Path, help="folder with the package")
    parser.add_argument("root", type=Path)
    options = parser.parse_args()
    libraries = linked_by(INTERPRETER)
    copy(INTERPRETER, options.root)
    for library in libraries:
        copy(library, options.root)
    for module in imported(options.source):
        if module.suffix != ".so" or linked_by(module) <= libraries:
            copy(module, options.root, place(module, options.source))
    describe(libraries, options.root)
    compile_modules(options.root)
    check(options.root, options.fingerprint)
    make_equal(options.root)


def imported(source: Path) -> list[Path]:
    """Return the files of the package and of all modules that it imports, directly or not."""
    path = [str(source), str(STDLIB), str(STDLIB / "lib-dynload")]
    finder = ModuleFinder(path=path, excludes=LEFT_OUT)
    # all of its modules: it imports some of them by names that it computes
    own = (file.relative_to(source).with_suffix("") for file in sorted(source.rglob("*.py")))
    for name in [*IMPORTED, *(".".join(module.parts).removesuffix(".__init__") for module in own)]:
        finder.import_hook(name)
    files = [getattr(module, "__file__", None) for module in finder.modules.values()]
    return sorted(Path(file) for file in files if file)


def linked_by(binary: Path) -> set[Path]:
    """Return the libraries that a binary loads, and the loader.

    An extension module that needs more libraries than the interpreter is left out: the standard
    library works without OpenSSL or zlib, and hashlib has its own SHA-256.
    """
    text = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    return {Path(os.path.normpath(path)) for path in re.findall(r"^\s.*?(/\S+) \(", text, re.M)}


def place(module: Path, source: Path) -> Path:
    """Return where a module is found in the image."""
    if module.is_relative_to(source):
        return STDLIB / "site-packages" / module.relative_to(source)
    return module


def copy(file: Path, root: Path, target: Path | None = None) -> None:
    """Copy a file to the same path under the root, or to the path of `target`."""
    path = root / (target or file).relative_to("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, path)


def describe(libraries: set[Path], root: Path) -> None:
    """Tell scanners which packages the libraries come from, and the loader where they are.

    The format is the one of images without a package manager: a file for each package in status.d.
    """
    copy(Path("/etc/os-release"), root)
    copy(STDLIB / "LICENSE.txt", root)
    query = ["dpkg-query", "--search", *sorted(f"*/{library.name}" for library in libraries)]
    owners = subprocess.run(query, check=False, capture_output=True, text=True).stdout
    for package in set(re.findall(r"^([a-z0-9.+-]+)[:,]", owners, re.M)):
        folder = root / "var/lib/dpkg/status.d"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / package, "w") as file:
            subprocess.run(["dpkg-query", "--status", package], check=True, stdout=file)
    folders = sorted({str(library.parent) for library in libraries})
    subprocess.run(["ldconfig", "-X", "-f", "/dev/null", "-r", root, *folders], check=True)
    shutil.rmtree(root / "var/cache", ignore_errors=True)


def compile_modules(root: Path) -> None:
    """Compile all modules: starting is 4 times faster. The files do not contain times."""
    compiled = compileall.compile_dir(
        root / STDLIB.relative_to("/"),
        maxlevels=20,
        quiet=1,
        stripdir=str(root),
        prependdir="/",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        sys.exit("root: a module cannot be compiled; see above")


def check(root: Path, fingerprint: str) -> None:
    """Predict with the files of the image; stop if its model is damaged or its label is wrong.

    The prediction has printed by then what is wrong with the model.
    """
    predict = ["chroot", str(root), str(INTERPRETER), "-I", "-m", "cali_reg", "predict"]
    if subprocess.run(predict, check=False).returncode:
        sys.exit("root: the model cannot be packaged; run `make train quantize` and build again")
    found = json.loads((root / "artifacts/model.json").read_bytes())["fingerprint"]
    if fingerprint not in ("", found):
        sys.exit(
            f"root: artifacts/model.json has the fingerprint {found}; the label would be"
            f" {fingerprint}; build with `make docker`, or MODEL_FINGERPRINT={found}"
        )


def make_equal(root: Path) -> None:
    """Give all files the time 0, and modes that depend only on their kind.

    Not the commit's time: BuildKit's cache ignores times. With it, a build would use the files of
    an older commit with the same content; without it, the files would have the new time.
    """
    programs = {root / INTERPRETER.relative_to("/"), *root.glob("lib*/**/ld-*")}
    for path in sorted(root.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
        os.utime(path, (0, 0))
    root.chmod(0o755)
    os.utime(root, (0, 0))


if __name__ == "__main__":
    main()
