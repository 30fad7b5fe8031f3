"""A load balancer: one address for several servers."""

import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

#: Seconds that a request may take: a queue job is one.
PATIENCE = 60


class Balancer(ThreadingHTTPServer):
    """Passes each GET to the next of several ports of 127.0.0.1."""

    def __init__(self, *ports):
        super().__init__(("127.0.0.1", 0), Forward)
        self.ports = itertools.cycle(ports)
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Forward(BaseHTTPRequestHandler):
    def do_GET(self):
        url = f"http://127.0.0.1:{next(self.server.ports)}{self.path}"
        headers = {"X-Odoo-Database": self.headers["X-Odoo-Database"]}
        status = 502
        try:
            status = requests.get(url, headers=headers, timeout=PATIENCE).status_code
            self.send_response(status)
            self.end_headers()
        except (requests.ConnectionError, BrokenPipeError):
            pass  # a server was killed, or the runner did not wait for the job's end

    def log_message(self, *_arguments):
        pass
