"""Build the image three times, from different copies of the source; fail if a digest differs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from image import ROOT, build, docker, settings

SOURCES = ["Dockerfile", ".dockerignore", "tools/image", "src"]
ARTIFACTS = ["artifacts/model.json", "artifacts/quantized.json"]
# Folder, umask and age (seconds) of the files of each copy. An age, not a time: BuildKit would not
# send a file again that has the time and size of one in an earlier run, even with other content.
COPIES = [("a", 0o077, 86_400), ("a folder/of another name", 0o022, 300_000_000)]
FIELDS = ("type", "mode", "uid", "gid", "mtime", "size", "linkname")
SHOWN = 20

Entries = dict[str, dict[str, object]]
Image = tuple[dict[str, Any], list[Entries]]


def main() -> None:
    """Build as `make docker` does, then each copy without a cache; print what differs."""
    arguments = settings()
    tags = [f"cali-reg:reproducible-{number}" for number in range(1 + len(COPIES))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digests = [build(ROOT, tags[0], arguments)]
        print(f"{digests[0]}  this checkout, with the cache", flush=True)
        for tag, (place, umask, age) in zip(tags[1:], COPIES, strict=True):
            context = copy(folder / place, umask, time.time() - age)
            digests.append(build(context, tag, arguments, "--no-cache"))
            days = age // 86_400
            print(f"{digests[-1]}  umask {umask:03o}, {days} days old, in {place!r}", flush=True)
        lines = []
        for tag, digest in zip(tags[1:], digests[1:], strict=True):
            if digest != digests[0]:
                images = [save(tag, folder / "image.tar") for tag in (tags[0], tag)]
                lines += [f"{tags[0]} and {tag}:", *differences(*images)]
    docker("image", "rm", *tags)
    if lines:
        sys.exit("\n".join(["reproducible: builds of the same source differ", *lines]))
    print("✔ the same digest three times")


def copy(folder: Path, umask: int, modified: float) -> Path:
    """Copy the files that a build needs, with the modes of a umask and with a time."""
    for name in SOURCES + ARTIFACTS:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
        os.utime(path, (modified, modified))
    return folder


def save(tag: str, path: Path) -> Image:
    """Save an image to a file, and read it."""
    docker("image", "save", "--output", str(path), tag)
    return read(path)


def read(path: Path) -> Image:
    """Return the configuration of a saved image, and what each of its layers holds."""
    with tarfile.open(path) as archive:
        (manifest,) = json.load(member(archive, "manifest.json"))
        layers = []
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=member(archive, name)) as layer:
                layers.append(entries(layer))
        return json.load(member(archive, manifest["Config"])), layers


def member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a file inside an archive."""
    file = archive.extractfile(name)
    if file is None:
        sys.exit(f"reproducible: {name} is not a file in {archive.name!r}")
    return file


def entries(layer: tarfile.TarFile) -> Entries:
    """Return all that an archive says of each of its files, in its order."""
    found: Entries = {}
    for info in layer:
        found[info.name] = {field: getattr(info, field) for field in FIELDS}
        found[info.name]["headers"] = info.pax_headers
        if info.isreg():
            found[info.name]["sha256"] = hashlib.sha256(member(layer, info.name).read()).hexdigest()
    return found


def differences(first: Image, second: Image) -> Iterator[str]:
    """Yield a line for each difference of two images: the setting, or the layer and the file."""
    (config, layers), (other_config, other_layers) = first, second
    for key in sorted({*config, *other_config} - {"rootfs"}):
        yield from changed(f"config: {key}", config.get(key), other_config.get(key))
    yield from changed("number of layers", len(layers), len(other_layers))
    for number, (layer, other) in enumerate(zip(layers, other_layers, strict=False), 1):
        lines = list(layer_differences(layer, other))
        yield from (f"layer {number}: {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"layer {number}: and {len(lines) - SHOWN} more"


def layer_differences(first: Entries, second: Entries) -> Iterator[str]:
    """Yield a line for each difference of two layers."""
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            yield f"{name}: only in the {'second' if one is None else 'first'} build"
        else:
            for field in {**one, **other}:
                yield from changed(f"{name}: {field}", one.get(field), other.get(field))
    if first.keys() == second.keys() and list(first) != list(second):
        yield "the same files in another order"


def changed(what: str, one: object, other: object) -> Iterator[str]:
    """Yield a line if two values differ."""
    if one != other:
        yield f"{what}: {one!r} and {other!r}"


if __name__ == "__main__":
    main()
