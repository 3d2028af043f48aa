"""The same elements in another shape or order, joined or cut."""
import torch
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


def cases():
    spreading()
    orders()
    joins()
