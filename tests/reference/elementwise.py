"""Elementwise operations: arithmetic, functions, activations, comparisons."""
import math

import torch
import torch.nn.functional as F
from reference import binary, case, fixed, given, unary, x, transposed

WHOLE = [[7, -7, 3], [-2, 9, 0]]


class Polygamma(torch.autograd.Function):
    """(-1)^(n + 1) n! zeta(n + 1, x), with Hurwitz's zeta: PyTorch's own trigamma has nine digits only."""

    @staticmethod
    def forward(ctx, v, n):
        ctx.save_for_backward(v)
        ctx.n = n
        return torch.digamma(v) if n == 0 else (-1) ** (n + 1) * math.factorial(n) * torch.special.zeta(n + 1, v)

    @staticmethod
    def backward(ctx, u):
        return u * Polygamma.apply(ctx.saved_tensors[0], ctx.n + 1), None


def arithmetic():
    binary("add", torch.add)
    binary("sub", torch.sub)
    binary("mul", torch.mul)
    binary("div", torch.div)
    binary("pow", torch.pow, first=(0.25, 3))
    binary("maximum", torch.maximum)
    binary("minimum", torch.minimum)
    for dtype in ("i32", "i64"):
        for op, function in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("maximum", torch.maximum), ("minimum", torch.minimum)):
            case(op, function, [fixed(WHOLE, dtype), fixed([2, -3, 5], dtype)])
        case("div", lambda a, b: torch.div(a, b, rounding_mode="trunc"), [fixed(WHOLE, dtype), fixed([2, -3, 5], dtype)])
    case("pow", torch.pow, [x(2, 3), fixed([2.0, 3.0, 0.0])])
    case("maximum", torch.maximum, [fixed([1.0, float("nan"), 2.0]), fixed([float("nan"), 1.0, 2.0])])
    for shape in ((), (4,), (2, 3), (2, 1, 2, 2), (0, 3)):
        case("add_n", lambda a, b, c: a + b + c, [x(*shape), x(*shape), x(*shape)])
    case("add_n", lambda a, b: a + b, [transposed(2, 3), x(2, 3)])


def functions():
    unary("neg", torch.neg)
    unary("square", torch.square)
    unary("abs", torch.abs)
    unary("exp", torch.exp)
    unary("log", torch.log, low=0.1, high=4)
    unary("sqrt", torch.sqrt, low=0.1, high=4)
    unary("sin", torch.sin)
    unary("cos", torch.cos)
    unary("identity", lambda x: x.clone())
    unary("stop_gradient", lambda x: x.detach().clone(), derivative=False)
    unary("cast", lambda x: x.to(torch.int64), attrs={"dtype": "i64"})
    case("cast", lambda x: x.to(torch.int32), [fixed([-1.75, -0.25, 0.25, 2.75])], {"dtype": "i32"})
    case("cast", lambda x: x.to(torch.bool), [fixed([-1.75, 0.0, 0.25])], {"dtype": "bool"})
    case("cast", lambda x: x.to(torch.float64), [fixed([-3, 0, 5], "i64")], {"dtype": "f64"})


def exponentials():
    """exp and its kin, circles and hyperbolas."""
    unary("expm1", torch.expm1)
    unary("log1p", torch.log1p, low=-0.9, high=4)
    unary("reciprocal", torch.reciprocal, low=0.25, high=4)
    unary("rsqrt", torch.rsqrt, low=0.25, high=4)
    unary("tan", torch.tan, low=-1.25, high=1.25)
    unary("asin", torch.asin, low=-0.95, high=0.95)
    unary("acos", torch.acos, low=-0.95, high=0.95)
    unary("atan", torch.atan)
    binary("atan2", torch.atan2)
    unary("sinh", torch.sinh)
    unary("cosh", torch.cosh)
    unary("asinh", torch.asinh)
    unary("acosh", torch.acosh, low=1.25, high=4)
    unary("atanh", torch.atanh, low=-0.95, high=0.95)
    unary("erf", torch.erf)
    unary("erfc", torch.erfc)
    unary("lgamma", torch.lgamma, low=0.25, high=6)
    unary("digamma", lambda v: Polygamma.apply(v, 0), low=0.5, high=6)
    for n in (0, 1, 2):
        case("polygamma", lambda v, n=n: Polygamma.apply(v, n), [x(2, 3, low=0.5, high=6)], {"n": n})
    unary("polygamma", lambda v: Polygamma.apply(v, 1), low=0.5, high=6, attrs={"n": 1})


def roundings():
    unary("sign", torch.sign)
    for op, function in (("floor", torch.floor), ("ceil", torch.ceil), ("round", torch.round), ("trunc", torch.trunc)):
        unary(op, function)
        case(op, function, [fixed([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.0, float("inf"), float("nan")])])
    binary("mod", torch.remainder, first=(-7, 7), second=(0.5, 3))
    binary("fmod", torch.fmod, first=(-7, 7), second=(0.5, 3))
    for dtype in ("i32", "i64"):
        case("mod", torch.remainder, [fixed(WHOLE, dtype), fixed([2, -3, 5], dtype)])
        case("fmod", torch.fmod, [fixed(WHOLE, dtype), fixed([2, -3, 5], dtype)])


