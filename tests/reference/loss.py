"""Softmax, and what a network is trained to make small."""
import torch
import torch.nn.functional as F
from reference import Input, case, cut, fixed, given, transposed, x

SHAPES = [x(), x(4), x(2, 3), x(2, 1, 2, 2), transposed(2, 3), cut(3, 2)]
NOTHING = x(0, 3)
MEAN, SUM, NONE, ROWS = range(4)


def reduced(values, reduction):
    """What becomes of the values of single elements."""
    if reduction == ROWS:
        return values.sum() / values.shape[0]
    return {MEAN: values.mean, SUM: values.sum, NONE: values.clone}[reduction]()


def pairs(op, function, first=(-3, 3), second=(-3, 3), attrs=None):
    """A loss of two tensors of one shape, for each shape and reduction. function(y, t) gives the values of single elements."""
    for i, spec in enumerate(SHAPES + [NOTHING]):
        reductions = [SUM, NONE] if spec is NOTHING else [MEAN, SUM, NONE] + [ROWS] * bool(spec.shape)
        for reduction in reductions if i == 2 else [reductions[i % len(reductions)]]:
            y = Input(spec.shape, *first, view=spec.view)
            t = Input(spec.shape, *second)
            case(op, lambda a, b, r=reduction: reduced(function(a, b), r), [y, t], {**(attrs or {}), "reduction": reduction})


def far_apart():
    """Scores at which an exponential overflows, and scores that a mask set to -infinity."""
    inf = float("inf")
    for scores in ((1000.0, 0.0, -1000.0), (-1000.0, -1001.0, -1002.0), (-inf, 0.0, 1.0)):
        case("softmax", lambda v: F.softmax(v, 0), [given(*scores)], {"axis": 0})
        case("log_softmax", lambda v: F.log_softmax(v, 0), [given(*scores)], {"axis": 0})
        case("softmax_cross_entropy", F.cross_entropy, [given(*scores), fixed(1, "i64")])
    for t in (0.0, 1.0, 0.25):
        case("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, [given(1000.0, -1000.0, 0.0, 40.0), fixed([t] * 4)])
    case("softmax", lambda v: F.softmax(v, 0), [fixed([float("nan"), 1.0])], {"axis": 0})


def softmaxes():
    for op, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for spec, axis in ((x(5), -1), (x(2, 3), 1), (x(2, 3), 0), (x(2, 3, 1, 2), 1), (x(0, 3), 1), (transposed(2, 3), -1), (cut(3, 2), 0)):
            case(op, lambda v, f=function, a=axis: f(v, a), [spec], {"axis": axis})
    for spec, labels in ((x(3, 4), [0, 3, 1]), (x(1, 4), [2]), (x(4), 1), (transposed(2, 3), [2, 0]), (cut(3, 2), [0, 1, 1])):
        case("softmax_cross_entropy", F.cross_entropy, [spec, fixed(labels, "i64")])
    case("softmax_cross_entropy", F.cross_entropy, [x(2, 3), fixed([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])])


def numbers():
    for spec in SHAPES + [NOTHING]:
        case("sum_squared_error", lambda y, t: F.mse_loss(y, t, reduction="sum") / 2, [spec, x(*spec.shape)])
    for spec in SHAPES:
        case("mean_squared_error", F.mse_loss, [spec, x(*spec.shape)])
    pairs("mean_absolute_error", lambda y, t: F.l1_loss(y, t, reduction="none"))
    for delta in (1.0, 0.5):
        pairs("huber", lambda y, t, d=delta: F.huber_loss(y, t, reduction="none", delta=d), attrs={"delta": delta})
        pairs("smooth_l1", lambda y, t, d=delta: F.smooth_l1_loss(y, t, reduction="none", beta=d), attrs={"beta": delta})


def yes_or_no():
    pairs("binary_cross_entropy", lambda y, t: F.binary_cross_entropy(y, t.detach(), reduction="none") +
          (t - t.detach()) * (torch.log(1 - y) - torch.log(y)).detach(), first=(0.05, 0.95), second=(0, 1))
    case("binary_cross_entropy", F.binary_cross_entropy, [fixed([0.0, 1.0, 0.0, 1.0]), fixed([0.0, 1.0, 1.0, 0.0])])
    pairs("binary_cross_entropy_with_logits", lambda y, t: F.binary_cross_entropy_with_logits(y, t, reduction="none"), second=(0, 1))
    for margin in (1.0, 0.5):
        pairs("hinge", lambda y, t, m=margin: F.relu(m - t * y), attrs={"margin": margin})
    pairs("kl_divergence", lambda y, t: F.kl_div(y, t, reduction="none"), second=(0, 1))


def classes():
    for spec, labels, ignore in ((x(3, 4), [0, 3, 1], -100), (x(3, 4), [2, 3, 2], 2), (x(4), 1, -100), (transposed(2, 4), [2, 0], -100),
                                 (x(2, 4, 2, 1), [[[1], [3]], [[0], [1]]], 1)):
        logs = Input(spec.shape, view="log_softmax") if spec.view is None else spec
        for reduction, word in ((MEAN, "mean"), (SUM, "sum"), (NONE, "none")):
            attrs = {"ignore_index": ignore, "reduction": reduction}
            labelled = fixed(labels, "i64")
            case("negative_log_likelihood", lambda v, t, w, i=ignore, r=word: F.nll_loss(v, t, w.detach(), ignore_index=i, reduction=r),
                 [logs, labelled, fixed([0.5, 1.25, 2.0, 0.75])], attrs)
            if logs.view == "log_softmax":
                case("negative_log_likelihood", lambda v, t, w, i=ignore, r=word: F.cross_entropy(v, t, w, ignore_index=i, reduction=r,
                     label_smoothing=0.25), [logs, labelled, fixed([0.5, 1.25, 2.0, 0.75])], {**attrs, "label_smoothing": 0.25})


def cases():
    softmaxes()
    far_apart()
    numbers()
    yes_or_no()
    classes()
