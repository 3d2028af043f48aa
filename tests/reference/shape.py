"""The same elements in another shape or order, joined or cut."""
import numpy as np
import torch
import torch.nn.functional as F
from reference import case, cut, fixed, transposed, x

SHAPES = [x(), x(4), x(2, 3), x(2, 1, 2, 2), x(0, 3), transposed(2, 3), cut(3, 2)]


def spreading():
    for spec, like in ((x(), x(3)), (x(3), x(2, 3)), (x(2, 1), x(2, 3)), (x(1, 2, 1), x(2, 2, 2, 2)), (x(1, 3), x(0, 3)),
                       (transposed(2, 3), x(2, 2, 3))):
        case("expand", lambda a, b: a.expand_as(b), [spec, like])
    case("expand", lambda a, b: a[:, None].expand_as(b), [x(2), x(2, 3)], {"axes": [1]})
    for spec, like in ((x(3), x()), (x(2, 3), x(3)), (x(2, 3), x(2, 1)), (x(2, 2, 2, 2), x(1, 2, 1)), (x(0, 3), x(1, 3)),
                       (transposed(2, 3), x(3))):
        case("sum_to", lambda a, b: a.sum_to_size(b.shape), [spec, like])


def orders():
    for spec, shape in ((x(), [1]), (x(6), [2, 3]), (x(2, 3), [-1]), (x(2, 1, 2, 2), [4, 2]), (x(0, 3), [3, 0]), (transposed(2, 3), [3, 2]),
                        (cut(3, 2), [6])):
        case("reshape", lambda v, s=shape: v.reshape(s), [spec], {"shape": shape})
    for spec, like in ((x(), x(1)), (x(6), x(2, 3)), (x(2, 3), x(6)), (x(2, 1, 2, 2), x(4, 2)), (x(0, 3), x(3, 0)),
                       (transposed(2, 3), x(3, 2))):
        case("reshape_like", lambda a, b: a.reshape(b.shape), [spec, like])
    for spec in SHAPES:
        case("transpose", lambda v: v.permute(tuple(reversed(range(v.dim())))), [spec])
    for spec, perm in ((x(2, 3), [0, 1]), (x(2, 3, 2), [2, 0, 1]), (x(2, 1, 3, 2), [0, -1, 1, 2]), (transposed(2, 3), [1, 0])):
        case("transpose", lambda v, p=perm: v.permute(p), [spec], {"perm": perm})


def joins():
    for parts, axis in (([x(2), x(3)], 0), ([x(2, 3), x(2, 1)], 1), ([x(2, 3), x(0, 3), x(1, 3)], 0), ([x(2, 1, 2, 2), x(2, 1, 1, 2)], -2),
                        ([transposed(2, 3), x(2, 3)], -1)):
        case("concat", lambda *v, a=axis: torch.cat(v, a), parts, {"axis": axis})
    for spec, attrs, begin, end in ((x(5), {"start": 1, "size": 3}, 1, 4), (x(4, 2), {"skip": 1, "drop": 1}, 1, 3), (x(5), {"start": -2, "size": 2}, 3, 5),
                                    (x(4, 2), {"start": 1, "size": 0}, 1, 1), (transposed(4, 2), {"start": 2, "size": 2}, 2, 4)):
        case("slice", lambda v, b=begin, e=end: v[b:e], [spec], attrs)
    case("slice", lambda v: v[:, :, 1:], [x(2, 1, 3, 2)], {"axis": 2, "skip": 1})


def singles():
    """Dimensions of one come and go."""
    for spec, axis in ((x(5), 1), (x(2, 3), 0), (x(2, 3, 2, 2), 2), (x(2, 3, 2, 2), -1), (x(0, 3), 1), (transposed(2, 3), 1), (x(), 0)):
        case("flatten", lambda v, a=axis: v.reshape(int(np.prod(v.shape[:a] if a >= 0 else v.shape[:v.dim() + a])), -1) if v.numel() else
             v.reshape(0, 3), [spec], {"axis": axis})
    for spec, axes in ((x(1), [0]), (x(2, 1), [1]), (x(2, 1, 1, 2), [1, -2]), (x(0, 1), [1]), (transposed(1, 3), [0])):
        case("squeeze", lambda v, a=axes: v.reshape([n for i, n in enumerate(v.shape) if i not in a and i - v.dim() not in a]), [spec],
             {"axes": axes})
    case("squeeze", torch.squeeze, [x(1, 2, 1, 3)], open=False)
    for spec, axes, places in ((x(), [0], [0]), (x(3), [1], [1]), (x(2, 3), [0, -1], [0, 3]), (x(0, 3), [1], [1]), (x(2, 3, 1, 2), [2], [2]),
                               (transposed(2, 3), [0], [0])):
        case("unsqueeze", lambda v, p=places: [v := v.unsqueeze(i) for i in p][-1], [spec], {"axes": axes})


