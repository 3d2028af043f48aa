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
    tensordots()


def tensordots():
    for a, b, inner in ((x(), x(), 0), (x(3), x(3), 1), (x(2), x(3), 0), (x(2, 3), x(3, 2), 1), (x(2, 3, 2), x(3, 2, 2), 2), (x(2, 1, 2, 2), x(2, 2, 3), 2),
                        (x(0, 3), x(3, 2), 1), (x(2, 0), x(0, 3), 1), (transposed(2, 3), x(3, 2), 1)):
        case("tensordot", lambda p, q, k=inner: torch.tensordot(p, q, k), [a, b], {"inner": inner})
    for word, attrs, a, b in (("skij,skl->sijl", {"trans_a": True}, x(2, 3, 2, 2), x(2, 3, 2)), ("sik,slk->sil", {"trans_b": True}, x(2, 2, 3), x(2, 4, 3)),
                              ("ski,slk->sil", {"trans_a": True, "trans_b": True}, x(2, 3, 2), x(2, 4, 3))):
        case("tensordot", lambda p, q, w=word: torch.einsum(w, p, q), [a, b], {"batch": 1, "inner": 1, **attrs})
