"""Weights from the web (`torch.hub`): fetched once, checked by the sum in their name, read by the careful `load`."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_HASH = re.compile(r"-([a-f0-9]*)\.")  # of resnet18-bfd8deac.pth
_folder: str | None = None
_MOST = 1 << 40  # bytes of a file
_REPOSITORIES = (
    "repositories of models are not fetched and run here; install the project and import its model, and load the "
    "weights with `hub.load_state_dict_from_url`"
)


def get_dir() -> str:
    """Return where files are kept: set by `set_dir`, `$TORCH_HOME/hub`, or `~/.cache/torch/hub` (or XDG_CACHE_HOME)."""
    if _folder is not None:
        return _folder
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))
    return os.path.join(home, "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Set where files are kept."""
    global _folder
    _folder = os.path.expanduser(os.fspath(d))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch a file; it appears at `dst` only when it is whole and its SHA-256 begins with `hash_prefix`.

    RuntimeError if it cannot be had, or is another one.
    """
    from tinygrad_cnn.vision.datasets.download import download_file

    def check(path: str) -> None:
        if hash_prefix is None:
            return
        import hashlib

        with open(path, "rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest()[: len(hash_prefix)] != hash_prefix:
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")')

    download_file([url], dst, check=check, max_bytes=_MOST, progress=progress)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Load what lies at an address, from `model_dir` (default `get_dir()/checkpoints`) if it is there already.

    check_hash: the name ends in -<first digits of the SHA-256>.<ext>, and they have to be right; ValueError for a name
    that does not. weights_only=True (PyTorch's default is False): nothing in the file is executed. A zip of one file is
    not unpacked, as PyTorch does for its oldest files.
    """
    from urllib.parse import urlparse

    from tinygrad_cnn.serialization import load as load_file

    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(urlparse(url).path) if file_name is None else file_name
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        prefix = None
        if check_hash:
            found = _HASH.search(name)
            if found is None:
                raise ValueError(f"check_hash: {name!r} has no digits of a hash, as in name-0123abcd.pth")
            prefix = found.group(1)
        download_url_to_file(url, path, prefix, progress)
    return load_file(path, map_location=map_location, weights_only=weights_only)


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"hub.load: {_REPOSITORIES}")


def list(github: str, *args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"hub.list: {_REPOSITORIES}")


def help(github: str, model: str, *args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError."""
    raise NotImplementedError(f"hub.help: {_REPOSITORIES}")
