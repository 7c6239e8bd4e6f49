# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Pythons that the bench runs its programs on, and with which it runs others' tools."""
import glob
import os
import shutil
import subprocess


class Python:
    """@argv starts it; it sees @root as its /. @tool starts it so that it sees our files."""

    def __init__(self, argv, root="", tool=None):
        self.argv = argv
        self.root = root
        self.tool = tool or argv
        out = subprocess.run(argv + ["-c", "import sys; print(*sys.version_info[:3], sep='.')"],
                             check=False, capture_output=True, text=True).stdout
        self.version = out.strip()

    def code_file(self, symbol):
        """The file that holds the interpreter's code, if it has the symbol."""
        out = subprocess.run(self.argv + ["-c", "print(open('/proc/self/maps').read())"],
                             check=False, capture_output=True, text=True).stdout
        files = {line.split()[-1] for line in out.splitlines() if "r-xp" in line and "/" in line}
        for path in sorted(files):
            names = subprocess.run(["nm", path], check=False, capture_output=True, text=True).stdout
            if " t %s\n" % symbol in names or " T %s\n" % symbol in names:
                return path
        return None


def with_symbols():
    """A Python with the symbol take_gil if there is one, else Debian's."""
    named = os.environ.get("BENCH_PYTHON")
    if named:
        return Python([named])
    home = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for path in sorted(glob.glob(home + "/versions/3.11.*/bin/python3")):
        python = Python([path])
        if python.code_file("take_gil"):
            return python
    return Python([os.environ.get("PYTHON", "/usr/bin/python3")])


def in_chroot(root):
    """
    Its 3.15. The tool has to see the target's files by the names that /proc gives them here, so
    it is started from outside, by the loader of the chroot.
    """
    path = "/usr/bin/python3.15"
    loader = glob.glob(root + "/lib*/ld-linux-*.so*")
    libraries = glob.glob(root + "/usr/lib/*-linux-gnu")
    if not os.path.exists(root + path) or not loader or not libraries:
        return None
    return Python(["chroot", root, path], root,
                  ["env", "PYTHONHOME=%s/usr" % root, loader[0], "--library-path",
                   ":".join(libraries), root + path])


def newest():
    """Python 3.15, which has a sampler of its own, or None."""
    named = os.environ.get("BENCH_PYTHON315")
    places = [named] if named else os.environ.get("BB_CHROOT", "").split(":") + \
        [shutil.which("python3.15")]
    for place in filter(None, places):
        found = in_chroot(place.rstrip("/")) if os.path.isdir(place) else Python([place])
        if found and found.version.startswith("3.15."):
            return found
    return None
