# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real packages at work, for compare-stacks: stack_load.py docutils|black|flask|pytest|blocked. Prints "ready".

Each repeats its work for ever, in two threads or more where the package allows it.
"""
import gc
import os
import sys
import threading
import time

THREADS = 2


def in_threads(work):
    for _ in range(THREADS):
        threading.Thread(target=forever, args=(work,), daemon=True).start()


def forever(work):
    """
    The cycle collector runs by itself wherever the next object is made: a few long stays at
    places that change. Here it has a place of its own.
    """
    while True:
        for _ in range(20):
            work()
        gc.collect()


def docutils():
    """reStructuredText to HTML."""
    from docutils.core import publish_string
    block = "Title %d\n=========\n\nSome *text* with ``code``.\n\n* one\n* two\n\n  + nested\n\n" \
            "+---+---+\n| a | b |\n+---+---+\n\n"
    text = "".join(block % i for i in range(60))
    options = {"report_level": 5, "halt_level": 5}
    in_threads(lambda: publish_string(text, writer_name="html", settings_overrides=options))


def black():
    """Formats a module of the standard library."""
    import argparse
    import black
    with open(argparse.__file__, encoding="utf-8") as f:
        source = f.read()
    mode = black.Mode(line_length=60)
    in_threads(lambda: black.format_str(source, mode=mode))


def flask():
    """An application behind its own threaded server, and clients in another process."""
    import flask as package
    from werkzeug.serving import WSGIRequestHandler, make_server
    app = package.Flask("load")
    template = "{% for row in rows %}<tr><td>{{ row.name }}</td><td>{{ row.value|round(2) }}</td>" \
               "</tr>{% endfor %}"

    @app.route("/")
    def page():
        rows = [{"name": "row %d" % i, "value": i / 7} for i in range(200)]
        return package.render_template_string(template, rows=rows)

    WSGIRequestHandler.log = lambda *args: None
    server = make_server("127.0.0.1", 0, app, threaded=True)
    if not os.fork():
        clients(server.port)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def clients(port):
    import http.client

    def get():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()

    def gets():
        parent = os.getppid()
        while os.getppid() == parent:
            try:
                get()
            except OSError:
                time.sleep(0.1)
        os._exit(0)

    threads = [threading.Thread(target=gets) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    os._exit(0)


def pytest():
    """Runs a small suite over and over, in the main thread."""
    import tempfile
    import pytest as package
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "test_small.py"), "w") as f:
        f.write("import pytest\n\n\n@pytest.mark.parametrize('n', range(100))\n"
                "def test_sorted(n):\n    assert sorted(range(n, 0, -1)) == list(range(1, n + 1))\n")
    ready()
    sys.stdout = open(os.devnull, "w")
    while True:
        package.main(["-q", "-p", "no:cacheprovider", folder])


def ready():
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    gc.disable()
    globals()[sys.argv[1]]()
    ready()
    while True:
        time.sleep(1000)
