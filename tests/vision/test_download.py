"""Downloads against a local server that can break off, resume, lie and send rubbish."""

import hashlib
import http.server
import json
import os
import sys
import threading

import pytest

from tinygrad_cnn.vision.datasets import download
from tinygrad_cnn.vision.datasets.download import download_file

CONTENT = bytes(range(256)) * 2000
pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Handler(http.server.BaseHTTPRequestHandler):
    """`/good`, `/other` and so on; what is asked for is recorded in server.log."""

    def do_GET(self):
        range_header = self.headers.get("Range")
        self.server.log.append((self.path, range_header))
        name = self.path.split("/")[1]
        if name == "missing":
            self.send_error(404)
            return
        content = b"rubbish" * 1000 if name == "wrong" else CONTENT
        start = 0
        if range_header and name != "norange" and self.headers.get("If-Range") == self.server.etag:
            start = int(range_header.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            first = start - 1 if name == "otherpart" else start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        self.send_header("ETag", self.server.etag)
        if name != "nolength":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = {"breaks": len(body) // 2, "dies": 0}.get(name)
        self.wfile.write(body if cut is None else body[:cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.log, server.etag = [], '"v1"'
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()
        thread.join()


def check(path):
    with open(path, "rb") as file:
        if hashlib.sha256(file.read()).digest() != hashlib.sha256(CONTENT).digest():
            raise RuntimeError(f"{path}: wrong sum")


def fetch(server, folder, *names, **options):
    target = folder / "sub" / "file.gz"
    options = {"max_bytes": 10**6, "progress": False, **options}
    download_file([f"{server.url}/{name}" for name in names], target, check=check, **options)
    return target


def leftovers(folder):
    return sorted(path.name for path in (folder / "sub").iterdir())


def test_plain(server, tmp_path):
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT
    assert leftovers(tmp_path) == ["file.gz"]


def test_without_content_length(server, tmp_path):
    assert fetch(server, tmp_path, "nolength").read_bytes() == CONTENT


def test_next_mirror_after_404_and_wrong_sum(server, tmp_path):
    assert fetch(server, tmp_path, "missing", "wrong", "good").read_bytes() == CONTENT
    assert [path for path, _ in server.log] == ["/missing", "/wrong", "/good"]
    assert leftovers(tmp_path) == ["file.gz"]


def test_broken_transfer_is_resumed(server, tmp_path):
    """Each try brings half of the rest; after three the mirror is given up, and a later call goes on from there."""
    with pytest.raises(RuntimeError, match=r"(?s)Error downloading file\.gz:.*broke off"):
        fetch(server, tmp_path, "breaks")
    ranges = [asked for _, asked in server.log]
    half = len(CONTENT) // 2
    assert ranges == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]
    assert leftovers(tmp_path) == ["file.gz.part", "file.gz.part.json"]
    part = tmp_path / "sub" / "file.gz.part"
    size = part.stat().st_size
    assert part.read_bytes() == CONTENT[:size] and size > len(CONTENT) * 3 // 4


def write_origin(server, folder, name, version):
    (folder / "sub" / "file.gz.part.json").write_text(json.dumps({"url": f"{server.url}/{name}", "version": version}))


@pytest.fixture
def part(server, tmp_path):
    """A part of 1000 bytes that an earlier call has left."""
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "file.gz.part"
    path.write_bytes(CONTENT[:1000])
    write_origin(server, tmp_path, "good", server.etag)
    return path


def test_an_earlier_part_is_continued(server, tmp_path, part):
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT
    assert server.log == [("/good", "bytes=1000-")]


def test_a_part_of_another_address_is_not_continued(server, tmp_path, part):
    assert fetch(server, tmp_path, "other").read_bytes() == CONTENT
    assert server.log == [("/other", None)]


def test_a_part_of_another_version_is_not_continued(server, tmp_path, part):
    server.etag = '"v2"'
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT


def test_a_server_without_ranges(server, tmp_path, part):
    write_origin(server, tmp_path, "norange", server.etag)
    assert fetch(server, tmp_path, "norange").read_bytes() == CONTENT


def test_a_server_that_sends_another_part(server, tmp_path, part):
    write_origin(server, tmp_path, "otherpart", server.etag)
    with pytest.raises(RuntimeError, match="the server sent another part of the file than was asked for"):
        fetch(server, tmp_path, "otherpart")
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT


def test_a_damaged_part_is_thrown_away(server, tmp_path, part):
    part.write_bytes(b"x" * 1000)
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT
    assert [asked for _, asked in server.log] == ["bytes=1000-", None]


def test_a_part_that_is_too_long(server, tmp_path, part):
    part.write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT


def test_killed_between_the_note_and_the_bytes(server, tmp_path, part, monkeypatch):
    """The bytes of the old version are gone before the note speaks of the new one: nobody continues them."""
    server.etag = '"v2"'
    begin = download._Part.begin

    def killed(*arguments):
        begin(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(download._Part, "begin", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, "good")
    assert leftovers(tmp_path) == ["file.gz.part.json"]


def test_killed_when_the_file_has_its_name(server, tmp_path, monkeypatch):
    def killed(source, target):
        os.replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, "good")
    assert leftovers(tmp_path) == ["file.gz"]


def test_a_damaged_note_about_the_part(server, tmp_path, part):
    (tmp_path / "sub" / "file.gz.part.json").write_text("[1")
    assert fetch(server, tmp_path, "good").read_bytes() == CONTENT
    assert server.log == [("/good", None)]


@pytest.mark.parametrize("name", ["good", "nolength"])
def test_too_large(server, tmp_path, name):
    with pytest.raises(RuntimeError, match="1000"):
        fetch(server, tmp_path, name, max_bytes=1000)
    assert leftovers(tmp_path) == []


def test_deadline(server, tmp_path):
    with pytest.raises(RuntimeError, match="too long"):
        fetch(server, tmp_path, "good", total_timeout=-1)


def test_all_mirrors_fail_and_the_old_file_stays(server, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.gz").write_bytes(b"old")
    with pytest.raises(RuntimeError) as error:
        fetch(server, tmp_path, "missing", "wrong", "dies")
    message = str(error.value)
    assert "file.gz" in message and "/missing: HTTP status 404" in message
    assert "/wrong: " in message and "wrong sum" in message and "broke off after 0" in message
    assert (tmp_path / "sub" / "file.gz").read_bytes() == b"old"


def test_no_server(tmp_path):
    with pytest.raises(RuntimeError, match="only http and https"):
        download_file(["file:///etc/hosts"], tmp_path / "f", check=check, max_bytes=10, progress=False)
    with pytest.raises(RuntimeError, match="refused"):
        download_file(["http://127.0.0.1:1/"], tmp_path / "f", check=check, max_bytes=10, progress=False)


def test_progress_with_and_without_tqdm(server, tmp_path, capsys, monkeypatch):
    fetch(server, tmp_path, "good", progress=True)
    assert "file.gz" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    fetch(server, tmp_path, "good", progress=True)
    assert "file.gz: 512,000 bytes" in capsys.readouterr().err
