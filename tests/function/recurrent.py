#!/usr/bin/env python3
"""Runs PyTorch's recurrent nets and writes recurrent.h: what tests/function/test_recurrent.c compares with.

usage: recurrent.py        (/usr/bin/python3, Debian: python3-torch)

Element i of the p-th tensor is sin(1 + 3 p + 1.7 i)/2: x is tensor 0, the first states h and c are 1 and 2, then come w, u, b, c of each layer
and direction, in our layout. The loss is the sum of y, h and c times cos(i), each counted from 0. ONNX's GRU with the reset gate before the
product has no counterpart in PyTorch: it is written out.
"""
from pathlib import Path

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

N, IN, H = 2, 3, 2
GATES = {"rnn": 1, "relu": 1, "lstm": 4, "gru": 3, "before": 3}


def drawn(p, *shape):
    count = torch.Size(shape).numel()
    return (torch.sin(1 + 3 * p + 1.7 * torch.arange(count, dtype=torch.float64)) / 2).reshape(shape).requires_grad_()


def weighed(y):
    return (y * torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)).sum()


def before(x, h, w, u, b, c):
    """One forward layer of a GRU whose reset gate stands before the product."""
    rows = []
    for row in x:
        (xr, xz, xn), (ur, uz, un), (cr, cz, cn) = (row @ w + b).split(H, 1), u.split(H, 1), c.split(H)
        r, z = torch.sigmoid(xr + h @ ur + cr), torch.sigmoid(xz + h @ uz + cz)
        h = (1 - z) * torch.tanh(xn + (r * h) @ un + cn) + z * h
        rows.append(h)
    return torch.stack(rows), h[None]


FUNCTIONS = {"rnn": torch.rnn_tanh, "relu": torch.rnn_relu, "lstm": torch.lstm, "gru": torch.gru}


def net(kind, x, states, weights, layers, directions, lengths):
    """y, h and, of an LSTM, c."""
    if kind == "before":
        return before(x, states[0][0], *weights)
    flat = [t.transpose(0, 1) if t.dim() == 2 else t for t in weights]
    options = (flat, True, layers, 0.0, True, directions == 2)
    if not lengths:
        return FUNCTIONS[kind](x, states if kind == "lstm" else states[0], *options, False)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    states = [state[:, packed.sorted_indices] for state in states]
    data, *last = FUNCTIONS[kind](packed.data, packed.batch_sizes, states if kind == "lstm" else states[0], *options)
    y = pad_packed_sequence(PackedSequence(data, *packed[1:]), total_length=len(x))[0]
    return (y, *[state[:, packed.unsorted_indices] for state in last])


def case(kind, steps, layers=1, directions=1, lengths=None):
    states = [drawn(p, layers * directions, N, H) for p in ((1, 2) if kind == "lstm" else (1,))]
    x, weights, p = drawn(0, steps, N, IN), [], 3
    for n in range(layers * directions):
        rows = IN if n < directions else directions * H
        for shape in ((rows, GATES[kind] * H), (H, GATES[kind] * H), (GATES[kind] * H,), (GATES[kind] * H,)):
            weights.append(drawn(p, *shape))
            p += 1
    results = net(kind, x, states, weights, layers, directions, lengths)
    loss = sum(weighed(y) for y in results)
    wanted = [x, states[0], *weights[-4:]]
    derivatives = torch.autograd.grad(loss, wanted)
    return results, [weighed(d) for d in derivatives] + [loss], derivatives[0]


def numbers(tensor):
    return ", ".join(f"{v:.17g}" for v in tensor.detach().reshape(-1).tolist())


CASES = {
    "rnn": case("rnn", 4), "rnn_relu": case("relu", 4), "rnn_deep": case("rnn", 3, 2, 2), "lstm": case("lstm", 4),
    "lstm_deep": case("lstm", 3, 2, 2), "lstm_ragged": case("lstm", 4, 2, 2, [2, 4]), "gru": case("gru", 4), "gru_deep": case("gru", 3, 2, 2),
    "gru_ragged": case("gru", 4, 1, 2, [4, 1]), "gru_before": case("before", 4),
}

lines = ["/* Written by recurrent.py: y, the derivative for x, and then <derivative, cos(i)> for x, h and the last w, u, b, c, and the loss. */", "/* clang-format off */"]
for name, (results, sums, dx) in CASES.items():
    lines += [f"static const double {name}_y[] = {{{numbers(results[0])}}};", f"static const double {name}_dx[] = {{{numbers(dx)}}};",
              f"static const double {name}_sums[] = {{{numbers(torch.stack(sums))}}};"]
(Path(__file__).resolve().parent / "recurrent.h").write_text("\n".join(lines) + "\n")
