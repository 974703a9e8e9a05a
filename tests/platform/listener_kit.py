"""A receiver of webhooks, for the tests that send some."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self


class Listener:
    """A real HTTP server that keeps what was posted to it."""

    def __init__(self, *says: int, headers: dict[str, str] | None = None) -> None:
        """Listen.

        Args:
            says: the status of each answer in turn, of which the last is repeated; 204 where none is given.
            headers: of each answer.
        """
        answers = list(says or (204,))
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
