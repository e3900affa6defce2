"""What the inference log is sent to."""

import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Event = tuple[dict[str, str], bytes]


class Receiver(ThreadingHTTPServer):
    """Collects events."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.events: queue.Queue[Event] = queue.Queue()

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self.server_address[1]}/ingest"


class Handler(BaseHTTPRequestHandler):
    """Answers 200 at once."""

    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        """Take an event."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.events.put(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
