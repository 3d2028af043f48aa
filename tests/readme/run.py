#!/usr/bin/env python3
"""Tries what the documents show, in a fresh clone: README.md and docs/*.md.

usage: run.py [--write]

A block fenced as `sh` must succeed. In one fenced as `console` every line after "$ " is run, and what it prints must be
what stands below it. A block after the comment <!-- file: NAME --> is first written to NAME. Blocks run in order, in
the clone's root; what an earlier one made is there for the later. Closes on "N passed, N failed". With --write the
documents of the working tree are run, and what their console blocks show is replaced by what was printed.
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


def run(command, clone):
    """(exit status, what it printed). It sees no options of a build that this script may be a part of."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESON")}
    done = subprocess.run(["sh", "-e", "-c", command], cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
    return done.returncode, done.stdout


def sessions(text):
    """(command, expected output) of a console block; a command goes on over lines that end in a backslash."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = re.sub(r"\\\n", "\\\0", part).partition("\n")
        yield command.replace("\\\0", "\\\n"), expected


class Trial:
    """One walk through the documents."""

    def __init__(self, clone):
        self.clone, self.passed, self.failed = clone, 0, 0

    def count(self, wrong):
        self.passed, self.failed = self.passed + (not wrong), self.failed + bool(wrong)
        if wrong:
            print(wrong, file=sys.stderr, flush=True)

    def block(self, found):
        """Runs a block; the block as it should stand."""
        kind, text = found["kind"], found["text"]
        if found["file"]:
            (self.clone / found["file"]).write_text(text)
        if kind == "sh":
            status, output = run(text, self.clone)
            self.count(status and f"{text}ended with {status}:\n{output[-5000:]}")
        if kind != "console":
            return found[0]
        shown = ""
        for command, expected in sessions(text):
            output = run(command, self.clone)[1]
            same = output.rstrip() == expected.rstrip()
            self.count(not same and f"$ {command}\nprinted\n{output}\nbut the document shows\n{expected}")
            shown += f"$ {command}\n{output.rstrip()}\n" if output.strip() else f"$ {command}\n"
        return found[0].replace(text, shown)


def main():
    write = sys.argv[1:] == ["--write"]
    with tempfile.TemporaryDirectory() as work:
        clone = Path(work) / "keisan"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        trial = Trial(clone)
        where = ROOT if write else clone
        for document in [where / "README.md", *sorted((where / "docs").glob("*.md"))]:
            text = BLOCK.sub(trial.block, document.read_text())
            if write:
                document.write_text(text)
    print(f"{trial.passed} passed, {trial.failed} failed")
    return 1 if trial.failed and not write else 0


if __name__ == "__main__":
    sys.exit(main())
