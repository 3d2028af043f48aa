"""Softmax, and what a network is trained to make small."""
import torch
import torch.nn.functional as F
from reference import case, cut, fixed, transposed, x

PAIRS = [(x(), x()), (x(4), x(4)), (x(2, 3), x(2, 3)), (x(2, 1, 2, 2), x(2, 1, 2, 2)), (transposed(2, 3), x(2, 3)), (cut(3, 2), x(3, 2))]


def cases():
    for op, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for spec, axis in ((x(5), -1), (x(2, 3), 1), (x(2, 3), 0), (x(2, 3, 1, 2), 1), (x(0, 3), 1), (transposed(2, 3), -1), (cut(3, 2), 0)):
            case(op, lambda v, f=function, a=axis: f(v, a), [spec], {"axis": axis})
    for spec, labels in ((x(3, 4), [0, 3, 1]), (x(1, 4), [2]), (x(4), 1), (transposed(2, 3), [2, 0]), (cut(3, 2), [0, 1, 1])):
        case("softmax_cross_entropy", F.cross_entropy, [spec, fixed(labels, "i64")])
    case("softmax_cross_entropy", F.cross_entropy, [x(2, 3), fixed([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])])
    for a, t in PAIRS + [(x(0, 3), x(0, 3))]:
        case("sum_squared_error", lambda y, t: F.mse_loss(y, t, reduction="sum") / 2, [a, t])
    for a, t in PAIRS:
        case("mean_squared_error", F.mse_loss, [a, t])
