"""How a case of the reference is made: inputs drawn from a seed, a graph of ours as JSON, and what PyTorch says of it.

A case is one operation applied once. Its inputs are odd multiples of a small power of two, all different: exact in f32 and
f64, away from whole numbers and from each other, so that neither ties nor corners are met by chance. The upstream derivative
is a formula of the position alone (`upstream` below); the test in C has the same one. All is computed in f64.
"""
import json
import math
import zlib

import torch

DTYPES = {"f64": torch.float64, "f32": torch.float32, "i32": torch.int32, "i64": torch.int64, "u8": torch.uint8, "bool": torch.bool}
NAMED = {value: key for key, value in DTYPES.items()}


# ---- inputs -------------------------------------------------------------------------------------------------

class Input:
    """A float variable of `shape` with values in (low, high), seen through a `view`; or, with `values`, a constant. `change` is applied
    to what was drawn."""

    def __init__(self, shape, low=-3, high=3, view=None, values=None, dtype="f64", change=None):
        self.shape, self.low, self.high, self.view = list(shape), low, high, view
        self.values, self.dtype, self.change = values, dtype, change

    def source_shape(self):
        """The shape of the variable of which the view is taken."""
        if self.view == "transposed":
            return self.shape[::-1]
        if self.view == "cut":
            return [self.shape[0] + 2] + self.shape[1:]
        return self.shape


def x(*shape, **options):
    """A float variable."""
    return Input(shape, **options)


def transposed(*shape, **options):
    """A float variable of the reversed shape, transposed."""
    return Input(shape, view="transposed", **options)


def cut(*shape, **options):
    """A float variable of two rows more, of which the first and the last are cut away."""
    return Input(shape, view="cut", **options)


def fixed(values, dtype="f64"):
    """A constant; nobody asks for its derivative."""
    tensor = torch.tensor(values, dtype=DTYPES[dtype])
    return Input(tensor.shape, values=tensor, dtype=dtype)


def given(*values):
    """A float variable with these values, in a row."""
    return Input([len(values)], change=lambda v: torch.tensor(values, dtype=torch.float64))


def regular(*shape):
    """Square matrices far from singular: small numbers, and 3 more on the diagonal."""
    return Input(shape, low=-1, high=1, change=lambda v: v + 3 * torch.eye(shape[-1], dtype=v.dtype))


def positive(*shape):
    """Symmetric positive definite matrices."""
    return Input(shape, low=-1, high=1, change=lambda v: (v + v.transpose(-1, -2)) / 2 + 4 * torch.eye(shape[-1], dtype=v.dtype))


def of_shape(inputs, **options):
    """The same inputs with other options: of_shape([x(2), x(3)], low=1)."""
    return [Input(i.shape, view=i.view, change=i.change, **options) for i in inputs]


def draw(seed, count, low, high):
    """Different odd multiples of 2^-k in (low, high), by a linear congruential generator (Knuth's MMIX)."""
    step = 1 / 8
    while (high - low) / step / 2 < 2 * count + 4:
        step /= 2
    grid = [(2 * k + 1) * step for k in range(math.floor(low / step / 2) - 1, math.ceil(high / step / 2) + 1)]
    grid = [value for value in grid if low < value < high]
    for i in range(len(grid) - 1, 0, -1):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        j = (seed >> 33) % (i + 1)
        grid[i], grid[j] = grid[j], grid[i]
    return grid[:count]


def upstream(shape):
    """The upstream derivative: element i is ((37 i + 11) mod 64 - 31.5) / 32."""
    count = math.prod(shape)
    return torch.tensor([((37 * i + 11) % 64 - 31.5) / 32 for i in range(count)], dtype=torch.float64).reshape(shape)


# ---- shape classes ------------------------------------------------------------------------------------------

UNARY = [[x()], [x(5)], [x(2, 3)], [x(2, 1, 2, 2)], [x(0, 3)], [transposed(2, 3)], [cut(3, 2)]]
BINARY = [[x(), x()], [x(5), x(5)], [x(2, 3), x(3)], [x(3), x(2, 3)], [x(2, 1), x(1, 3)], [x(2, 1, 2, 2), x(2, 1, 2)], [x(0, 3), x(1, 3)],
          [transposed(2, 3), x(2, 3)], [cut(3, 2), x(2)]]


# ---- a case -------------------------------------------------------------------------------------------------

