# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A local HTTP server that answers every GET after 0.5 s, each in its own thread.

Prints `port N` (an ephemeral port on 127.0.0.1), then `ready`, and serves until killed.
"""
import http.server
import time


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers late, and does not log."""

    def do_GET(self):
        time.sleep(0.5)
        body = b"answer\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 128
    daemon_threads = True


def main():
    server = Server(("127.0.0.1", 0), Slow)
    print("port %d" % server.server_address[1], flush=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
