"""torch.hub and model_zoo: where files lie, sums in names, what is there is not fetched again."""

import hashlib
import http.server
import io
import os
import threading

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import hub


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "_folder", None)
    return tmp_path


def test_folders(folder, monkeypatch):
    assert hub.get_dir() == os.path.expanduser("~/.cache/torch/hub")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert hub.get_dir() == "/cache/torch/hub"
    monkeypatch.setenv("TORCH_HOME", "~/mine")
    assert hub.get_dir() == os.path.expanduser("~/mine/hub")
    hub.set_dir(folder)
    assert hub.get_dir() == str(folder)


@pytest.fixture
def server():
    """A server of one file, whatever is asked for; it counts the requests."""
    buffer = io.BytesIO()
    tg.save({"w": tg.arange(3)}, buffer)
    data = buffer.getvalue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = 0
    server.digest = hashlib.sha256(data).hexdigest()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_weights_are_fetched_once(server, folder, capsys):
    hub.set_dir(folder)
    for _ in range(2):
        url = f"{server.url}/net-{server.digest[:8]}.pth?x=1"
        state = hub.load_state_dict_from_url(url, progress=False, check_hash=True, map_location="cpu")
        assert state["w"].tolist() == [0, 1, 2]
    assert server.requests == 1 and os.listdir(folder / "checkpoints") == [f"net-{server.digest[:8]}.pth"]
    assert capsys.readouterr().err.count("Downloading: ") == 1
    tg.utils.model_zoo.load_url(f"{server.url}/a.pth", model_dir=str(folder), file_name="b.pth", progress=False)
    assert (folder / "b.pth").exists()


def test_sums(server, folder):
    with pytest.raises(RuntimeError, match=r'invalid hash value \(expected "00000000", got'):
        hub.load_state_dict_from_url(f"{server.url}/n-00000000.pth", str(folder), check_hash=True, progress=False)
    with pytest.raises(ValueError, match="has no digits of a hash"):
        hub.load_state_dict_from_url(f"{server.url}/n.pth", str(folder), check_hash=True, progress=False)
    assert not [name for name in os.listdir(folder) if name.endswith(".pth")]
    hub.download_url_to_file(f"{server.url}/n", str(folder / "n"), server.digest[:4], progress=False)
    assert (folder / "n").exists()


def test_repositories_are_refused():
    for function in (hub.load, hub.help):
        with pytest.raises(NotImplementedError, match=r"load_state_dict_from_url"):
            function("pytorch/vision", "resnet18")
    with pytest.raises(NotImplementedError):
        hub.list("pytorch/vision")
