/*
 * ops/norm/layer.h - normalisations whose statistics are of elements that lie together: attributes, and how a shape falls into rows.
 */
#ifndef KS_OPS_NORM_LAYER_H
#define KS_OPS_NORM_LAYER_H

#include "ops/family.h"

/* What one mean and one deviation are taken of. */
typedef enum ks__norm_form {
    KS__NORM_LAYER,    /* all dimensions from `axis` on */
    KS__NORM_RMS,      /* the same, around 0 instead of the mean */
    KS__NORM_GROUP,    /* of each example, a group of channels */
    KS__NORM_INSTANCE, /* of each example, one channel */
    KS__NORM_FORMS
} ks__norm_form;

typedef struct ks__norm_attrs {
    int64_t form, axis, groups;
    double epsilon;
} ks__norm_attrs;

/* rows of n elements; a row holds `channels` channels of `chunk` elements, and `turns` rows hold all channels once. With a scale an
 * element instead of one a channel, `chunk` is 0. */
typedef struct ks__norm_rows {
    int64_t rows, n, channels, chunk, turns;
} ks__norm_rows;

/* False: the channels do not fall into the groups. */
bool ks__norm_rows_of(const ks_shape *x, const ks__norm_attrs *attrs, ks__norm_rows *out);
/* Whether the form and its attributes fit the shape of the first input. */
bool ks__norm_fits(ks_infer *infer);

/* One attribute each, for the tables of operations. */
#define KS__NORM_EPSILON                                                                                                                   \
    {                                                                                                                                      \
        "epsilon", KS_ATTR_FLOAT, offsetof(ks__norm_attrs, epsilon), false, false, "added to the variance under the root; default 1e-5"    \
    }
#define KS__NORM_AXIS                                                                                                                      \
    {                                                                                                                                      \
        "axis", KS_ATTR_INT, offsetof(ks__norm_attrs, axis), false, false,                                                                 \
            "the first of the dimensions that are normalised together; negative counts from the end; default -1"                           \
    }
#define KS__NORM_GROUPS                                                                                                                    \
    {                                                                                                                                      \
        "num_groups", KS_ATTR_INT, offsetof(ks__norm_attrs, groups), false, true, "how many groups the channels fall into"                 \
    }

#endif
