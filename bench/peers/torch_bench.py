#!/usr/bin/python3
"""The benchmark's workloads in PyTorch from Python.

usage: torch_bench.py [--threads N] [--seconds S] CASE...
Prints a JSON object a case, as keisan-bench does: median and least milliseconds of one step.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

CHAIN = 3334


def training(net, loss, x, t):
    """One step of SGD: forward, backward, update."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(net(x), t).backward()
        optimizer.step()

    return step


def mlp_book():
    """784-50-10 with sigmoid, batch 100, softmax and cross-entropy."""
    net = nn.Sequential(nn.Linear(784, 50), nn.Sigmoid(), nn.Linear(50, 10))
    return training(net, nn.functional.cross_entropy, torch.rand(100, 784), torch.randint(10, (100,)))


def mlp_xor():
    """2-8-1 with tanh, batch 4, mean squared error."""
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    return training(net, nn.functional.mse_loss, torch.rand(4, 2), torch.rand(4, 1))


def elementwise():
    """sum(tanh(2x + 1) sigmoid(x)) over 10 M floats, value and gradient."""
    x = torch.rand(10_000_000, requires_grad=True)

    def step():
        x.grad = None
        (torch.tanh(2 * x + 1) * torch.sigmoid(x)).sum().backward()

    return step


def scalar_chain_anew():
    """y = tanh(1.01 y + 0.01), 3,334 times: value and gradient. PyTorch records the chain at each step."""
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def step():
        x.grad = None
        y = x
        for _ in range(CHAIN):
            y = torch.tanh(y * 1.01 + 0.01)
        y.backward()

    return step


CASES = {f.__name__: f for f in (mlp_book, mlp_xor, elementwise, scalar_chain_anew)}


def measure(step, seconds):
    """Milliseconds of each of the steps that fit into the time, at least five."""
    for _ in range(3):
        step()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("cases", nargs="+", choices=sorted(CASES))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    for case in given.cases:
        times = measure(CASES[case](), given.seconds)
        print(json.dumps({"case": case, "peer": "PyTorch", "threads": given.threads, "ms": statistics.median(times),
                          "min_ms": min(times), "runs": len(times)}), flush=True)


if __name__ == "__main__":
    main()
