"""Values brought to a common scale."""
import torch
import torch.nn.functional as F
from reference import case, cut, fixed, transposed, x

BATCHES = [x(3, 2), x(2, 3, 2), x(2, 2, 2, 2), x(1, 2, 3), transposed(3, 2), cut(3, 2, 2)]
EPSILON = 0.01


def rows():
    """layer_norm and rms_norm of what stands from an axis on."""
    for a, axis in ((x(4), 0), (x(3, 4), 1), (x(2, 3, 2), 1), (x(2, 2, 2, 3), -2), (x(0, 3), 1), (transposed(2, 4), -1), (cut(3, 4), 1)):
        inner = a.shape[axis:]
        case("layer_norm", lambda v, s, b, n=inner: F.layer_norm(v, n, s, b, EPSILON), [a, x(*inner), x(*inner)], {"axis": axis, "epsilon": EPSILON})
        case("rms_norm", lambda v, s, k=len(inner): s * v / (v.square().mean(list(range(-k, 0)), keepdim=True) + EPSILON).sqrt(),
             [a, x(*inner)], {"axis": axis, "epsilon": EPSILON})
    case("layer_norm", lambda v, s, b: F.layer_norm(v, [4]) * s + b, [x(2, 4), fixed(1.0), fixed(0.0)])


def groups():
    """group_norm and instance_norm."""
    for a, count in ((x(2, 4), 2), (x(2, 4, 2), 2), (x(1, 4, 2, 2), 4), (x(2, 3, 2), 1), (x(0, 4, 2), 2), (cut(2, 4, 2), 2)):
        case("group_norm", lambda v, s, b, n=count: F.group_norm(v, n, s, b, EPSILON) if v.numel() else v * s[:, None] + b[:, None],
             [a, x(a.shape[1]), x(a.shape[1])], {"num_groups": count, "epsilon": EPSILON})
    for a in (x(1, 2, 4), x(2, 2, 3), x(2, 1, 2, 2), x(1, 2, 1, 2, 2), cut(2, 2, 3), transposed(1, 2, 4)):
        case("instance_norm", lambda v, s, b: F.instance_norm(v, None, None, s, b, True, 0.1, EPSILON), [a, x(a.shape[1]), x(a.shape[1])],
             {"epsilon": EPSILON})


def batches():
    """batch_norm in inference, and in training from the moments of its batch."""
    for a in BATCHES + [x(0, 2, 3)]:
        channels = a.shape[1]
        statistics = [x(channels), x(channels, low=0.5, high=2)]
        case("batch_norm", lambda v, s, b, m, q: (v - per_channel(m, v)) / (per_channel(q, v) + EPSILON).sqrt() * per_channel(s, v) + per_channel(b, v),
             [a, x(channels), x(channels)] + statistics, {"epsilon": EPSILON},
             names=["a" + (f"_{a.view}" if a.view else ""), "b", "c", "d", "e", "e"])  # the last stands for an update
    taken = [{"name": "moments", "op": "batch_moments", "inputs": ["a", "d", "e"]},
             {"name": "means", "op": "slice", "inputs": ["moments"], "attrs": {"start": 0, "size": 1}},
             {"name": "mean", "op": "squeeze", "inputs": ["means"], "attrs": {"axes": [0]}},
             {"name": "variances", "op": "slice", "inputs": ["moments"], "attrs": {"start": 1, "size": 1}},
             {"name": "variance", "op": "squeeze", "inputs": ["variances"], "attrs": {"axes": [0]}}]
    for a in (x(3, 2), x(2, 3, 2), x(2, 2, 2, 2), x(2, 2, 1, 2, 2)):
        channels = a.shape[1]
        zeros, ones = fixed([0.0] * channels), fixed([1.0] * channels)
        case("batch_norm", lambda v, s, b, m, q: F.batch_norm(v, None, None, s, b, True, 0.1, EPSILON), [a, x(channels), x(channels), zeros, ones],
             {"epsilon": EPSILON}, train=True, between=taken, names=["a", "b", "c", "mean", "variance", "e"])
        case("batch_moments", lambda v, m, q: torch.stack([moved(v).mean(1), moved(v).var(1, unbiased=False)]), [a, zeros, ones], train=True)
        case("batch_moments", lambda v, m, q: torch.stack([m, q]), [a, x(channels), x(channels)])


def per_channel(value, like):
    return value.reshape([-1] + [1] * (like.dim() - 2))


def moved(value):
    """[N, C, ...] to [C, rest]."""
    return value.transpose(0, 1).reshape(value.shape[1], -1)


def neighbours():
    for a, size in ((x(2, 4), 3), (x(2, 4, 2), 3), (x(1, 5, 2, 1), 5), (x(2, 2, 2), 1), (x(0, 3, 2), 3), (transposed(2, 4, 1), 3)):
        attrs = {"size": size, "alpha": 0.5, "beta": 0.75, "bias": 2.0}
        case("local_response_norm", lambda v, n=size: response(v, n), [a], attrs)
        case("channel_window", lambda v, n=size: sum(F.pad(v.transpose(1, -1), [n // 2, n // 2])[..., i:i + v.shape[1]] for i in range(n)).transpose(1, -1),
             [a], {"size": size})


def response(value, size):
    """PyTorch's wants three dimensions, and elements."""
    if not value.numel():
        return value * 1
    whole = value if value.dim() > 2 else value[..., None]
    return F.local_response_norm(whole, size, 0.5, 0.75, 2.0).reshape(value.shape)


def cases():
    rows()
    groups()
    batches()
    neighbours()
