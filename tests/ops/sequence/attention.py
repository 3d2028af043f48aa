#!/usr/bin/env python3
"""Computes attention and positions with PyTorch and writes attention.h: what test_attention.c and test_positions.c compare with.

usage: attention.py        (/usr/bin/python3, Debian: python3-torch)

Element i of the p-th tensor is sin(1 + 3 p + 1.7 i). The loss is the sum of y cos(i). Rotations are products of complex numbers here.
"""
import math
from pathlib import Path

import torch
import torch.nn.functional as F


def drawn(p, *shape):
    count = torch.Size(shape).numel()
    return torch.sin(1 + 3 * p + 1.7 * torch.arange(count, dtype=torch.float64)).reshape(shape).requires_grad_()


def derivatives(y, of):
    loss = (y * torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)).sum()
    return torch.cat([y.reshape(-1)] + [d.reshape(-1) for d in torch.autograd.grad(loss, of)])


def attention(mask=None, scale=None):
    q, k, v = drawn(0, 2, 3, 4), drawn(1, 2, 5, 4), drawn(2, 2, 5, 3)
    scores = q @ k.transpose(-1, -2) * (scale or 1 / math.sqrt(4))
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return derivatives(torch.softmax(scores, -1) @ v, [q, k, v])


def multi_head(memory, heads=3, width=6):
    """PyTorch has [T, N, E] and the weights of q, k, v one upon the other, transposed."""
    x, m = drawn(0, 2, 4, width), drawn(1, 2, 5, width)
    w, b, out, out_bias = drawn(2, width, 3 * width), drawn(3, 3 * width), drawn(4, width, width), drawn(5, width)
    future = None if memory else torch.ones(4, 4, dtype=torch.bool).triu(1)
    kv = (m if memory else x).transpose(0, 1)
    y = F.multi_head_attention_forward(x.transpose(0, 1), kv, kv, width, heads, w.T, b, None, None, False, 0.0, out.T, out_bias, True,
                                       None, False, future)[0].transpose(0, 1)
    return derivatives(y, [x, w, b, out, out_bias] + ([m] if memory else []))


def turned(x, base, halves):
    """x [..., T, d] as complex numbers times e^(i t / base^(2 i/d))."""
    steps, width = x.shape[-2:]
    angle = torch.arange(steps)[:, None] * base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    a, b = x.split(width // 2, -1) if halves else (x[..., 0::2], x[..., 1::2])
    z = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], -1) if halves else torch.stack([z.real, z.imag], -1).flatten(-2)


def sinusoids(steps, width):
    rows = [[(math.cos if i % 2 else math.sin)(t / 10000 ** ((i - i % 2) / width)) for i in range(width)] for t in range(steps)]
    return torch.tensor(rows, dtype=torch.float64)


def rotary(halves):
    x = drawn(0, 2, 3, 4)
    return derivatives(turned(x, 100.0, halves), [x])


SEEN = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]], dtype=torch.bool)
ADDED = torch.tensor([0.5, -math.inf, 0, -2, 1], dtype=torch.float64)
CAUSAL = torch.ones(3, 5, dtype=torch.bool).tril()
VALUES = {
    "plain": attention(), "scaled": attention(scale=0.3), "causal": attention(CAUSAL), "seen": attention(SEEN), "added": attention(ADDED),
    "self": multi_head(False), "cross": multi_head(True), "sinusoids": sinusoids(4, 6), "odd": sinusoids(3, 5), "halves": rotary(True), "pairs": rotary(False),
}
lines = ["/* Written by attention.py: y, then the derivatives one after the other. */", "/* clang-format off */"]
for name, values in VALUES.items():
    lines.append(f"static const double {name}_values[] = {{{', '.join(f'{v:.17g}' for v in values.detach().reshape(-1).tolist())}}};")
(Path(__file__).resolve().parent / "attention.h").write_text("\n".join(lines) + "\n")
