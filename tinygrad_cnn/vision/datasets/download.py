"""Downloads that survive bad mirrors and bad lines: several addresses, resume, limits, sums, atomic replacement."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_cnn.utils.files import replace

__all__ = ["download_file"]

_CHUNK = 1 << 16
_TRIES = 3  # of one address, as long as each brings more bytes
_FAILURES = (OSError, http.client.HTTPException, ValueError, RuntimeError)


class _Failed(RuntimeError):
    """Why an address could not give the file."""


class _PlainBar:
    """The progress bar where tqdm is not installed: a line every few seconds."""

    def __init__(self, total: int | None, initial: int, desc: str) -> None:
        self._total, self._done, self._desc, self._shown = total, initial, desc, time.monotonic()

    def update(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._shown > 5:
            self._shown = time.monotonic()
            of = f" of {self._total:,}" if self._total else ""
            print(f"{self._desc}: {self._done:,}{of} bytes", file=sys.stderr)

    def close(self) -> None:
        print(f"{self._desc}: {self._done:,} bytes", file=sys.stderr)


def _bar(total: int | None, initial: int, name: str) -> Any:
    try:
        from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return _PlainBar(total, initial, name)
    return tqdm(total=total, initial=initial, desc=name, unit="B", unit_scale=True, unit_divisor=1024)


class _Part:
    """The bytes that have arrived so far, in `<target>.part`, and where they came from, in `<target>.part.json`.

    A later try goes on where an earlier one stopped, but only with the same address and the same version of the file
    (ETag or Last-Modified): mirrors pack the same data differently, and halves of two archives are no archive.
    """

    def __init__(self, target: str) -> None:
        self.path = target + ".part"
        self._origin_path = target + ".part.json"

    def size(self) -> int:
        try:
            return os.path.getsize(self.path)
        except FileNotFoundError:
            return 0

    def version(self, url: str) -> str | None:
        """Return the version of the bytes that are there, None if they cannot be continued from this address."""
        try:
            with open(self._origin_path, encoding="utf-8") as file:
                origin = json.load(file)
        except (OSError, ValueError):
            return None
        version = origin.get("version") if isinstance(origin, dict) and origin.get("url") == url else None
        return version if isinstance(version, str) else None

    def begin(self, url: str, version: str | None) -> None:
        self.discard()  # first: bytes of another version must never stand beside this one's note
        with open(self._origin_path, "w", encoding="utf-8") as file:
            json.dump({"url": url, "version": version}, file)

    def _forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._origin_path)

    def discard(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._forget()

    def finish(self, target: str) -> None:
        self._forget()  # first: once the target is there, nobody comes by again
        replace(self.path, target)


@dataclass
class _Limits:
    max_bytes: int
    timeout: float
    deadline: float


def _request(url: str, part: _Part, timeout: float) -> tuple[Any, int]:
    """Open the address; return the response and how many bytes it leaves out because they are there already."""
    if not url.startswith(("http://", "https://")):
        raise _Failed("only http and https addresses are fetched")
    headers = {"User-Agent": "tinygrad_cnn"}
    have, version = part.size(), part.version(url)
    if have and version is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416:
            raise _Failed(f"HTTP status {error.code} {error.reason}") from None
        part.discard()  # more is there than the file has
        return _request(url, part, timeout)
    continued = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    if response.status == 206 and not continued:
        response.close()
        part.discard()
        raise _Failed("the server sent another part of the file than was asked for")
    return response, have if continued else 0


def _length(response: Any) -> int | None:
    text = response.headers.get("Content-Length")
    return int(text) if text is not None and text.isdigit() else None


def _receive(url: str, part: _Part, name: str, limits: _Limits, progress: bool) -> None:
    """Fetch the file, or the rest of it, into the part; raise if it did not arrive whole."""
    response, have = _request(url, part, limits.timeout)
    with response:
        length = _length(response)
        total = None if length is None else have + length
        if total is not None and total > limits.max_bytes:
            part.discard()
            raise _Failed(f"the file has {total} bytes, at most {limits.max_bytes} are accepted")
        if not have:
            part.begin(url, response.headers.get("ETag") or response.headers.get("Last-Modified"))
        bar = _bar(total, have, name) if progress else None
        try:
            with open(part.path, "ab" if have else "wb") as file:
                done = _copy(response, file, have, part, limits, bar)
                file.flush()
                os.fsync(file.fileno())
        finally:
            if bar is not None:
                bar.close()
    if total is not None and done != total:
        raise _Failed(f"the transfer broke off after {done} of {total} bytes")


def _copy(response: Any, file: Any, done: int, part: _Part, limits: _Limits, bar: Any) -> int:
    # read1: what has arrived, so that a slow line shows progress and a broken one loses nothing.
    while piece := response.read1(_CHUNK):
        done += len(piece)
        if done > limits.max_bytes:
            part.discard()
            raise _Failed(f"more than {limits.max_bytes} bytes")
        if time.monotonic() > limits.deadline:
            raise _Failed("it took too long")
        file.write(piece)
        if bar is not None:
            bar.update(len(piece))
    return done


def _fetch(url: str, part: _Part, name: str, limits: _Limits, progress: bool) -> None:
    """Fetch from one address, going on after a broken transfer as long as each try brings something."""
    for attempt in range(_TRIES):
        before = part.size()
        try:
            _receive(url, part, name, limits, progress)
            return
        except _FAILURES:
            if attempt == _TRIES - 1 or part.size() <= before or time.monotonic() > limits.deadline:
                raise


def _fetch_checked(
    url: str, part: _Part, name: str, limits: _Limits, progress: bool, check: Callable[[str], object]
) -> None:
    """Fetch from one address and check; what fails the check is thrown away."""
    continued = part.version(url) is not None
    for again in (continued, False):
        _fetch(url, part, name, limits, progress)
        try:
            check(part.path)
            return
        except (RuntimeError, ValueError):
            part.discard()
            # If an earlier call had left a part, perhaps that was damaged: once more, from the beginning.
            if not again:
                raise


def download_file(
    urls: Sequence[str],
    path: str | os.PathLike[str],
    *,
    check: Callable[[str], object],
    max_bytes: int,
    timeout: float = 30.0,
    total_timeout: float = 3600.0,
    progress: bool = True,
) -> None:
    """Fetch a file from the first of several addresses that gives a good one.

    The bytes gather in `<path>.part`; a later call goes on with them. `check(part_path)` raises if the file is not the
    right one; then the next address is tried. Only a checked file takes the place of `path`, in one step.
    max_bytes: more is refused. timeout: seconds without any data; total_timeout: for all addresses together.
    progress: show a bar (tqdm's if installed). Raises RuntimeError naming file, addresses and reasons if none worked.
    """
    target = os.fspath(path)
    name = os.path.basename(target)
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    limits = _Limits(max_bytes, timeout, time.monotonic() + total_timeout)
    part = _Part(target)
    reasons = []
    for url in urls:
        try:
            _fetch_checked(url, part, name, limits, progress, check)
        except _FAILURES as error:
            reasons.append(f"{url}: {error}")
        else:
            part.finish(target)
            return
    raise RuntimeError("\n  ".join([f"Error downloading {name}:", *reasons]))
