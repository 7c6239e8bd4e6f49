# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that know what they do with the GIL: gilcode.py FORM [FOLDER]. Each prints "ready"."""
import ctypes
import hashlib
import os
import sys
import threading
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))


def thread(function, *args):
    t = threading.Thread(target=function, args=args)
    t.daemon = True
    t.start()
    return t


def hold_long(numbers):
    return sum(numbers)


def hold_short(numbers):
    return sum(numbers)


def repeat(function, numbers):
    while True:
        function(numbers)


def ratio():
    """Calls into C that keep the GIL, one three times as long as the other: about 30 and 10 ms."""
    thread(repeat, hold_long, numbers_for(0.03))
    thread(repeat, hold_short, numbers_for(0.01))


def time_of(numbers):
    best = 10.0
    for _ in range(5):
        start = time.perf_counter()
        sum(numbers)
        best = min(best, time.perf_counter() - start)
    return best


def numbers_for(secs):
    """What sum() takes so long for, on a free CPU."""
    numbers = range(10 ** 6)
    return range(int(10 ** 6 * secs / time_of(numbers)))


def compute():
    x = 0
    while True:
        for i in range(10000):
            x += i


def alone():
    """One thread computes, nobody else wants the GIL."""
    thread(compute)


def napper():
    while True:
        time.sleep(0.001)


def hog_loop():
    """A loop in Python, and one that wants the GIL now and then."""
    thread(compute)
    thread(napper)


def one_call():
    numbers = numbers_for(2.5)
    while True:
        sum(numbers)


def hog_call():
    """A call into C that keeps the GIL for seconds."""
    thread(one_call)
    thread(napper)


def short_holds():
    while True:
        sum(range(2000))
        time.sleep(0)


def hog_short():
    """Many short holds."""
    for _ in range(3):
        thread(short_holds)


def four():
    """The GIL and nothing else: it changes hands when the interpreter asks for it."""
    for _ in range(4):
        thread(compute)


def player(reads, writes):
    while True:
        os.read(reads, 1)
        sum(range(5000))
        os.write(writes, b"x")


def io_cycles():
    """Pairs that pass a byte on through pipes, and compute for 100 us or so in between."""
    for _ in range(4):
        (here, there), (near, far) = os.pipe(), os.pipe()
        thread(player, here, far)
        thread(player, near, there)
        os.write(there, b"x")


def hasher():
    data = bytes(1 << 20)
    while True:
        hashlib.sha256(data).digest()


def reader():
    zeros = os.open("/dev/zero", os.O_RDONLY)
    while True:
        os.read(zeros, 1 << 16)


def mixed():
    """Two that compute in Python, and C code that releases the GIL: asleep, hashing, reading."""
    for function in compute, compute, napper, hasher, reader:
        thread(function)


def long_calls():
    numbers = numbers_for(0.3)
    while True:
        sum(numbers)


def hog():
    """Calls into C that keep the GIL for 300 ms, one that computes and one that naps."""
    for function in long_calls, compute, napper:
        thread(function)


def sleep_holding(ms):
    """PyDLL calls keep the GIL: to sleep in one stops all other threads."""
    usleep = ctypes.PyDLL(None).usleep
    while True:
        usleep(ms * 1000)
        time.sleep(0.005)


def held():
    thread(sleep_holding, 20)
    thread(compute)


def held_long():
    """Who waits does not ask again before the holder is back."""
    sys.setswitchinterval(2)
    thread(sleep_holding, 400)
    thread(napper)


def hold_through():
    time.sleep(0.5)
    ctypes.PyDLL(None).sleep(1000)


def open_ended():
    """Nothing ends: one sleeps with the GIL, one wants it, one waits for an event."""
    thread(threading.Event().wait)
    thread(hold_through)
    thread(compute)


def compute_for(secs):
    end = time.monotonic() + secs
    while time.monotonic() < end:
        sum(range(1000))


def starter():
    while True:
        pair = [thread(compute_for, 0.05) for _ in range(3)]
        for t in pair:
            t.join()


def churn():
    """Threads that live for 50 ms, three at a time: their thread states lie where others' lay."""
    thread(starter)


class Depth:
    def method(self, hold):
        return [inner for inner in self.generator(hold)]

    def generator(self, hold):
        yield (lambda: deepest(hold))()


def deepest(hold):
    while True:
        time.sleep(hold)  # here it blocks


