#!/usr/bin/python3
"""Measures Keisan beside its peers, in one run: ./dev bench [CASE...] [--json] [--rounds N] [--seconds S]

Everyone runs with one thread and with two, in turns, several rounds; a figure is the median of the rounds' medians. Each
peer is taken at its best: the better number of threads, and the BLAS that serves it (OpenBLAS with OpenMP, told SKYLAKEX
where the processor has AVX-512, since the version in Debian does not know newer ones by name).
With --json one object a line: the case, Keisan's milliseconds, the best peer and its milliseconds, and everyone's.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
KEISAN = BUILD / "keisan-bench"
MULTI = [1, 2]

# case -> the peers that do the same, best of them named; those beside do less or more, and are shown
CASES = {
    "mlp_book": ("PyTorch", "PyTorch C++"),
    "mlp_xor": ("PyTorch", "PyTorch C++"),
    "elementwise": ("PyTorch", "PyTorch C++"),
    "scalar_chain": ("ADOL-C, old tape",),
    "scalar_chain_anew": ("ADOL-C, new tape", "PyTorch", "PyTorch C++"),
}


# ---- who runs ------------------------------------------------------------------------------------------------


def peers_environment():
    """The peers' best BLAS, for their processes alone."""
    environment = dict(os.environ)
    folders = glob.glob("/usr/lib/*/openblas-openmp")
    if folders:
        environment["LD_LIBRARY_PATH"] = folders[0]
    try:
        if " avx512f" in Path("/proc/cpuinfo").read_text():
            environment["OPENBLAS_CORETYPE"] = "SKYLAKEX"
    except OSError:
        pass
    return environment


def compiled(name, *flags):
    """A peer's program, compiled when it is older than its source; None where the peer is not installed."""
    source, program = HERE / "peers" / f"{name}.cpp", BUILD / name
    newest = max(source.stat().st_mtime, (HERE / "peers" / "measure.hpp").stat().st_mtime)
    if program.exists() and program.stat().st_mtime > newest:
        return program
    note(f"compiling {name}")
    done = subprocess.run(["g++", "-std=c++17", "-O3", "-march=native", str(source), "-o", str(program), *flags], stderr=subprocess.PIPE)
    if done.returncode:
        note(f"left out, since it does not compile here: {name}\n{done.stderr.decode()[-500:]}")
        return None
    return program


def torch_is_there():
    return subprocess.run(["/usr/bin/python3", "-c", "import torch"], capture_output=True, env=peers_environment()).returncode == 0


def runners(case):
    """(command, environment) of everyone who runs this case."""
    ours, theirs = dict(os.environ), peers_environment()
    found = [([str(KEISAN), "--threads", str(n)], ours) for n in MULTI]
    if case.startswith("scalar_chain"):
        tapes = compiled("tapes_bench", "-I/usr/include/trilinos", "-ladolc", "-ltrilinos_sacado")
        found += [([str(tapes)], theirs)] if tapes else []
    if case == "scalar_chain":
        return found
    for n in MULTI:
        environment = dict(theirs, OMP_NUM_THREADS=str(n))
        libtorch = compiled("libtorch_bench", "-I/usr/include/torch/csrc/api/include", "-ltorch_cpu", "-ltorch", "-lc10")
        found += [([str(libtorch), "--threads", str(n)], environment)] if libtorch else []
        if torch_is_there():
            found.append((["/usr/bin/python3", str(HERE / "peers" / "torch_bench.py"), "--threads", str(n)], environment))
    return found


# ---- measuring -----------------------------------------------------------------------------------------------


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(command, environment, case, seconds):
    done = subprocess.run([*command, "--seconds", str(seconds), case], env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        note(f"{' '.join(command)} {case} ended with {done.returncode}")
        return []
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure(case, rounds, seconds):
    """peer -> (milliseconds, threads): the median over the rounds at the better number of threads."""
    seen = {}
    everyone = runners(case)
    for number in range(rounds):
        note(f"{case}, round {number + 1} of {rounds}")
        for command, environment in everyone:
            for result in run(command, environment, case, seconds):
                seen.setdefault((result["peer"], result["threads"]), []).append(result["ms"])
    best = {}
    for (peer, threads), times in seen.items():
        ms = statistics.median(times)
        if peer not in best or ms < best[peer][0]:
            best[peer] = (ms, threads)
    return best


def summary(case, best):
    """The object of --json: the best peer is the fastest of those that do the same."""
    if "keisan" not in best:
        sys.exit(f"bench: keisan-bench did not run {case}")
    ms, threads = best["keisan"]
    rivals = {peer: best[peer] for peer in CASES[case] if peer in best}
    peer = min(rivals, key=rivals.get) if rivals else None
    others = {name: {"ms": round(t, 6), "threads": n} for name, (t, n) in sorted(best.items(), key=lambda item: item[1])}
    return {"case": case, "ms": round(ms, 6), "threads": threads, "peer": peer, "peer_ms": round(rivals[peer][0], 6) if peer else None,
            "ratio": round(rivals[peer][0] / ms, 3) if peer else None, "all": others}


def show(result):
    print(f"\n{result['case']}")
    for name, entry in result["all"].items():
        times = entry["ms"] / result["ms"]
        mark = "best peer" if name == result["peer"] else ""
        print(f"  {name:<18}{entry['ms']:>12.4f} ms   {entry['threads']} thread{'s' if entry['threads'] > 1 else ' '}"
              f"{times:>10.2f} x  {mark}".rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" ".join(CASES))
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of each program in each round")
    given = parser.parse_args()
    for case in given.cases:
        if case not in CASES:
            parser.error(f"no case '{case}'; there are: {' '.join(CASES)}")
    for case in given.cases or CASES:
        result = summary(case, measure(case, given.rounds, given.seconds))
        if given.json:
            print(json.dumps(result), flush=True)
        else:
            show(result)


if __name__ == "__main__":
    main()
