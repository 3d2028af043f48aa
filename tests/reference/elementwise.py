"""Elementwise operations: arithmetic, functions, activations, comparisons."""
import torch
from reference import binary, case, fixed, unary, x, transposed

WHOLE = [[7, -7, 3], [-2, 9, 0]]


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
    activations()
    comparisons()
