"""Small linear algebra: triangles, solves, Cholesky, determinant, inverse."""
import torch
from reference import case, cut, positive, regular, transposed, x

REGULAR = [regular(1, 1), regular(3, 3), regular(2, 2, 2), regular(2, 1, 3, 3), regular(0, 2, 2), regular(0, 0)]


def triangles():
    for strict in (False, True):
        for n, batch in ((1, ()), (3, ()), (2, (2,)), (3, (2, 1)), (2, (0,))):
            rows, columns = torch.tril_indices(n, n, -1 if strict else 0)
            count = rows.shape[0]
            case("tril_to_vector", lambda v, r=rows, c=columns: v[..., r, c], [x(*batch, n, n)], {"strict": strict})
            case("tril_from_vector", lambda v, r=rows, c=columns, s=batch + (n, n): scattered(v, r, c, s), [x(*batch, count)],
                 {"strict": strict})
    rows, columns = torch.tril_indices(3, 3)
    case("tril_to_vector", lambda v: v[rows, columns], [transposed(3, 3)])


def scattered(vector, rows, columns, shape):
    """Zeros with the vector's elements at rows and columns of the last two dimensions."""
    whole = torch.zeros(shape, dtype=vector.dtype)
    whole[..., rows, columns] = vector
    return whole


def solves():
    for a, b in ((regular(1, 1), x(1, 1)), (regular(3, 3), x(3, 2)), (regular(2, 3, 3), x(2, 3, 1)), (regular(2, 1, 2, 2), x(1, 2, 2)),
                 (regular(2, 2), x(0, 2, 1)), (regular(2, 2), transposed(2, 3)), (regular(2, 2), cut(2, 2))):
        case("solve", torch.linalg.solve, [a, b])
        case("solve", lambda p, q: torch.linalg.solve(p.transpose(-1, -2), q), [a, b], {"trans": True})
        for lower in (False, True):
            case("triangular_solve", lambda p, q, l=lower: torch.linalg.solve_triangular(p, q, upper=not l), [a, b], {"lower": lower})
            case("triangular_solve", lambda p, q, l=lower: torch.linalg.solve_triangular(p.transpose(-1, -2), q, upper=l), [a, b],
                 {"lower": lower, "trans": True})
        case("triangular_solve", lambda p, q: torch.linalg.solve_triangular(p, q, upper=False, unitriangular=True), [a, b],
             {"unit_diagonal": True})


def factors():
    for a in (positive(1, 1), positive(3, 3), positive(2, 2, 2), positive(2, 1, 3, 3), positive(0, 2, 2)):
        case("cholesky", torch.linalg.cholesky, [a])
    for a in REGULAR:
        case("inverse", torch.linalg.inv, [a])
        case("det", torch.linalg.det, [a])
        case("logabsdet", lambda v: torch.linalg.slogdet(v)[1], [a])
        case("det_sign", lambda v: torch.linalg.slogdet(v)[0].detach(), [a])
        case("cofactor", lambda v: torch.linalg.inv(v).transpose(-1, -2) * torch.linalg.det(v)[..., None, None], [a])


def cases():
    triangles()
    solves()
    factors()
