"""A Python for 64-bit ARM in a folder, run by qemu-aarch64: so the suite's own tests run on the NEON table.

Debian's packages are unpacked, nothing is installed: apt-get has lists and an architecture of its own for this. Wheels
of NumPy, cffi and pytest for aarch64 come from the package index. Needs Debian or Ubuntu with its keyring, a network
the first time, and `apt-get install qemu-user gcc-aarch64-linux-gnu`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
NEEDED = (COMPILER, EMULATOR, "apt-get", "dpkg")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCE = f"deb [arch=arm64 signed-by={KEYRING}] http://deb.debian.org/debian stable main\n"
WHEELS = ("numpy", "cffi", "pytest")

# A program that tests start is Python again, which this machine cannot run without the emulator.
STARTER = '#!/bin/sh\nexec {emulator} -L {root} {python} "$@"\n'
CUSTOMIZE = "import sys\nsys.executable = {starter!r}\n"


def missing() -> list[str]:
    """Return the programs that are needed and not here."""
    return [name for name in NEEDED if shutil.which(name) is None]


def unpack(folder: Path) -> None:
    """Download Python for arm64 and what it depends on, and unpack it into `folder/root`."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(SOURCE)
    (folder / "status").touch()
    (folder / "apt.conf").write_text(
        'APT::Architecture "arm64"; APT::Architectures { "arm64"; };\n'
        f'Dir::State "{folder}/state"; Dir::State::status "{folder}/status"; Dir::Cache "{folder}/cache";\n'
        f'Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "-";\n'
    )
    apt = ["apt-get", "-qq", "-y", "--no-install-recommends"]
    environment = os.environ | {"APT_CONFIG": str(folder / "apt.conf")}
    subprocess.run([*apt, "update"], env=environment, check=True)
    subprocess.run([*apt, "--download-only", "install", "python3", "libstdc++6"], env=environment, check=True)
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(folder / "root")], check=True)
    if not (folder / "root" / "lib").exists():  # base-files has the link, since Debian 13
        (folder / "root" / "lib").symlink_to("usr/lib")


def install_wheels(folder: Path, version: str) -> None:
    """Put the wheels for Python `version` on aarch64 into `folder/wheels`."""
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 24, 26, 27, 28, 34)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--implementation=cp"]
    command += [*platforms, "--platform=manylinux2014_aarch64", f"--python-version={version}"]
    subprocess.run([*command, f"--target={folder / 'wheels'}", *WHEELS], check=True)


def arm_python(folder: Path) -> Path:
    """Return a program that runs Python for ARM, made in `folder` unless it is there."""
    starter = folder / "python"
    if not starter.exists():
        unpack(folder)
        python = next((folder / "root" / "usr" / "bin").glob("python3.[0-9]*[0-9]"))
        install_wheels(folder, python.name.removeprefix("python"))
        (folder / "wheels" / "sitecustomize.py").write_text(CUSTOMIZE.format(starter=str(starter)))
        starter.write_text(STARTER.format(emulator=EMULATOR, root=folder / "root", python=python))
        starter.chmod(0o755)
    return starter
