#!/usr/bin/env python3
"""Trains five networks with PyTorch and writes the first 50 losses of each, in f32 and f64, into training/NAME.txt.

usage: training.py [NAME...]        (/usr/bin/python3, Debian: python3-torch, python3-numpy)

Nothing is drawn by chance, so that another program can follow number by number:

weights   Element i of the p-th weight (p from 0, in the order in which they are made here) is bound (2 u - 1), where u is
          splitmix64(p 2^32 + i) / 2^11 rounded down, divided by 2^53. It is computed in f64 and rounded to the type. Biases are 0,
          gains of norms 1; they take no p. The bound is sqrt(6 / fan_in) before a ReLU and sqrt(3 / fan_in) elsewhere.
layouts   A dense weight is [in, out]; a filter [out, channels, height, width]. Those of recurrent nets are ONNX's: W [gates hidden, in],
          R [gates hidden, hidden], a bias [gates hidden] beside the input's product; gates in the order i o f c (LSTM) and z r h (GRU, whose
          reset gate stands behind the product).
images    Step k takes rows 100 k to 100 k + 99 of data/digits' training images, divided by 255.
texts     Tokens are the bytes of data/text/constitution.txt. With n bytes, B rows and T steps, row b of step k begins at byte
          b floor((n - 1) / B) + k T.
losses    The mean cross-entropy, as it was before the step's update, in natural logarithms.
"""
import gzip
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "data"
STEPS = 50


# ---- numbers ------------------------------------------------------------------------------------------------

def splitmix64(x):
    """Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014)."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Parameters:
    """The tensors of a network in the order of their making."""

    def __init__(self, dtype):
        self.dtype, self.drawn, self.all = dtype, 0, []

    def keep(self, values):
        self.all.append(torch.tensor(values, dtype=torch.float64).to(self.dtype).requires_grad_())
        return self.all[-1]

    def weight(self, *shape, fan_in, relu=False):
        """The next weight."""
        bound = math.sqrt((6 if relu else 3) / fan_in)
        i = np.arange(math.prod(shape), dtype=np.uint64) + (np.uint64(self.drawn) << np.uint64(32))
        self.drawn += 1
        u = (splitmix64(i) >> np.uint64(11)).astype(np.float64) / 2.0 ** 53
        return self.keep((bound * (2 * u - 1)).reshape(shape))

    def zeros(self, *shape):
        return self.keep(np.zeros(shape))

    def ones(self, *shape):
        return self.keep(np.ones(shape))


# ---- data ---------------------------------------------------------------------------------------------------

def digits(step, dtype):
    """100 rows of images and labels."""
    images = np.frombuffer(gzip.open(DATA / "digits/train-images-idx3-ubyte.gz").read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(gzip.open(DATA / "digits/train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    rows = slice(100 * step, 100 * step + 100)
    return torch.tensor(images[rows]).to(dtype) / 255, torch.tensor(labels[rows].astype(np.int64))


TEXT = np.frombuffer((DATA / "text/constitution.txt").read_bytes(), np.uint8).astype(np.int64)


def windows(of, step, rows, steps, ahead=0):
    """Tokens or tags [rows, steps] that begin where a step's rows begin, or one further."""
    stride = (len(TEXT) - 1) // rows
    return torch.tensor(np.stack([of[b * stride + step * steps + ahead:][:steps] for b in range(rows)]))


def tags():
    """Of each byte its place in a word: 0 outside, 1 first, 2 inside, 3 last, 4 alone. A word is a run of letters A-Z, a-z."""
    letter = np.array([chr(c).isalpha() and c < 128 for c in TEXT])
    before, after = np.concatenate([[False], letter[:-1]]), np.concatenate([letter[1:], [False]])
    return np.where(letter, np.where(before, np.where(after, 2, 3), np.where(after, 1, 4)), 0)


# ---- optimisers, as include/keisan/train.h has them --------------------------------------------------------------

class Sgd:
    def __init__(self, parameters, rate):
        self.parameters, self.rate = parameters, rate

    def step(self, gradients):
        for p, g in zip(self.parameters, gradients):
            p -= self.rate * g


class Momentum:
    """v = momentum v - rate g, w = w + v."""

    def __init__(self, parameters, rate, momentum=0.9):
        self.parameters, self.rate, self.momentum = parameters, rate, momentum
        self.v = [torch.zeros_like(p) for p in parameters]

    def step(self, gradients):
        for p, v, g in zip(self.parameters, self.v, gradients):
            v.mul_(self.momentum).sub_(self.rate * g)
            p += v