def shown(value):
    """A number as JSON, with 12 digits: enough for a comparison at 1e-10."""
    if isinstance(value, (bool, int)):
        return int(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded


def nested(values):
    """Nested lists in which whole floats are written as whole numbers."""
    return [nested(v) for v in values] if isinstance(values, list) else values if isinstance(values, bool) else shown(values)


def leaf(name, spec, seed):
    """The node of an input, and its tensor."""
    shape = spec.source_shape()
    tensor = spec.values
    if tensor is None:
        tensor = torch.tensor(draw(seed, math.prod(shape), spec.low, spec.high), dtype=torch.float64).reshape(shape)
        tensor = (spec.change(tensor) if spec.change else tensor).requires_grad_()
    node = {"name": name, "op": "variable" if spec.values is None else "constant", "dtype": spec.dtype, "shape": shape}
    return {**node, "value": nested(tensor.tolist())}, tensor


VIEWS = {  # how an input comes to the operation: our operation, its attributes, and the same in PyTorch
    "transposed": ("transpose", {}, lambda v: v.permute(tuple(reversed(range(v.dim()))))),
    "cut": ("slice", {"skip": 1, "drop": 1}, lambda v: v[1:-1]),
    "log_softmax": ("log_softmax", {"axis": 1}, lambda v: torch.log_softmax(v, 1 if v.dim() > 1 else 0)),
}


def seen(name, spec, tensor):
    """The node of an input's view, and the view."""
    op, attrs, function = VIEWS[spec.view]
    if op == "log_softmax" and tensor.dim() == 1:
        attrs = {"axis": 0}
    return {"name": f"{name}_{spec.view}", "op": op, "inputs": [name], **({"attrs": attrs} if attrs else {})}, function(tensor)


CASES = {}  # family -> its cases
OPERATIONS = {}  # family -> names of operations in their order
family = None


def begin(name):
    """The cases that follow are of this family."""
    global family
    family = name
    CASES[family], OPERATIONS[family] = [], []


def derivatives(y, variables):
    """What PyTorch's backward pass gives for each variable, zeros where nothing arrives."""
    if not y.requires_grad:
        return {name: torch.zeros_like(v) for name, v in variables.items()}
    found = torch.autograd.grad(y, list(variables.values()), upstream(y.shape), allow_unused=True)
    return {name: torch.zeros_like(v) if d is None else d for (name, v), d in zip(variables.items(), found)}


def case(op, function, inputs, attrs=None, **options):
    """Adds a case: `function` is PyTorch's word for our `op`. options: open=False where sizes must be known while composing,
    f32=... a tolerance of its own, derivative=False where there is none to compare, train=True for a training run. between: further nodes
    before the last one, whose inputs then are `names`."""
    if op not in OPERATIONS[family]:
        OPERATIONS[family].append(op)
    number = sum(c["op"] == op for c in CASES[family])
    letters = "x" if len(inputs) == 1 else "abcdefgh"
    nodes, views, tensors, names, variables = [], [], [], [], {}
    for i, spec in enumerate(inputs):
        node, tensor = leaf(letters[i], spec, zlib.crc32(f"{op} {number} {i}".encode()))
        nodes.append(node)
        if spec.values is None:
            variables[letters[i]] = tensor
        if spec.view:
            node, tensor = seen(letters[i], spec, tensor)
            views.append(node)
        names.append(node["name"])
        tensors.append(tensor)
    y = function(*tensors)
    y = torch.as_tensor(y) if not torch.is_tensor(y) else y
    views, names = views + options.pop("between", []), options.pop("names", names)
    result = {"name": "y", "op": op, "inputs": names, **({"attrs": attrs} if attrs else {})}
    made = {"op": op, "nodes": nodes + views + [result], "dtype": NAMED[y.dtype], "shape": list(y.shape), "y": flat(y)}
    if y.is_floating_point() and variables and options.pop("derivative", True):
        made["d"] = {name: flat(d) for name, d in derivatives(y, variables).items()}
    options.pop("derivative", None)
    CASES[family].append({**made, **options})


def flat(tensor):
    """All elements in their order, as JSON."""
    return [shown(v) for v in tensor.detach().reshape(-1).tolist()]


def unary(op, function, low=-3, high=3, attrs=None, **options):
    """The shape classes of what takes one input."""
    for inputs in UNARY:
        case(op, function, of_shape(inputs, low=low, high=high), attrs, **options)


def binary(op, function, first=(-3, 3), second=(-3, 3), attrs=None, **options):
    """The shape classes of what takes two that broadcast."""
    for inputs in BINARY:
        ranges = [Input(i.shape, low=low, high=high, view=i.view) for i, (low, high) in zip(inputs, (first, second))]
        case(op, function, ranges, attrs, **options)


# ---- files --------------------------------------------------------------------------------------------------

def text_of(name):
    """A family's file: a case a line."""
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES[name])
    return f'{{"operations":{json.dumps(OPERATIONS[name])},\n"cases":[\n{lines}\n]}}\n'
