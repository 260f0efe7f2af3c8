"""List the locked packages as a CycloneDX document; fail if it differs from the lock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

from packages import ROOT, source_date, write

LOCK = ROOT / "requirements.txt"
NAME = "cali-reg.cdx.json"
_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)(.*?)(?=^[\w.-]+==|\Z)", re.MULTILINE | re.DOTALL)

Package = tuple[str, str, frozenset[str]]  # name, version, hashes


def main() -> None:
    """Make the document twice, compare both and the lock, and write it."""
    first, second = (document(seed) for seed in ("1", "2"))
    if first != second:
        sys.exit("sbom: two runs gave different documents")
    listed, locked = components(json.loads(first)), pins(LOCK.read_text("utf-8"))
    if listed != locked:
        names = sorted({package[0] for package in listed ^ locked})
        sys.exit(f"sbom: differs from {LOCK.name}: {', '.join(names)}")
    validate(first.decode())
    write(ROOT / "dist", {NAME: first})
    print(f"✔ dist/{NAME}: the {len(locked)} packages of {LOCK.name}, with their hashes")


def document(seed: str) -> bytes:
    """Return the document, with our version, and with the dependencies of each package."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cyclonedx_py", "requirements"),
            *("--output-reproducible", "--no-validate", "--spec-version=1.6"),
            *("--pyproject", str(ROOT / "pyproject.toml"), str(LOCK)),
        ],
        env={**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": source_date()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stderr}sbom: cyclonedx-py failed; see above")
    body = json.loads(done.stdout)
    complete(body, LOCK.read_text("utf-8"))
    return (json.dumps(body, indent=2, sort_keys=True) + "\n").encode()


def complete(body: dict[str, Any], lock: str) -> None:
    """Add what cyclonedx-py does not read: our version, and the lock's `# via` comments."""
    root = body["metadata"]["component"]
    root["version"] = version()
    root["purl"] = f"pkg:pypi/{root['name']}@{root['version']}"
    references = {canonical(part["name"]): part["bom-ref"] for part in body["components"]}
    needed: dict[str, list[str]] = {reference: [] for reference in references.values()}
    needed[root["bom-ref"]] = []
    for name, _, rest in _PIN.findall(lock):
        for line in rest.partition("# via")[2].splitlines():
            user = line.strip(" #")
            if user:
                parent = root["bom-ref"] if user.startswith("-r ") else references[canonical(user)]
                needed[parent].append(references[canonical(name)])
    body["dependencies"] = [
        {"ref": reference, "dependsOn": sorted(parts)}
        for reference, parts in sorted(needed.items())
    ]


def validate(text: str) -> None:
    """Stop if the document does not follow the schema of CycloneDX 1.6."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        sys.exit(f"sbom: not a valid CycloneDX document: {error}")


def version() -> str:
    """Return the version of the package."""
    text = (ROOT / "src/cali_reg/__init__.py").read_text("utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def components(body: dict[str, Any]) -> set[Package]:
    """Return the packages that a document lists."""
    return {
        (
            canonical(part["name"]),
            part["version"],
            frozenset(
                value["content"]
                for reference in part["externalReferences"]
                for value in reference["hashes"]
            ),
        )
        for part in body["components"]
    }


def pins(lock: str) -> set[Package]:
    """Return the packages that a lock lists."""
    return {
        (canonical(name), version, frozenset(re.findall(r"--hash=sha256:(\w+)", rest)))
        for name, version, rest in _PIN.findall(lock)
    }


def canonical(name: str) -> str:
    """Return the normalized name of a distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