class Adam:
    """m += (1 - beta1)(g - m), v += (1 - beta2)(g^2 - v), w -= rate sqrt(1 - beta2^t)/(1 - beta1^t) m / (sqrt(v) + 1e-7)."""

    def __init__(self, parameters, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7):
        self.parameters, self.rate, self.beta1, self.beta2, self.epsilon, self.t = parameters, rate, beta1, beta2, epsilon, 0
        self.m, self.v = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]

    def step(self, gradients):
        self.t += 1
        rate = self.rate * math.sqrt(1 - self.beta2 ** self.t) / (1 - self.beta1 ** self.t)
        for p, m, v, g in zip(self.parameters, self.m, self.v, gradients):
            m.add_((1 - self.beta1) * (g - m))
            v.add_((1 - self.beta2) * (g * g - v))
            p -= rate * m / (v.sqrt() + self.epsilon)


# ---- images -------------------------------------------------------------------------------------------------

class SimpleConvNet:
    """conv 30 of 5x5, relu, max-pool 2x2, dense 100, relu, dense 10. Adam, rate 0.001."""

    def __init__(self, p):
        self.filter, self.shift = p.weight(30, 1, 5, 5, fan_in=25, relu=True), p.zeros(30)
        self.w1, self.b1 = p.weight(4320, 100, fan_in=4320, relu=True), p.zeros(100)
        self.w2, self.b2 = p.weight(100, 10, fan_in=100), p.zeros(10)
        self.optimizer = Adam(p.all)

    def loss(self, step, dtype):
        images, labels = digits(step, dtype)
        x = F.max_pool2d(F.relu(F.conv2d(images, self.filter, self.shift)), 2)
        x = F.relu(x.flatten(1) @ self.w1 + self.b1)
        return F.cross_entropy(x @ self.w2 + self.b2, labels)


class DeepConvNet:
    """Six convolutions of 3x3 with relu, a max-pool 2x2 behind every second, dense 50, relu, dense 10; no dropout. Adam, rate 0.001.

    Channels 16 16 32 32 64 64; the fourth has a padding of 2, the others of 1."""

    def __init__(self, p):
        channels = [1, 16, 16, 32, 32, 64, 64]
        self.filters = [(p.weight(b, a, 3, 3, fan_in=9 * a, relu=True), p.zeros(b)) for a, b in zip(channels, channels[1:])]
        self.w1, self.b1 = p.weight(1024, 50, fan_in=1024, relu=True), p.zeros(50)
        self.w2, self.b2 = p.weight(50, 10, fan_in=50), p.zeros(10)
        self.optimizer = Adam(p.all)

    def loss(self, step, dtype):
        x, labels = digits(step, dtype)
        for i, (weight, bias) in enumerate(self.filters):
            x = F.relu(F.conv2d(x, weight, bias, padding=2 if i == 3 else 1))
            x = F.max_pool2d(x, 2) if i % 2 else x
        x = F.relu(x.flatten(1) @ self.w1 + self.b1)
        return F.cross_entropy(x @ self.w2 + self.b2, labels)


# ---- texts --------------------------------------------------------------------------------------------------

def reordered(weight, order, hidden):
    """The gates, `hidden` rows each, in another order."""
    return torch.cat([weight[g * hidden:(g + 1) * hidden] for g in order])


class LstmLanguageModel:
    """Embedding 128 x 64, LSTM of 128 from a state of zeros, dense 128; 16 rows of 32 bytes, the next byte is the label. SGD, rate 0.5."""

    def __init__(self, p):
        self.table = p.weight(128, 64, fan_in=64)
        self.w, self.r, self.b = p.weight(512, 64, fan_in=64), p.weight(512, 128, fan_in=128), p.zeros(512)
        self.out, self.shift = p.weight(128, 128, fan_in=128), p.zeros(128)
        self.optimizer = Sgd(p.all, 0.5)

    def loss(self, step, dtype):
        x, labels = self.table[windows(TEXT, step, 16, 32)], windows(TEXT, step, 16, 32, 1)
        state, order = torch.zeros(1, 16, 128, dtype=dtype), (0, 2, 3, 1)  # i o f c to PyTorch's i f g o
        weights = [reordered(v, order, 128) for v in (self.w, self.r, self.b)] + [torch.zeros(512, dtype=dtype)]
        y = torch.lstm(x, (state, state), weights, True, 1, 0.0, True, False, True)[0]
        return F.cross_entropy((y @ self.out + self.shift).reshape(-1, 128), labels.reshape(-1))


