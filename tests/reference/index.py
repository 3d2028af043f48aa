"""Tensors that name positions in others."""
import torch
from reference import case, cut, fixed, transposed, x


def cases():
    for spec, indices, axis in ((x(5), [0, 4, 4], 0), (x(3, 2), [2, 0], 0), (x(3, 2), [[1, 1], [0, 1]], 1), (x(2, 3, 1, 2), [2, 2, 0], 1),
                                (x(3, 2), 1, 0), (x(3, 0), [0, 1], 0), (transposed(3, 2), [1], 0), (cut(3, 2), [2, 1], 0)):
        case("gather", lambda v, i, a=axis: v.index_select(a, i.reshape(-1)).reshape(v.shape[:a] + i.shape + v.shape[a + 1:]),
             [spec, fixed(indices, "i64")], {"axis": axis})
    case("gather", lambda v, i: v[i], [x(4, 2), fixed([-1, 0], "i64")])
    for indices in (2, [0, 1, 2], [[3, 0], [1, 1]], [[[[1]], [[2]]]]):
        case("one_hot", lambda i: torch.nn.functional.one_hot(i, 4).double(), [fixed(indices, "i64")], {"depth": 4, "dtype": "f64"})
