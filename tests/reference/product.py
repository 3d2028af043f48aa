"""Sums of products."""
import torch
from reference import case, cut, transposed, x


def swapped(value, swap):
    return value.transpose(-1, -2) if swap else value


def cases():
    for a, b in ((x(3), x(3)), (x(2, 3), x(3)), (x(3), x(3, 2)), (x(2, 3), x(3, 4)), (x(2, 1, 2, 3), x(2, 3, 2)), (x(0, 3), x(3, 2)),
                 (x(2, 0), x(0, 3)), (transposed(2, 3), x(3, 2)), (cut(2, 3), transposed(3, 2))):
        case("matmul", torch.matmul, [a, b])
    for trans_a, trans_b in ((False, True), (True, False), (True, True)):
        for batch in ((), (2,), (2, 1)):
            a, b = batch + ((3, 2) if trans_a else (2, 3)), batch + ((4, 3) if trans_b else (3, 4))
            case("matmul", lambda p, q, s=trans_a, t=trans_b: swapped(p, s) @ swapped(q, t), [x(*a), x(*b)],
                 {"trans_a": trans_a, "trans_b": trans_b})
