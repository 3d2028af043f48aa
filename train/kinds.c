/*
 * train/kinds.c - the kinds of optimisers: their names, what they can be told, what they keep.
 *
 * SGD, Momentum, Nesterov, AdaGrad, RMSprop and Adam have the defaults of Saito's "Deep Learning from Scratch", AdaDelta and AdamW
 * those of PyTorch.
 */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#define OPTION(member) offsetof(ks_optimizer_options, member)

#define RATE(usual)                                                                                                                        \
    {                                                                                                                                      \
        "rate", usual, INFINITY, OPTION(rate)                                                                                              \
    }
#define MOMENTUM                                                                                                                           \
    {                                                                                                                                      \
        "momentum", 0.9, 1, OPTION(momentum)                                                                                               \
    }
#define RHO(usual)                                                                                                                         \
    {                                                                                                                                      \
        "rho", usual, 1, OPTION(rho)                                                                                                       \
    }
#define BETAS                                                                                                                              \
    {"beta1", 0.9, 1, OPTION(beta1)},                                                                                                      \
    {                                                                                                                                      \
        "beta2", 0.999, 1, OPTION(beta2)                                                                                                   \
    }
#define EPSILON(usual)                                                                                                                     \
    {                                                                                                                                      \
        "epsilon", usual, INFINITY, OPTION(epsilon)                                                                                        \
    }
#define SHARED_BY(decay)                                                                                                                   \
    {"weight_decay", decay, INFINITY, OPTION(weight_decay)}, {"clip_norm", 0, INFINITY, OPTION(clip_norm)},                                \
    {                                                                                                                                      \
        "clip_value", 0, INFINITY, OPTION(clip_value)                                                                                      \
    }
#define OWN(count) .own_count = (count), .field_count = (count) + 3

const ks__optimizer_kind ks__optimizer_kinds[KS__OPTIMIZER_KINDS] = {
    [KS_SGD] = {.name = "sgd", .fields = {RATE(0.01), SHARED_BY(0)}, OWN(1)},
    [KS_MOMENTUM] = {.name = "momentum", .fields = {RATE(0.01), MOMENTUM, SHARED_BY(0)}, OWN(2), .slots = {"v"}, .slot_count = 1},
    [KS_NESTEROV] = {.name = "nesterov", .fields = {RATE(0.01), MOMENTUM, SHARED_BY(0)}, OWN(2), .slots = {"v"}, .slot_count = 1},
    [KS_ADAGRAD] = {.name = "adagrad", .fields = {RATE(0.01), EPSILON(1e-7), SHARED_BY(0)}, OWN(2), .slots = {"h"}, .slot_count = 1},
    [KS_RMSPROP] =
        {.name = "rmsprop", .fields = {RATE(0.01), RHO(0.99), EPSILON(1e-7), SHARED_BY(0)}, OWN(3), .slots = {"h"}, .slot_count = 1},
    [KS_ADADELTA] =
        {.name = "adadelta", .fields = {RATE(1), RHO(0.9), EPSILON(1e-6), SHARED_BY(0)}, OWN(3), .slots = {"h", "d"}, .slot_count = 2},
    [KS_ADAM] = {.name = "adam",
                 .fields = {RATE(0.001), BETAS, EPSILON(1e-7), SHARED_BY(0)},
                 OWN(4),
                 .slots = {"m", "v"},
                 .slot_count = 2,
                 .counts = true},
    [KS_ADAMW] = {.name = "adamw",
                  .fields = {RATE(0.001), BETAS, EPSILON(1e-8), SHARED_BY(0.01)},
                  OWN(4),
                  .slots = {"m", "v"},
                  .slot_count = 2,
                  .counts = true},
};

double ks__optimizer_field_of(const ks_optimizer *o, const char *name)
{
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[o->kind];
    for (int i = 0; i < kind->field_count; i++) {
        if (!strcmp(kind->fields[i].name, name))
            return o->fields[i];
    }
    return 0;
}

/* ---- by options ---------------------------------------------------------------------------------------- */

static ks_optimizer *with_options(ks_node *loss, ks_optimizer_kind kind, const ks_optimizer_options *options)
{
    ks_optimizer_options own = {.size = sizeof own};
    double fields[KS__OPTIMIZER_FIELDS] = {0};
    const ks__optimizer_kind *k = &ks__optimizer_kinds[kind];
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    for (int i = 0; i < k->field_count; i++) {
        memcpy(&fields[i], (const char *)&own + k->fields[i].option, sizeof fields[i]);
        if (fields[i] == 0)
            fields[i] = k->fields[i].usual;
    }
    return ks__optimizer_make(loss, kind, fields);
}

ks_optimizer *ks_sgd(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_SGD, options);
}

ks_optimizer *ks_momentum(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_MOMENTUM, options);
}

ks_optimizer *ks_nesterov(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_NESTEROV, options);
}

ks_optimizer *ks_adagrad(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_ADAGRAD, options);
}

ks_optimizer *ks_rmsprop(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_RMSPROP, options);
}

ks_optimizer *ks_adadelta(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_ADADELTA, options);
}

ks_optimizer *ks_adam(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_ADAM, options);
}

ks_optimizer *ks_adamw(ks_node *loss, const ks_optimizer_options *options)
{
    return with_options(loss, KS_ADAMW, options);
}