class Gpt:
    """Embeddings of 128 bytes and 64 places, width 128; 4 blocks of x + attention(norm(x)), x + mlp(norm(x)); norm, dense 128.

    Attention: qkv [128, 384] (q, k, v beside each other, each 4 heads of 32 beside each other), scores / sqrt(32), causal, dense 128.
    MLP: dense 512, the exact gelu, dense 128. The layer norm's epsilon is 1e-5. 8 rows of 64 bytes; the next byte is the label. Adam, rate
    0.001."""

    def __init__(self, p):
        self.table, self.places = p.weight(128, 128, fan_in=128), p.weight(64, 128, fan_in=128)
        self.blocks = []
        for _ in range(4):
            self.blocks.append([p.ones(128), p.zeros(128), p.weight(128, 384, fan_in=128), p.zeros(384), p.weight(128, 128, fan_in=128),
                                p.zeros(128), p.ones(128), p.zeros(128), p.weight(128, 512, fan_in=128), p.zeros(512),
                                p.weight(512, 128, fan_in=512), p.zeros(128)])
        self.gain, self.offset, self.out = p.ones(128), p.zeros(128), p.weight(128, 128, fan_in=128)
        self.optimizer = Adam(p.all)

    def attention(self, x, qkv, shift, out, out_shift):
        rows, steps, width = x.shape
        q, k, v = (t.reshape(rows, steps, 4, 32).transpose(1, 2) for t in (x @ qkv + shift).split(width, 2))
        scores = q @ k.transpose(-1, -2) / math.sqrt(32)
        future = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        y = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        return y.transpose(1, 2).reshape(rows, steps, width) @ out + out_shift

    def loss(self, step, dtype):
        x, labels = self.table[windows(TEXT, step, 8, 64)] + self.places, windows(TEXT, step, 8, 64, 1)
        for gain1, offset1, qkv, shift, out, out_shift, gain2, offset2, w1, b1, w2, b2 in self.blocks:
            x = x + self.attention(F.layer_norm(x, [128], gain1, offset1), qkv, shift, out, out_shift)
            x = x + F.gelu(F.layer_norm(x, [128], gain2, offset2) @ w1 + b1) @ w2 + b2
        y = F.layer_norm(x, [128], self.gain, self.offset) @ self.out
        return F.cross_entropy(y.reshape(-1, 128), labels.reshape(-1))


class GruTagger:
    """Embedding 128 x 32, a GRU of 64 in each direction from states of zeros, dense 5; 16 rows of 32 bytes, of each its place in a word
    (`tags`). Momentum, rate 0.1."""

    def __init__(self, p):
        self.table = p.weight(128, 32, fan_in=32)
        self.directions = [(p.weight(192, 32, fan_in=32), p.weight(192, 64, fan_in=64), p.zeros(192)) for _ in range(2)]
        self.out, self.shift = p.weight(128, 5, fan_in=128), p.zeros(5)
        self.optimizer = Momentum(p.all, 0.1)

    def loss(self, step, dtype):
        x, labels = self.table[windows(TEXT, step, 16, 32)], windows(tags(), step, 16, 32)
        weights = []
        for direction in self.directions:  # z r h to PyTorch's r z n
            weights += [reordered(v, (1, 0, 2), 64) for v in direction] + [torch.zeros(192, dtype=dtype)]
        y = torch.gru(x, torch.zeros(2, 16, 64, dtype=dtype), weights, True, 1, 0.0, True, True, True)[0]
        return F.cross_entropy((y @ self.out + self.shift).reshape(-1, 5), labels.reshape(-1))


# ---- training -----------------------------------------------------------------------------------------------

NETS = {"simple_conv_net": SimpleConvNet, "deep_conv_net": DeepConvNet, "lstm_language_model": LstmLanguageModel, "gpt": Gpt,
        "gru_tagger": GruTagger}


def losses(net, dtype):
    """The losses of the steps, and the number of parameters."""
    parameters = Parameters(dtype)
    model, found = net(parameters), []
    for step in range(STEPS):
        loss = model.loss(step, dtype)
        gradients = torch.autograd.grad(loss, parameters.all)
        with torch.no_grad():
            model.optimizer.step(gradients)
        found.append(loss.item())
    return found, sum(p.numel() for p in parameters.all)


def main():
    for name in sys.argv[1:] or NETS:
        (f32, count), (f64, _) = losses(NETS[name], torch.float32), losses(NETS[name], torch.float64)
        lines = [f"# {name}: {count} parameters; step, loss in f32, loss in f64"]
        lines += [f"{step} {a:.17g} {b:.17g}" for step, (a, b) in enumerate(zip(f32, f64))]
        (HERE / "training" / (name + ".txt")).write_text("\n".join(lines) + "\n")
        print(f"{name}: {count} parameters, loss {f64[0]:.4f} to {f64[-1]:.4f}; f32 is off by {abs(f32[-1] - f64[-1]):.1e} at the end", flush=True)


main()
