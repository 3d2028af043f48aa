#!/usr/bin/env python3
"""Writes what PyTorch computes for our operations, values and derivatives, into cases/FAMILY.json.

usage: make.py [--check]        (/usr/bin/python3, Debian: python3-torch, python3-numpy)

A family is a module beside this one. --check writes nothing and says which files differ from what would be written: in their
cases at all, or in a number by more than 1e-11. tests/ops/reference/test_reference.c compares the files with the library.
"""
import importlib
import json
import sys
from pathlib import Path

try:
    import reference
except ImportError as missing:  # without PyTorch there is nothing to say: the test is skipped
    print(missing, file=sys.stderr)
    sys.exit(77)

FOLDER = Path(__file__).resolve().parent
FAMILIES = ["elementwise", "reduce", "shape", "index", "product", "linalg", "conv", "norm", "loss"]


def alike(a, b):
    """Whether two pieces of JSON agree, numbers to 1e-11."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-11 * max(1, abs(b))
    return a == b


def main():
    check, stale = sys.argv[1:] == ["--check"], 0
    for name in FAMILIES:
        reference.begin(name)
        importlib.import_module(name).cases()
        text, file = reference.text_of(name), FOLDER / "cases" / (name + ".json")
        if not check:
            file.write_text(text)
            print(f"{name}: {len(reference.OPERATIONS[name])} operations, {len(reference.CASES[name])} cases, {len(text)} bytes")
        elif not file.exists() or not alike(json.loads(file.read_text()), json.loads(text)):
            print(f"{file.name} is not what make.py writes")
            stale += 1
    absent, file = importlib.import_module("absent").REASONS, FOLDER / "cases" / "absent.json"
    text = json.dumps(absent, indent=1) + "\n"
    if not check:
        file.write_text(text)
    elif file.read_text() != text:
        print(f"{file.name} is not what make.py writes")
        stale += 1
    return 1 if stale else 0


sys.exit(main())
