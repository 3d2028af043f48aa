"""Windows that slide: convolution and its transpose, pooling, images as rows of windows, other sizes."""
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


MAX = [None, F.max_pool1d, F.max_pool2d, F.max_pool3d]
AVERAGE = [None, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d]
ADAPTIVE_MAX = [None, F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d]
ADAPTIVE_AVERAGE = [None, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d]

# x, kernel, strides, padding on both sides, whether a last window that is cut off counts
POOLS = [(x(1, 1, 5), [2], [1], [0], False), (x(2, 2, 5), [3], [2], [1], False), (x(1, 2, 4, 4), [2, 2], [2, 2], [0, 0], False),
         (x(2, 1, 3, 4), [2, 3], [1, 2], [1, 1], False), (x(1, 1, 5, 5), [2, 2], [2, 2], [0, 0], True), (x(1, 1, 2, 3, 3), [2, 2, 1], [1, 1, 2], [1, 0, 0], False),
         (transposed(1, 1, 4, 3), [2, 2], [1, 1], [0, 0], False), (cut(2, 1, 3, 3), [3, 3], [1, 1], [1, 1], False)]


def pools():
    for a, kernel, strides, pads, ceil in POOLS:
        attrs = {"kernel_shape": kernel, "strides": strides, "pads": pads + pads, "ceil_mode": ceil}
        case("max_pool", lambda v, k=kernel, s=strides, p=pads, c=ceil: MAX[len(k)](v, k, s, p, ceil_mode=c), [a], attrs)
        for counted in (False, True):
            case("average_pool", lambda v, k=kernel, s=strides, p=pads, c=ceil, n=counted: AVERAGE[len(k)](v, k, s, p, c, n), [a],
                 {**attrs, "count_include_pad": counted})
    case("max_pool", lambda v: F.max_pool2d(v, 2, 1, 0, (2, 1)), [x(1, 1, 4, 3)], {"kernel_shape": [2, 2], "strides": [1, 1], "dilations": [2, 1]})
    for a, sizes in ((x(1, 2, 5), [2]), (x(2, 1, 4, 3), [2, 3]), (x(1, 1, 5, 5), [3, 2]), (x(1, 1, 2, 3, 4), [1, 2, 3]), (x(1, 2, 3, 3), [1, 1]),
                     (cut(1, 1, 5, 4), [2, 2])):
        case("adaptive_max_pool", lambda v, s=sizes: ADAPTIVE_MAX[len(s)](v, s), [a], {"output_size": sizes})
        case("adaptive_average_pool", lambda v, s=sizes: ADAPTIVE_AVERAGE[len(s)](v, s), [a], {"output_size": sizes})


def rows_of_windows():
    for a, kernel, strides, pads, dilations in ((x(1, 1, 3, 3), 2, 1, 0, 1), (x(2, 2, 3, 4), 2, 2, 1, 1), (x(1, 2, 5, 4), 2, 1, 0, 2), (x(1, 3, 2, 2), 1, 1, 0, 1),
                                                (transposed(1, 1, 4, 3), 3, 1, 1, 1)):
        attrs = {"kernel_shape": [kernel], "strides": [strides], "pads": [pads], "dilations": [dilations]}
        options = (kernel, dilations, pads, strides)
        case("im2col", lambda v, o=options: F.unfold(v, *o).transpose(1, 2).flatten(0, 1), [a], attrs)
        rows = F.unfold(torch.zeros(a.shape), *options).transpose(1, 2)
        case("col2im", lambda u, v, o=options, n=a.shape[0]: F.fold(u.reshape(n, -1, u.shape[1]).transpose(1, 2), v.shape[2:], *o),
             [x(rows.shape[0] * rows.shape[1], rows.shape[2]), x(*a.shape)], attrs)


def sizes():
    modes = [None, "linear", "bilinear", "trilinear"]
    for a, size in ((x(1, 1, 3), [5]), (x(2, 1, 4), [3]), (x(1, 2, 2, 3), [4, 3]), (x(1, 1, 3, 3), [2, 5]), (x(1, 1, 2, 2, 2), [3, 2, 4]), (transposed(1, 1, 2, 3), [3, 5])):
        for coordinates in (0, 1):
            case("resize", lambda v, s=size, c=coordinates: F.interpolate(v, s, mode=modes[len(s)], align_corners=c == 1), [a],
                 {"sizes": size, "mode": 1, "coordinates": coordinates})
    for a, factors in ((x(1, 1, 3), [2]), (x(1, 2, 2, 3), [3, 2]), (x(1, 1, 2, 1, 2), [2, 2, 2]), (cut(1, 1, 2, 2), [2, 2])):
        case("resize", lambda v, f=factors: F.interpolate(v, scale_factor=f, mode="nearest-exact"), [a], {"factors": factors})


def cases():
    convolutions()
    transposes()
    pools()
    rows_of_windows()
    sizes()