def stacks():
    """Blocked again and again below a method, a comprehension, a generator and a lambda."""
    t = thread(Depth().method, 0.01)
    time.sleep(0.3)
    frame, rows = sys._current_frames()[t.ident], []
    while frame:
        rows.append((frame.f_code.co_filename, getattr(frame.f_code, "co_qualname", None)
                     or frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    with open(os.path.join(FOLDER, "truth"), "w") as f:
        for row in rows:
            f.write("%s\t%s\t%d\n" % row)


def sink(n):
    if n:
        return sink(n - 1)
    while True:
        time.sleep(0.01)


def deep():
    """A thousand calls."""
    sys.setrecursionlimit(3000)
    threading.stack_size(64 << 20)
    thread(sink, 1000)


def forked():
    """A child that was forked and not exec'd computes with the GIL of its own."""
    pid = os.fork()
    thread(compute)
    thread(compute)
    if not pid:
        time.sleep(1000)
    with open(os.path.join(FOLDER, "child"), "w") as f:
        f.write("%d" % pid)


def own_gils():
    """Two interpreters with a GIL each (3.12 and later), in each two threads that compute."""
    try:
        import _interpreters as interpreters
        create = interpreters.create
    except ImportError:
        import _xxsubinterpreters as interpreters
        create = lambda: interpreters.create(isolated=True)
    code = "import threading\n" \
           "def in_sub():\n    x = 0\n    while True:\n        x += 1\n" \
           "threads = [threading.Thread(target=in_sub) for _ in range(2)]\n" \
           "[t.start() for t in threads]\n[t.join() for t in threads]\n"
    interp = create()
    thread(compute)
    thread(compute)
    thread(interpreters.run_string, interp, code)
    time.sleep(1)


def native():
    """A thread that is not Python's, and one that calls back from C: qsort(), with the GIL kept."""
    libc = ctypes.PyDLL(None)
    numbers = (ctypes.c_int * 2000)(*range(2000, 0, -1))
    compare_type = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int),
                                     ctypes.POINTER(ctypes.c_int))

    def called_from_c(a, b):
        return a[0] - b[0]

    def sort():
        compare = compare_type(called_from_c)
        while True:
            libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare)

    start = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    handle = ctypes.c_ulong()
    # sleep(1000) as a thread's function: no thread state
    entry = ctypes.cast(libc.sleep, start)
    libc.pthread_create(ctypes.byref(handle), None, entry, ctypes.c_void_p(1000))
    thread(sort)
    thread(compute)


def hog_main():
    """The main thread is the hog."""
    thread(napper)
    ready()
    compute()


def mix():
    """One thread that computes with the GIL and, in C, without. It writes down its CPU time in
    both, and when."""
    data = bytes(12 << 20)
    log = os.open(os.path.join(FOLDER, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def work():
        held = free = 0.0
        while True:
            start = time.thread_time()
            x = 0
            for i in range(200000):
                x += i
            middle = time.thread_time()
            hashlib.sha256(data).digest()
            end = time.thread_time()
            held += middle - start
            free += end - middle
            os.write(log, b"%d %d %d\n" % (time.time() * 1e9, held * 1e9, free * 1e9))

    thread(work)
    # until it has written
    while not os.fstat(log).st_size:
        time.sleep(0.01)


def left(path, depth, end):
    on_path(path, depth, end)


def right(path, depth, end):
    on_path(path, depth, end)


def on_path(path, depth, end):
    """Computes until a time, in a stack that depends on the path."""
    if depth:
        (right if path & 1 else left)(path >> 1, depth - 1, end)
        return
    while time.thread_time() < end:
        pass


def work():
    x = 0
    for i in range(20000):
        x += i


def let_go(file):
    os.write(file, b"x")


def work_and_let_go(file):
    while True:
        work()
        let_go(file)


def lets_go():
    """The GIL is held for less than the switch interval, and let go in a call of its own."""
    for _ in range(3):
        thread(work_and_let_go, os.open("/dev/null", os.O_WRONLY))


def short_lived(file):
    for _ in range(3):
        work()
        let_go(file)


def breed(file):
    while True:
        few = [thread(short_lived, file) for _ in range(3)]
        for t in few:
            t.join()


def brief():
    """Threads that live for some milliseconds, most of them without a tick of a clock."""
    thread(breed, os.open("/dev/null", os.O_WRONLY))


def one_place(numbers):
    return sum(numbers)


def alternate(numbers):
    path = 0
    while True:
        start = time.thread_time()
        one_place(numbers)
        end = time.thread_time()
        for i in range(10):
            path = (path * 1103515245 + 12345) & 0x7fffffff
            on_path(path >> 8, 15, end + (end - start) * (i + 1) / 10)


def paths():
    """Half of the time in one stack, in C; half in a thousand stacks, each seldom seen."""
    for _ in range(3):
        thread(alternate, numbers_for(0.03))


def ready():
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    ready()
    # asleep in C without the GIL
    while True:
        time.sleep(1000)
