# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A client of a PostgreSQL and a Redis, of which one takes 30 ms for an answer.

    client.py FORM SLOW POSTGRES_PORT REDIS_PORT [ROUNDS]

FORM   blocking: psycopg2 and redis; asyncio: asyncpg and redis.asyncio; one: asyncio, of the slow one only
SLOW   postgres or redis

In each round it asks both in turn, for ever or ROUNDS times. At its end it prints the seconds that it
waited for postgres and for redis, by its own clock.
"""
import asyncio
import itertools
import sys
import time

ADDRESS = "127.0.0.1"
SLOW_S = 0.03


def rounds():
    return range(int(sys.argv[5])) if len(sys.argv) > 5 else itertools.count()


def queries(slow):
    """What each is asked: (SQL, command of Redis)."""
    if slow == "postgres":
        return "SELECT pg_sleep(%s)" % SLOW_S, ("PING",)
    # a list that nobody ever adds to
    return "SELECT 1", ("BLPOP", "boundby", str(SLOW_S))


def blocking(slow, postgres_port, redis_port):
    import psycopg2
    import redis

    cursor = psycopg2.connect(host=ADDRESS, port=postgres_port, user="test", dbname="postgres").cursor()
    client = redis.Redis(ADDRESS, redis_port)
    sql, command = queries(slow)
    spent = [0.0, 0.0]
    client.ping()
    print("ready", flush=True)
    for _ in rounds():
        start = time.monotonic()
        cursor.execute(sql)
        between = time.monotonic()
        client.execute_command(*command)
        spent[0] += between - start
        spent[1] += time.monotonic() - between
    print(*spent)


async def on_a_loop(slow, postgres_port, redis_port, one):
    import asyncpg
    import redis.asyncio

    sql, command = queries(slow)
    postgres = client = None
    if not one or slow == "postgres":
        postgres = await asyncpg.connect(host=ADDRESS, port=postgres_port, user="test", database="postgres")
    if not one or slow == "redis":
        client = redis.asyncio.Redis(host=ADDRESS, port=redis_port)
        await client.ping()
    print("ready", flush=True)
    for _ in rounds():
        if postgres:
            await postgres.execute(sql)
        if client:
            await client.execute_command(*command)


form, slower, *ports = sys.argv[1:5]
if form == "blocking":
    blocking(slower, *map(int, ports))
else:
    asyncio.run(on_a_loop(slower, *map(int, ports), form == "one"))