def rectifiers():
    """What has corners, and what happens at them."""
    for op, function, attrs, corners in (
            ("relu", F.relu, None, [0.0]), ("abs", torch.abs, None, [0.0]), ("leaky_relu", lambda v: F.leaky_relu(v, 0.25), {"alpha": 0.25}, [0.0]),
            ("elu", lambda v: F.elu(v, 0.5), {"alpha": 0.5}, [0.0]), ("selu", F.selu, None, [0.0]), ("celu", lambda v: F.celu(v, 0.5), {"alpha": 0.5}, [0.0]),
            ("clip", lambda v: v.clamp(-1, 0.5), {"min": -1, "max": 0.5}, [-1.0, 0.5]), ("clip", lambda v: v.clamp(min=0.25), {"min": 0.25}, [0.25]),
            ("hard_sigmoid", lambda v: (v / 6 + 0.5).clamp(0, 1), {"alpha": 1 / 6}, []),
            ("hard_sigmoid", lambda v: (0.25 * v + 0.5).clamp(0, 1), {"alpha": 0.25}, []),
            ("hard_swish", F.hardswish, None, [-3.0, 3.0])):
        if op not in ("relu", "abs"):
            unary(op, function, low=-4, high=4, attrs=attrs)
        if corners:
            case(op, function, [given(*corners)], attrs)
    binary("prelu", lambda v, slope: torch.where(v > 0, v, slope * v), second=(0.1, 0.9))
    case("prelu", lambda v, slope: F.prelu(v, slope.reshape(3)), [x(2, 3, 2), x(3, 1)])
    case("maximum", torch.maximum, [given(1.0, 2.0), given(1.0, 3.0)])
    case("minimum", torch.minimum, [given(1.0, 2.0), given(1.0, 3.0)])


def bends():
    """Activations without corners."""
    unary("log_sigmoid", F.logsigmoid)
    unary("softplus", F.softplus)
    unary("softsign", F.softsign)
    unary("silu", F.silu)
    unary("mish", F.mish)
    unary("gelu", F.gelu)
    unary("gelu_tanh", lambda v: F.gelu(v, approximate="tanh"))
    far = given(-80.0, -30.0, 0.0, 15.0, 40.0)
    for op, function in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("log_sigmoid", F.logsigmoid), ("softsign", F.softsign), ("silu", F.silu),
                         ("gelu", F.gelu)):
        case(op, function, [far])


def logic():
    odd = fixed([[0.0, float("nan"), 1.5], [float("inf"), -float("inf"), -2.0]])
    for op, function in (("is_nan", torch.isnan), ("is_inf", torch.isinf), ("is_finite", torch.isfinite)):
        unary(op, function)
        case(op, function, [odd])
    truth = [([True], [False]), ([[True], [False]], [True, False, True]), ([True, False], [[False, True], [True, True]]), (True, [True, False]),
             ([[[[True, False]]]], [[True], [False]])]
    for op, function in (("logical_and", torch.logical_and), ("logical_or", torch.logical_or), ("logical_xor", torch.logical_xor)):
        for a, b in truth:
            case(op, function, [fixed(a, "bool"), fixed(b, "bool")])
    for a, b in truth:
        case("logical_not", torch.logical_not, [fixed(b, "bool")])


def activations():
    unary("sigmoid", torch.sigmoid)
    unary("tanh", torch.tanh)
    unary("relu", torch.relu)
    unary("step", lambda x: torch.heaviside(x.detach(), torch.zeros((), dtype=x.dtype)))


def comparisons():
    for op, function in (("equal", torch.eq), ("not_equal", torch.ne), ("less", torch.lt), ("less_equal", torch.le), ("greater", torch.gt),
                         ("greater_equal", torch.ge)):
        binary(op, function)
        case(op, function, [fixed([1.0, 2.0, float("nan"), -0.0]), fixed([1.0, 3.0, float("nan"), 0.0])])
        case(op, function, [fixed([[1, 2], [3, 4]], "i64"), fixed([[1], [4]], "i64")])
    for inputs in ([x(), x()], [x(3), x(3)], [x(2, 3), x(3)], [x(1), x(2, 3)], [transposed(2, 3), x(2, 1)]):
        case("where", torch.where, [fixed([True, False, True], "bool")] + inputs)
    case("where", torch.where, [fixed([[True], [False]], "bool"), x(2, 1, 2, 2), x(2, 1, 2)])
    case("where", torch.where, [fixed(True, "bool"), x(0, 3), x(1, 3)])


def cases():
    arithmetic()
    functions()
    exponentials()
    roundings()
    activations()
    rectifiers()
    bends()
    comparisons()
    logic()
