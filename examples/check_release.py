"""Check a folder of artifacts as a buyer would, then show that a forged copy is found out."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path


def verify(folder):
    """Rebuild the files of a folder elsewhere and compare them; return whether all match."""
    command = [sys.executable, "-m", "cali_reg", "verify", "--artifacts", folder]
    return subprocess.run(command, check=False).returncode == 0


def canonical(content):
    """Return the bytes that cali-reg writes for some JSON content."""
    return (json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def forge(path):
    """Raise one coefficient by a millionth, and make the fingerprint match again."""
    content = json.loads(path.read_bytes())
    content["features"][0]["coefficient"] += 1e-6
    del content["fingerprint"]
    content["fingerprint"] = hashlib.sha256(canonical(content)).hexdigest()
    path.write_bytes(canonical(content))


print("the folder passes:", verify("artifacts"), flush=True)
shutil.copytree("artifacts", "downloaded", dirs_exist_ok=True)
forge(Path("downloaded", "model.json"))
print("the forged copy passes:", verify("downloaded"))
