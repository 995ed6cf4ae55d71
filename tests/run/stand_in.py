"""Stands in for the programs that the supervisor runs: `python stand_in.py NAME`."""

import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())


def main(name):
    sys.stdout.write(f"{name} runs\n")
    sys.stdout.flush()
    if name in os.environ.get("STAND_IN_FAILS", "").split(","):
        sys.exit(f"{name} fails on purpose")
    if name in {"migrate", "seed"}:
        return
    if "FILODIRETTO_LISTEN_FD" in os.environ and name not in os.environ.get("STAND_IN_HANGS", "").split(","):
        server = HTTPServer(("", 0), Ready, bind_and_activate=False)
        server.socket.close()
        server.socket = socket.socket(fileno=int(os.environ["FILODIRETTO_LISTEN_FD"]))
        server.serve_forever()
    time.sleep(600)


main(sys.argv[1])
