"""Windows that slide: convolution and its transpose."""
import torch
import torch.nn.functional as F
from reference import case, cut, transposed, x

CONV = [None, F.conv1d, F.conv2d, F.conv3d]
TRANSPOSE = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]

# x, w, and of each spatial axis: strides, padding before, padding behind, dilations; groups
CASES = [
    (x(1, 1, 5), x(1, 1, 3), [1], [0], [0], [1], 1),
    (x(2, 2, 6), x(3, 2, 2), [2], [1], [0], [2], 1),
    (x(1, 1, 3, 3), x(2, 1, 2, 2), [1, 1], [0, 0], [0, 0], [1, 1], 1),
    (x(2, 2, 4, 3), x(2, 2, 3, 2), [2, 1], [1, 0], [1, 1], [1, 2], 1),
    (x(1, 4, 3, 3), x(4, 1, 2, 2), [1, 1], [1, 1], [0, 0], [1, 1], 4),
    (x(1, 4, 3, 3), x(2, 2, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1], 2),
    (x(2, 3, 2, 2), x(2, 3, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1], 1),
    (x(1, 2, 3, 2, 2), x(2, 2, 2, 2, 1), [1, 1, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1], 1),
    (x(0, 2, 3, 3), x(2, 2, 2, 2), [1, 1], [0, 0], [0, 0], [1, 1], 1),
    (transposed(1, 2, 3, 3), x(1, 2, 2, 2), [1, 1], [0, 0], [0, 0], [1, 1], 1),
    (cut(2, 1, 3, 3), transposed(2, 1, 2, 2), [1, 1], [0, 0], [0, 0], [1, 1], 1),
]


def padded(value, before, behind):
    """Zeros around the spatial axes."""
    return F.pad(value, [n for pair in reversed(list(zip(before, behind))) for n in pair])


def trimmed(value, before, behind):
    """The spatial axes without their margins."""
    for axis, (b, e) in enumerate(zip(before, behind), 2):
        value = value.narrow(axis, b, value.shape[axis] - b - e)
    return value


def convolutions():
    for a, w, strides, before, behind, dilations, groups in CASES:
        attrs = {"strides": strides, "pads": before + behind, "dilations": dilations, "groups": groups}
        case("conv", lambda v, f, s=strides, b=before, e=behind, d=dilations, g=groups:
             CONV[len(s)](padded(v, b, e), f, None, s, 0, d, g), [a, w], attrs)
    for auto, before, behind in ((1, [0, 0], [1, 1]), (2, [1, 1], [0, 0])):
        case("conv", lambda v, f, b=before, e=behind: F.conv2d(padded(v, b, e), f, None, 2), [x(1, 2, 3, 3), x(1, 2, 2, 2)],
             {"strides": [2], "auto_pad": auto})


def transposes():
    for a, w, strides, before, behind, dilations, groups in CASES:
        a = type(a)([a.shape[0], w.shape[0]] + a.shape[2:], view=a.view)
        attrs = {"strides": strides, "pads": before + behind, "dilations": dilations, "groups": groups}
        case("conv_transpose", lambda v, f, s=strides, b=before, e=behind, d=dilations, g=groups:
             trimmed(TRANSPOSE[len(s)](v, f, None, s, 0, 0, g, d), b, e), [a, w], attrs)
    case("conv_transpose", lambda v, f: F.conv_transpose2d(v, f, None, 2, 1, 1), [x(1, 2, 2, 2), x(2, 1, 3, 3)],
         {"strides": [2], "pads": [1], "output_padding": [1]})


def cases():
    convolutions()
    transposes()
