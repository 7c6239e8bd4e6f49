# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One Celery task, on the broker that the environment variable BROKER names."""
import os

import celery

app = celery.Celery("tasks", broker=os.environ["BROKER"])


@app.task
def add(a, b):
    return a + b
