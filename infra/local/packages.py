"""Builds the functions and packs each into `target/lambda/<function>/bootstrap.zip`, where the template expects it.

Invariant: the same binary always gives the same bytes, and a zip is rewritten only when its binary changed, so that a
deployment sees a change exactly where there is one.
"""

import hashlib
import json
import os
import re
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paths import PACKAGES, ROOT, TEMPLATE

_CODE_URI = re.compile(r"CodeUri: \.\./target/lambda/([a-z0-9-]+)/bootstrap\.zip")


class PackagingFailed(Exception):
    """The functions could not be built or one is missing."""


def function_names() -> list[str]:
    """The functions of the template, which are the binaries it wants."""
    return _CODE_URI.findall(TEMPLATE.read_text())


def build() -> dict[str, Path]:
    """Builds every function with the development profile and answers where each executable is."""
    command = ["cargo", "build", "--workspace", "--message-format=json-render-diagnostics"]
    for name in function_names():
        command += ["--bin", name]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if process.returncode != 0:
        raise PackagingFailed("cargo build failed; see above.")
    executables: dict[str, Path] = {}
    for line in process.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            executables[message["target"]["name"]] = Path(message["executable"])
    return executables


def pack_all(executables: dict[str, Path]) -> list[str]:
    """Packs what the template names; answers the functions whose zip changed."""
    names = function_names()
    # Hashing and compressing release the interpreter's lock, so threads do use every core here.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        changed = pool.map(lambda name: _pack(name, executables[name]), names)
    return [name for name, did in zip(names, changed, strict=True) if did]


def packages_digest() -> str:
    """One value over all packages in the template's order; raises when one is missing."""
    digest = hashlib.sha256()
    for name in function_names():
        source = PACKAGES / name / "bootstrap.sha256"
        if not source.exists():
            raise PackagingFailed(f"No package for {name}; build first.")
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _pack(name: str, executable: Path) -> bool:
    directory = PACKAGES / name
    archive, source = directory / "bootstrap.zip", directory / "bootstrap.sha256"
    with executable.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if archive.exists() and source.exists() and source.read_text() == digest:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    partial = archive.with_suffix(".partial")
    # Level 1: these zips are read once, on this machine; a smaller one would only arrive later.
    with zipfile.ZipFile(partial, "w", compresslevel=1) as zipped, executable.open("rb") as file:
        with zipped.open(entry, "w") as target:
            while chunk := file.read(1 << 20):
                target.write(chunk)
    partial.replace(archive)
    source.write_text(digest)
    return True


def build_and_pack() -> None:
    """Builds and packs, saying what it did."""
    begun = time.monotonic()
    print("Building the functions …", flush=True)
    executables = build()
    built = time.monotonic()
    changed = pack_all(executables)
    print(
        f"Built in {built - begun:.1f} s; packed {len(changed)} of {len(function_names())} functions "
        f"in {time.monotonic() - built:.1f} s.",
        flush=True,
    )
