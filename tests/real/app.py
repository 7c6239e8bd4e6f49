# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A Flask application for gunicorn: one handler that computes, one that sleeps,
one that asks PostgreSQL (DSN in the environment variable APP_DSN)."""
import os
import threading
import time

import flask

app = flask.Flask(__name__)
local = threading.local()


@app.get("/cpu")
def cpu():
    total = 0
    for i in range(20000):
        total += i * i
    return {"total": total}


@app.get("/sleep")
def sleep():
    time.sleep(0.02)
    return {"slept": 0.02}


@app.get("/db")
def db():
    import psycopg2

    if not hasattr(local, "connection"):
        local.connection = psycopg2.connect(os.environ["APP_DSN"])
        local.connection.autocommit = True
    with local.connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.01), count(*) from pg_class")
        return {"classes": cursor.fetchone()[1]}
