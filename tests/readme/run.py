#!/usr/bin/env python3
"""Tries what the documents show, in a fresh clone: README.md and docs/*.md.

A block fenced as `sh` must succeed. In one fenced as `console` every line after "$ " is run, and what it prints must be
what stands below it. A block after the comment <!-- file: NAME --> is first written to NAME. Blocks run in order, each
document's in the clone's root; what an earlier one made is there for the later. Closes on "N passed, N failed".
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
SECONDS = 900


def blocks(document):
    for found in BLOCK.finditer(document.read_text()):
        yield found["kind"], found["file"], found["text"]


def run(command, clone):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESON")}
    done = subprocess.run(["sh", "-e", "-c", command], cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
    return done.returncode, done.stdout


def sessions(text):
    """(command, expected output) of a console block; a command goes on over lines that end in a backslash."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = re.sub(r"\\\n", "\\\0", part).partition("\n")
        yield command.replace("\\\0", "\\\n"), expected


def attempt(kind, text, clone):
    """What went wrong, None if nothing did."""
    if kind == "sh":
        status, output = run(text, clone)
        return None if status == 0 else f"{text}ended with {status}:\n{output[-3000:]}"
    for command, expected in sessions(text):
        output = run(command, clone)[1]
        if output.rstrip() != expected.rstrip():
            return f"$ {command}\nprinted\n{output}\nbut the document shows\n{expected}"
    return None


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        clone = Path(work) / "keisan"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for document in [clone / "README.md", *sorted((clone / "docs").glob("*.md"))]:
            for kind, file, text in blocks(document):
                if file:
                    (clone / file).write_text(text)
                if kind not in ("sh", "console"):
                    continue
                wrong = attempt(kind, text, clone)
                passed, failed = passed + (wrong is None), failed + (wrong is not None)
                if wrong:
                    print(f"{document.relative_to(clone)}: {wrong}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