def copies():
    for spec, shape in ((x(), [3]), (x(3), [2, 3]), (x(2, 1), [2, 3]), (x(2, 1, 2), [3, -1, 2, -1]), (x(1, 3), [0, 3]), (transposed(2, 3), [2, 2, 3])):
        case("broadcast_to", lambda v, s=shape: v.expand(s), [spec], {"shape": shape})
    for spec, repeats in ((x(3), [2]), (x(2, 3), [2, 2]), (x(2, 1, 2, 2), [1, 3, 1, 2]), (x(0, 3), [2, 1]), (x(2, 2), [0, 1]), (transposed(2, 3), [1, 2])):
        case("tile", lambda v, r=repeats: v.repeat(r), [spec], {"repeats": repeats})
    for spec, count, axis in ((x(3), 2, 0), (x(2, 3), 2, 1), (x(2, 1, 2, 2), 3, -1), (x(0, 3), 2, 1), (x(2, 2), 0, 0), (transposed(2, 3), 2, 0)):
        case("repeat", lambda v, c=count, a=axis: v.repeat_interleave(c, a), [spec], {"count": count, "axis": axis})


def moves():
    for spec, axes in ((x(4), [0]), (x(2, 3), [1]), (x(2, 3, 2, 2), [-1, 0]), (x(0, 3), [1]), (transposed(2, 3), [0, 1])):
        case("flip", lambda v, a=axes: v.flip(a), [spec], {"axes": axes})
    for spec, shifts, axes in ((x(5), [2], [0]), (x(2, 3), [1, -1], [0, 1]), (x(2, 3, 2, 2), [7, -4], [1, -1]), (x(0, 3), [1], [1]),
                               (transposed(3, 2), [1], [0])):
        case("roll", lambda v, s=shifts, a=axes: v.roll(s, a), [spec], {"shifts": shifts, "axes": axes})


def padded(value, begin, end, mode):
    """Reflected or repeated at the ends, the positions by numpy.pad."""
    for axis, (b, e) in enumerate(zip(begin, end)):
        value = value.index_select(axis, torch.from_numpy(np.pad(np.arange(value.shape[axis]), (b, e), mode)))
    return value


def margins():
    for spec, begin, end in ((x(3), [1], [2]), (x(2, 3), [1, 2], [0, 1]), (x(3, 2, 3, 2), [0, 1, 2, 1], [1, 0, 0, 1]), (transposed(2, 3), [1, 0], [1, 2]),
                             (cut(3, 2), [2, 1], [0, 1])):
        sides = {"begin": begin, "end": end}
        flat = [n for pair in reversed(list(zip(begin, end))) for n in pair]
        case("pad", lambda v, p=flat: F.pad(v, p, value=0.5), [spec], {**sides, "mode": 0, "value": 0.5})
        if max(begin + end) < min(spec.shape):
            case("pad", lambda v, b=begin, e=end: padded(v, b, e, "reflect"), [spec], {**sides, "mode": 1})
        case("pad", lambda v, b=begin, e=end: padded(v, b, e, "edge"), [spec], {**sides, "mode": 2})
    case("pad", lambda v: F.pad(v, [0, 0, 1, 1]), [x(0, 3)], {"begin": [1, 0], "end": [1, 0]})


def matrices():
    """Triangles and diagonals."""
    for spec, k in ((x(1, 1), 0), (x(3, 3), 0), (x(2, 3), 1), (x(3, 2), -1), (x(2, 1, 2, 3), 0), (x(0, 3), 0), (transposed(3, 2), 0), (cut(3, 3), 5)):
        case("tril", lambda v, k=k: v.tril(k), [spec], {"k": k})
        case("triu", lambda v, k=k: v.triu(k), [spec], {"k": k})
        if spec.shape[0] and k < 3:
            case("diagonal", lambda v, k=k: v.diagonal(k, -2, -1), [spec], {"k": k})
    for spec, k in ((x(1), 0), (x(3), 1), (x(2, 2), -1), (x(2, 1, 2), 0), (x(0, 2), 0), (transposed(2, 3), 0)):
        case("diagonal_embed", lambda v, k=k: torch.diag_embed(v, k), [spec], {"k": k})


def beginnings():
    """Tensors that have no inputs."""
    for shape in ([], [3], [2, 3], [2, 1, 2, 2], [0, 3]):
        case("full", lambda s=shape: torch.full(s, 1.5, dtype=torch.float64), [], {"shape": shape, "dtype": "f64", "value": 1.5})
    for start, stop, step in ((0, 5, 1), (1, 2, 0.25), (3, -1, -1.5), (0, 1, 0.3), (2, 2, 1)):
        case("arange", lambda a=start, b=stop, s=step: torch.arange(a, b, s, dtype=torch.float64), [],
             {"start": start, "stop": stop, "step": step, "dtype": "f64"})
    case("arange", lambda: torch.arange(1, 8, 3), [], {"start": 1, "stop": 8, "step": 3, "dtype": "i64"})
    for start, stop, count in ((0, 1, 5), (-1, 1, 2), (2, -3, 4), (1, 2, 1), (0, 1, 0)):
        case("linspace", lambda a=start, b=stop, n=count: torch.linspace(a, b, n, dtype=torch.float64), [],
             {"start": start, "stop": stop, "count": count, "dtype": "f64"})
    for spec, axis in ((x(4), 0), (x(2, 3), 1), (x(2, 3), -2), (x(2, 1, 2, 3), 3), (x(0, 3), 0)):
        case("positions", lambda v, a=axis: torch.arange(v.shape[a]), [spec], {"axis": axis})


def cases():
    matrices()
    beginnings()
    spreading()
    orders()
    joins()
    singles()
    copies()
    moves()
    margins()
