"""Build the image, so that the same commit gives the same digest on every machine."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TAG = "cali-reg:test"


def main() -> None:
    """Build from this checkout, and print the digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default=TAG, help=f"name of the image (default: {TAG})")
    parser.add_argument("--record", type=Path, help="file to write the digest to")
    parser.add_argument("--expect", type=Path, help="record of another build; fail if it differs")
    parser.add_argument("--no-cache", action="store_true", help="repeat every step of the build")
    options = parser.parse_args()
    expected = read_record(options.expect) if options.expect else {}
    digest = build(ROOT, options.tag, settings(), *["--no-cache"] * options.no_cache)
    engine = docker("version", "--format", "{{.Server.Version}}")
    size = int(docker("image", "inspect", "--format", "{{.Size}}", options.tag))
    print(f"✔ {options.tag}: {size / 1e6:.1f} MB, config {digest}")
    if options.record:
        write_record(options.record, {"config": digest, "engine": engine})
    if expected:
        check_same(expected, digest, engine)


def settings() -> dict[str, str]:
    """Return what a build depends on beside its files: the commit, its time, the model.

    SOURCE_DATE_EPOCH in the environment has priority; without Git the time is 0.
    """
    # as text: the build checks the file, and prints what is wrong with it
    try:
        model = (ROOT / "artifacts/model.json").read_text("utf-8", "replace")
    except OSError:
        sys.exit("image: artifacts/model.json cannot be read; run `make train quantize` first")
    fingerprint = re.search(r'^ "fingerprint": "([0-9a-f]+)"', model, re.MULTILINE)
    time = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or "0"
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return {
        "SOURCE_DATE_EPOCH": time,
        "REVISION": git(*describe),
        "MODEL_FINGERPRINT": fingerprint[1] if fingerprint else "",
    }


def read_record(path: Path) -> dict[str, str]:
    """Return the record of an earlier build; exit code 2 if the file is not one."""
    try:
        record = json.loads(path.read_bytes())
        return {"config": str(record["config"]), "engine": str(record["engine"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(
            f"image: {path}: not a record of a build ({error!r}); give the image.json of a build",
            file=sys.stderr,
        )
        sys.exit(2)


def write_record(path: Path, record: dict[str, str]) -> None:
    """Write a record of a build, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    new.replace(path)


def check_same(expected: dict[str, str], digest: str, engine: str) -> None:
    """Stop if the digest differs from the recorded one; another engine may be the reason."""
    if digest != expected["config"]:
        sys.exit(
            f"image: config {digest}, by engine {engine}; expected {expected['config']}, by engine"
            f" {expected['engine']}; compare commit, model, base image and version of the engine"
        )
    print(f"✔ the same digest as the recorded build, by engine {expected['engine']}")


def build(context: Path, tag: str, arguments: dict[str, str], *flags: str) -> str:
    """Build a folder's image and load it into the engine. Returns its config digest.

    The id of an image is not compared: depending on the engine's image store, it is the digest of
    the config or of the index.
    """
    if "BASE_IMAGE" in os.environ:
        arguments = {**arguments, "BASE_IMAGE": os.environ["BASE_IMAGE"]}
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / "metadata.json"
        docker(
            *("buildx", "build", "--tag", tag, "--load", "--provenance=false", "--sbom=false"),
            *("--progress=plain", f"--metadata-file={metadata}", *flags),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            str(context),
        )
        return str(json.loads(metadata.read_bytes())["containerimage.config.digest"])


def docker(*arguments: str) -> str:
    """Run one docker command. Returns its output; stops with its errors if it fails."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("docker: not found; install Docker 23 or newer, with buildx")
    if done.returncode:
        sys.exit(f"{done.stderr}docker {arguments[0]}: failed, see above; is the engine running?")
    return done.stdout.strip()


def git(*arguments: str) -> str:
    """Return the output of git in the checkout, nothing without git."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    main()
