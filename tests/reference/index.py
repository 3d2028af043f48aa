"""Tensors that name positions in others."""
import torch
import torch.nn.functional as F
from reference import Input, case, cut, fixed, transposed, x


def taking():
    for spec, indices, axis in ((x(5), [0, 4, 4], 0), (x(3, 2), [2, 0], 0), (x(3, 2), [[1, 1], [0, 1]], 1), (x(2, 3, 1, 2), [2, 2, 0], 1),
                                (x(3, 2), 1, 0), (x(3, 0), [0, 1], 0), (transposed(3, 2), [1], 0), (cut(3, 2), [2, 1], 0)):
        case("gather", lambda v, i, a=axis: v.index_select(a, i.reshape(-1)).reshape(v.shape[:a] + i.shape + v.shape[a + 1:]),
             [spec, fixed(indices, "i64")], {"axis": axis})
    case("gather", lambda v, i: v[i], [x(4, 2), fixed([-1, 0], "i64")])
    for indices in (2, [0, 1, 2], [[3, 0], [1, 1]], [[[[1]], [[2]]]]):
        case("one_hot", lambda i: torch.nn.functional.one_hot(i, 4).double(), [fixed(indices, "i64")], {"depth": 4, "dtype": "f64"})
    for spec, indices, axis in ((x(4), [3, 0, 3], 0), (x(3, 2), [[2, 0], [1, 1]], 0), (x(2, 3), [[1], [2]], 1), (x(2, 3, 2), [[[2, 0]], [[1, 1]]], 1),
                                (transposed(3, 2), [[0, 2]], 0), (x(0, 2), torch.zeros(0, 2, dtype=torch.int64).tolist(), 0)):
        index = fixed(indices, "i64") if spec.shape[0] else of_nothing(0, 2)
        case("gather_elements", lambda v, i, a=axis: v.gather(a, i), [spec, index], {"axis": axis})
        source = x(*index.shape)
        case("scatter_elements_add", lambda v, i, u, a=axis: v.scatter_add(a, i, u), [spec, index, source], {"axis": axis})
    for spec, places in ((x(4), [[3], [0]]), (x(3, 2), [[2, 0], [1, 1], [2, 0]]), (x(3, 2), [[2], [2]]), (x(2, 2, 2), [[[1, 0]], [[0, 1]]]),
                         (transposed(3, 2), [[1, 1]])):
        case("gather_nd", lambda v, i: v[i.unbind(-1)], [spec, fixed(places, "i64")])
        shape = list(torch.tensor(places).shape[:-1]) + spec.shape[len(torch.tensor(places).reshape(-1, torch.tensor(places).shape[-1])[0]):]
        case("scatter_nd_add", lambda v, i, u: v.index_put(i.unbind(-1), u, accumulate=True), [spec, fixed(places, "i64"), x(*shape)])
    for spec, indices, axis in ((x(4), [3, 0, 3], 0), (x(3, 2), [2, 2], 0), (x(2, 3), [1], 1), (x(2, 3, 1, 2), [0, 0, 2], 1), (cut(3, 2), [1, 0], 0)):
        updates = [len(indices) if i == axis else n for i, n in enumerate(spec.shape)]
        case("scatter_add", lambda v, i, u, a=axis: v.index_add(a, i, u), [spec, fixed(indices, "i64"), x(*updates)], {"axis": axis})
    for ids in (1, [0, 2, 2], [[1, 0], [2, 1]], [[[[3]], [[0]]]]):
        case("embedding", lambda t, i: F.embedding(i, t), [x(4, 2), fixed(ids, "i64")])
    case("embedding", lambda t, i: F.embedding(i, t), [transposed(3, 2), fixed([2, 0], "i64")])
    case("embedding", lambda t, i: F.embedding(i, t), [x(3, 2), of_nothing(0)])


def of_nothing(*shape):
    """Indices of which there are none."""
    return Input(shape, values=torch.zeros(shape, dtype=torch.int64), dtype="i64")


def orders():
    for spec, axis in ((x(5), 0), (x(2, 4), 1), (x(3, 2), 0), (x(2, 3, 1, 2), 1), (x(0, 3), 1), (transposed(2, 4), 1), (x(2, 4), -1)):
        for other in (False, True):
            case("argsort", lambda v, a=axis, d=other: v.sort(dim=a, descending=d, stable=True)[1], [spec], {"axis": axis, "descending": other})
            case("top_k_indices", lambda v, a=axis, s=other: v.topk(2, a, not s)[1], [spec], {"k": 2, "axis": axis, "smallest": other})


def cases():
    taking()
    orders()
