"""Reductions along axes."""
import torch
from reference import case, cut, fixed, transposed, x

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


def cases():
    reduction("sum", lambda v, axes, keep: v.sum(axes, keepdim=keep), AXES + NOTHING + NOTHING_LEFT)
    reduction("mean", lambda v, axes, keep: v.mean(axes, keepdim=keep), AXES + NOTHING_LEFT)
    reduction("max", lambda v, axes, keep: v.amax(axes, keepdim=keep), AXES + NOTHING_LEFT)
    for axis, spec in ((0, x(5)), (1, x(2, 3)), (0, x(2, 3)), (-2, x(2, 3, 2, 2)), (1, x(0, 3)), (0, transposed(2, 3))):
        for keepdims in (False, True):
            case("argmax", lambda v, a=axis, k=keepdims: v.argmax(a, keepdim=k), [spec], {"axis": axis, "keepdims": keepdims})
    case("argmax", lambda v: v.argmax(0), [fixed([3.0, 7.0, 7.0, 1.0])])
    for spec in (x(), x(5), x(2, 3), x(2, 1, 2, 2), x(0, 3)):
        case("count", lambda v: torch.tensor(float(v.numel()), dtype=torch.float64), [spec], {"dtype": "f64"})
