"""A local web server, so that downloads are tested without the network."""

import http.server
import threading

import pytest


@pytest.fixture
def serve(monkeypatch):
    """Return a function that serves a folder and returns its address and a growing list of the paths asked for."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = []

    def start(folder):
        log = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def log_message(self, form, *args):
                log.append(args[0].split()[1] if " " in str(args[0]) else str(args))

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/", log

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()
