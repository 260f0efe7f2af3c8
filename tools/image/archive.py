"""Save the image that `make docker` built as an OCI archive, which holds its registry digest."""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from image import TAG, docker, read_record, write_record
from reproducible import member

INDEX = "application/vnd.oci.image.index.v1+json"


def main() -> None:
    """Save the image beside its record, and add its manifest's digest to that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="the record of `make docker`")
    path = parser.parse_args().record
    record = read_record(path)
    archive = path.with_suffix(".tar")
    docker("image", "save", "--output", str(archive), TAG)
    manifest, config = digests(archive)
    if config != record["config"]:
        sys.exit(
            f"archive: {TAG} has config {config}; {path} has {record['config']}: build it again"
        )
    write_record(path, {**record, "manifest": manifest})
    print(f"✔ {archive}: {archive.stat().st_size / 1e6:.1f} MB, manifest {manifest}")


def digests(path: Path) -> tuple[str, str]:
    """Return the digests of the manifest and of the configuration of a saved image."""
    with tarfile.open(path) as archive:
        if "index.json" not in archive.getnames():
            sys.exit(f"archive: {path} is not an OCI archive; use Docker 25 or newer")
        (described,) = load(archive, "index.json")["manifests"]
        if described["mediaType"] == INDEX:
            sys.exit(f"archive: {path} holds an index; expected one image, without attestations")
        digest = str(described["digest"])
        manifest = load(archive, f"blobs/{digest.replace(':', '/')}")
        return digest, str(manifest["config"]["digest"])


def load(archive: tarfile.TarFile, name: str) -> Any:
    """Return a JSON document of the archive."""
    return json.load(member(archive, name))


if __name__ == "__main__":
    main()
