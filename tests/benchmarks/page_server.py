"""An API server that only lists: it serves the pages that `big_cluster` has written into a folder.

`python -m tests.benchmarks.page_server FOLDER` prints its port. A process of its own, so that its time is not
counted with what is measured.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

EMPTY = b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"4711"},"items":[]}'


def handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    """Serves lists by path and token; what was not written is an empty list, or no object."""

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            token = parse_qs(asked.query).get("continue", ["0"])[0]
            page = folder / asked.path.strip("/").replace("/", "+") / token
            if page.is_file():
                self._answer(200, page.read_bytes())
            elif "limit=" in asked.query:
                self._answer(200, EMPTY)
            else:
                self._answer(404, b'{"kind":"Status","code":404,"message":"not found"}')

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Pages


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Path(sys.argv[1])))
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
