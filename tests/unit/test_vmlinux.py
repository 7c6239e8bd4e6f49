# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vmlinux/ lists the kernel fields that the programs read: each is in the kernel's BTF.

Checked against the running kernel, and against each kernel whose BTF the matrix of tests/vm/ has
stored. Bit fields must be bit fields, and no scalar is narrower than we read it.
"""
import json
import os
import pathlib
import platform
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("BB_VM_CACHE", "/var/cache/boundby-vm"))
ARCH = {"x86_64": "vmlinux_x86.h", "aarch64": "vmlinux_arm64.h"}[platform.machine()]
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "int": 4, "unsigned int": 4, "unsigned short": 2,
         "unsigned char": 1, "unsigned long": 8, "long": 8, "unsigned long long": 8, "bool": 1}


def kernels():
    """(name, path of its BTF, (major, minor)) of each kernel at hand."""
    release = tuple(int(x) for x in platform.release().split(".")[:2])
    found = [("running", pathlib.Path("/sys/kernel/btf/vmlinux"), release)]
    for path in sorted(CACHE.glob("*/btf")):
        name = path.parent.name
        found.append((name, path, tuple(int(x) for x in name.split(".")[:2])))
    return found


def declared():
    """Yield (struct, field, type, is bit field, since, until) of each field in vmlinux/."""
    for file in ("vmlinux.h", ARCH):
        text = (ROOT / "vmlinux" / file).read_text()
        for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\}", text, re.S | re.M):
            for line in body.splitlines():
                m = re.match(r"\t(?:volatile |const )*(.+?)[ *]+(\w+)(\[\d+\])?( : 1)?;(.*)", line)
                assert m, f"{file}: cannot read this line of struct {name}: {line!r}"
                kind, field, _, bit, note = m.groups()
                pointer = "*" in line.split(field)[0]
                since = re.search(r"since (\d+)\.(\d+)", note)
                until = re.search(r"until (\d+)\.(\d+)", note)
                yield (name.split("___")[0], field, None if pointer else kind, bool(bit),
                       tuple(map(int, since.groups())) if since else None,
                       tuple(map(int, until.groups())) if until else None)


class Btf:
    def __init__(self, path):
        out = subprocess.run(["/usr/sbin/bpftool", "btf", "dump", "-j", "file", path], check=True,
                             capture_output=True, text=True).stdout
        self.types = {t["id"]: t for t in json.loads(out)["types"]}
        self.structs = {t["name"]: t for t in self.types.values() if t["kind"] == "STRUCT"}

    def resolve(self, type_id):
        t = self.types.get(type_id)
        while t and t["kind"] in ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"):
            t = self.types.get(t["type_id"])
        return t

    def member(self, struct, field):
        for m in struct["members"]:
            if m["name"] == field:
                return m
            inner = self.resolve(m["type_id"])
            if m["name"] == "(anon)" and inner and inner["kind"] in ("STRUCT", "UNION"):
                found = self.member(inner, field)
                if found:
                    return found
        return None


@pytest.fixture(scope="module", params=kernels(), ids=lambda k: k[0])
def kernel(request):
    name, path, version = request.param
    return Btf(str(path)), version


def test_every_field_is_there(kernel):
    btf, version = kernel
    wrong = []
    checked = 0
    for name, field, kind, bit, since, until in declared():
        expected = not (since and version < since) and not (until and version >= until)
        struct = btf.structs.get(name)
        member = btf.member(struct, field) if struct else None
        if name.startswith("bpf_iter") and not struct:
            continue  # made by the kernel's BPF_ITER macros, in BTF under the same name if at all
        if expected != bool(member):
            wrong.append(f"{name}.{field}: {'missing' if expected else 'there, and should not be'}")
            continue
        if not member:
            continue
        checked += 1
        if bit != bool(member.get("bitfield_size")):
            wrong.append(f"{name}.{field}: bit field or not")
        real = btf.resolve(member["type_id"])
        if kind in SIZES and real and "size" in real and not bit and real["kind"] != "ARRAY" \
                and real["size"] < SIZES[kind]:
            wrong.append(f"{name}.{field}: {real['size']} bytes, declared {SIZES[kind]}")
    assert not wrong
    assert checked > 40, "the list of fields was not read"


def test_a_wrong_field_is_seen(kernel):
    """The check itself can fail: a field that no kernel has is not found."""
    btf, _ = kernel
    assert btf.member(btf.structs["task_struct"], "no_such_field") is None
    assert btf.member(btf.structs["task_struct"], "tgid") is not None


def test_helper_numbers(kernel):
    """Helpers that are chosen by their presence in enum bpf_func_id have the numbers we use."""
    btf, version = kernel
    enums = [t for t in btf.types.values() if t["kind"] == "ENUM" and t["name"] == "bpf_func_id"]
    values = {v["name"]: v["val"] for t in enums for v in t["values"]}
    if version >= (5, 15):
        assert values.get("BPF_FUNC_task_pt_regs") == 175
    else:
        assert "BPF_FUNC_task_pt_regs" not in values
