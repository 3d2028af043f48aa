"""Reductions along axes."""
import torch
from reference import case, cut, fixed, given, transposed, x

AXES = [(x(), None), (x(5), [0]), (x(2, 3), [1]), (x(2, 3), [0]), (x(2, 3), None), (x(2, 3, 2, 2), [1, 3]), (x(2, 3, 1, 2), [-1, 0]),
        (transposed(2, 3), [0]), (cut(3, 2), [1])]
NOTHING = [(x(0, 3), [0]), (x(0, 3), None)]
NOTHING_LEFT = [(x(0, 3), [1])]


def attrs_of(axes, keepdims):
    return {**({} if axes is None else {"axes": axes}), **({"keepdims": True} if keepdims else {})}


def reduction(op, function, classes, low=-3, high=3, extra=None, **options):
    """function(x, axes, keepdims) for each class; every other one keeps its dimensions."""
    for i, (spec, axes) in enumerate(classes):
        keepdims, places = i % 2 == 1, list(range(len(spec.shape))) if axes is None else axes
        spec = type(spec)(spec.shape, view=spec.view, low=low, high=high)
        case(op, lambda v, p=places, k=keepdims: function(v, p, k) if v.dim() else function(v.reshape(1), [0], False), [spec],
             {**attrs_of(axes, keepdims), **(extra or {})}, **options)


def products(v, axes, keep):
    """torch.prod takes one axis; the last first, so that the others keep their numbers."""
    for axis in sorted((axis % v.dim() for axis in axes), reverse=True):
        v = v.prod(axis, keepdim=keep)
    return v


def logic():
    """argmin, any and all."""
    for axis, spec in ((0, x(5)), (1, x(2, 3)), (0, x(2, 3)), (-2, x(2, 3, 2, 2)), (1, x(0, 3))):
        case("argmin", lambda v, a=axis: v.argmin(a), [spec], {"axis": axis})
    case("argmin", lambda v: v.argmin(0), [fixed([3.0, 1.0, 1.0, 7.0])])
    for op, function in (("any", torch.any), ("all", torch.all)):
        for rows in ([[True, False, True], [True, False, False]], [[True, True, True]]):
            case(op, lambda v, f=function: f(v, 1), [fixed(rows, "bool")], {"axes": [1]})
            case(op, lambda v, f=function: f(v), [fixed(rows, "bool")])


def along(function, axis, exclusive, reverse, *tensors):
    """function(...) of tensors whose axis is the first: running results, step by step, in either direction."""
    steps = list(zip(*(t.transpose(0, axis) for t in tensors)))
    state, states = None, []
    for step in reversed(steps) if reverse else steps:
        after = function(state, *step)
        states.append(function(None, *step) * 0 + (1 if function is times else 0) if exclusive and state is None
                      else state if exclusive else after)
        state = after
    return torch.stack(states[::-1] if reverse else states).transpose(0, axis) if states else tensors[0] * 1


def plus(state, v):
    return v if state is None else state + v


def times(state, v):
    return v if state is None else state * v


def advance(state, a, b):
    return b if state is None else a * state + b


def running():
    """cumsum, cumprod and linear_recurrence, both ways, with and without the element itself."""
    for spec, axis in ((x(5), 0), (x(2, 3), -1), (x(2, 3), 0), (x(2, 3, 2), 1), (x(0, 3), 0), (transposed(2, 3), 1), (cut(3, 2), 0)):
        for exclusive, reverse in ((False, False), (True, False), (False, True), (True, True)):
            attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
            for op, function, inputs in (("cumsum", plus, [spec]), ("cumprod", times, [spec]), ("linear_recurrence", advance, [spec, spec])):
                case(op, lambda *t, f=function, a=attrs: along(f, a["axis"], a["exclusive"], a["reverse"], *t), inputs, attrs)


def odd_ones():
    """NaN, infinities and whole numbers."""
    nan, inf = float("nan"), float("inf")
    rows = [[1.0, nan, 2.0], [inf, 1.0, 3.0], [-inf, inf, 0.0], [-inf, -inf, -inf]]
    for op, function in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax), ("min", torch.amin), ("argmax", torch.argmax),
                         ("argmin", torch.argmin), ("prod", torch.prod), ("logsumexp", torch.logsumexp)):
        attrs = {"axis": 1} if op.startswith("arg") else {"axes": [1]}
        case(op, lambda v, f=function: f(v, 1), [fixed(rows)], attrs)
    case("logsumexp", lambda v: v.logsumexp(0), [given(1000.0, 0.0, -1000.0)], {"axes": [0]})
    whole = [[3, -7, 2], [0, 5, 5]]
    for op, function in (("sum", torch.sum), ("max", torch.amax), ("min", torch.amin), ("argmax", torch.argmax), ("prod", torch.prod)):
        attrs = {"axis": 1} if op == "argmax" else {"axes": [1]}
        case(op, lambda v, f=function: f(v, 1), [fixed(whole, "i64")], attrs)


def cases():
    odd_ones()
    reduction("sum", lambda v, axes, keep: v.sum(axes, keepdim=keep), AXES + NOTHING + NOTHING_LEFT)
    reduction("mean", lambda v, axes, keep: v.mean(axes, keepdim=keep), AXES + NOTHING_LEFT)
    reduction("max", lambda v, axes, keep: v.amax(axes, keepdim=keep), AXES + NOTHING_LEFT)
    for axis, spec in ((0, x(5)), (1, x(2, 3)), (0, x(2, 3)), (-2, x(2, 3, 2, 2)), (1, x(0, 3)), (0, transposed(2, 3))):
        for keepdims in (False, True):
            case("argmax", lambda v, a=axis, k=keepdims: v.argmax(a, keepdim=k), [spec], {"axis": axis, "keepdims": keepdims})
    case("argmax", lambda v: v.argmax(0), [fixed([3.0, 7.0, 7.0, 1.0])])
    reduction("min", lambda v, axes, keep: v.amin(axes, keepdim=keep), AXES + NOTHING_LEFT)
    reduction("norm_l1", lambda v, axes, keep: v.abs().sum(axes, keepdim=keep), AXES + NOTHING + NOTHING_LEFT)
    reduction("norm_l2", lambda v, axes, keep: torch.linalg.vector_norm(v, 2, axes, keepdim=keep), AXES + NOTHING_LEFT)
    reduction("logsumexp", lambda v, axes, keep: v.logsumexp(axes, keepdim=keep), AXES + NOTHING_LEFT)
    reduction("prod", products, AXES + NOTHING + NOTHING_LEFT)
    for ddof in (0, 1):
        several = [(spec, axes) for spec, axes in AXES if spec.shape] + NOTHING_LEFT
        reduction("var", lambda v, axes, keep, d=ddof: v.var(axes, correction=d, keepdim=keep), several, extra={"ddof": ddof})
        reduction("std", lambda v, axes, keep, d=ddof: v.std(axes, correction=d, keepdim=keep), several, extra={"ddof": ddof})
    logic()
    running()
    for spec in (x(), x(5), x(2, 3), x(2, 1, 2, 2), x(0, 3)):
        case("count", lambda v: torch.tensor(float(v.numel()), dtype=torch.float64), [spec], {"dtype": "f64"})
