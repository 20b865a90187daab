"""Kills while a data set is downloaded and unpacked: no half file bears the name of a whole one."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import random
import signal
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinygrad_cnn.vision.datasets.utils import download_url, extract_archive

from .victim import Notes, run_and_kill

MEMBERS = {f"set/part{number}.bin": random.Random(number).randbytes(300_000) for number in range(6)}


def _archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, data in MEMBERS.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


class _Slow(http.server.BaseHTTPRequestHandler):
    """Sends the archive in pieces, from where it is asked to."""

    archive = _archive()

    def do_GET(self) -> None:
        """Answer a request, with a part of the file if one is asked for."""
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.archive) - 1}/{len(self.archive)}")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(self.archive) - start))
        self.end_headers()
        for place in range(start, len(self.archive), 1 << 16):
            self.wfile.write(self.archive[place : place + (1 << 16)])
            time.sleep(0.001)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def _server() -> Iterator[str]:
    """Serve from a process of its own (forks beside threads are not what is checked here); the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Slow) as server:
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # those who ask are killed
        child = os.fork()
        if child == 0:
            server.serve_forever()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/set.tar.gz"
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _halves(folder: Path) -> list[str]:
    """Return the names of files that do not hold what they should."""
    whole = {"set.tar.gz": _Slow.archive, **MEMBERS}
    return [name for name, data in whole.items() if (folder / name).exists() and (folder / name).read_bytes() != data]


def kills(folder: Path, count: int, seed: int) -> tuple[int, list[str]]:
    """Kill `count` downloads with their unpacking; return how many were killed in the middle, and findings."""
    rng, inside, findings = random.Random(seed), 0, []
    md5 = hashlib.md5(_Slow.archive, usedforsecurity=False).hexdigest()
    with _server() as url:

        def work(notes: Notes) -> None:
            # Without the sum now and then: then only the names tell what is whole.
            download_url(url, folder, md5=md5 if rng.random() < 0.5 else None)
            extract_archive(folder / "set.tar.gz")

        begun = time.monotonic()
        run_and_kill(work, None)
        seconds = time.monotonic() - begun
        for _ in range(count):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and (rng.random() < 0.5 or not path.name.startswith("set.tar.gz.part")):
                    path.unlink()  # parts that an earlier kill left may stay
            delay = rng.uniform(0, seconds)
            status, _ = run_and_kill(work, delay)
            inside += status != 0
            where = f"download, killed after {delay:.3f} s"
            findings += [f"{where}: {name} is a half file" for name in _halves(folder)]
            run_and_kill(work, None)
            found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
            if _halves(folder) or found != {"set.tar.gz", *MEMBERS}:
                findings.append(f"{where}: after another download there are {sorted(found)}")
    return inside, findings
