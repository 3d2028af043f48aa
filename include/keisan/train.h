/*
 * keisan/train.h - optimisers and data.
 *
 * An optimiser is a handful of assign nodes in the graph; ks_step runs them as one transaction. Data feeds the graph's
 * inputs, a mini-batch at a time.
 */
#ifndef KEISAN_TRAIN_H
#define KEISAN_TRAIN_H

#include <keisan/serialize.h>

KS_BEGIN

/* ---- optimisers ---------------------------------------------------------------------------------------- */

typedef struct ks_optimizer ks_optimizer;
typedef enum ks_optimizer_kind {
    KS_SGD,
    KS_MOMENTUM,
    KS_ADAM,
    KS_NESTEROV,
    KS_ADAGRAD,
    KS_RMSPROP,
    KS_ADADELTA,
    KS_ADAMW
} ks_optimizer_kind;

/*
 * Zero fields mean the defaults. Gradients are clipped first, each to a value, then all to a norm; then weight decay adds its share
 * to them: weight_decay times the weight, as a loss with weight_decay / 2 times the sum of squares more would. It is for weights, which
 * have two dimensions or more, not for biases and scales. AdamW decays apart from the gradient, by rate * weight_decay a step.
 */
typedef struct ks_optimizer_options {
    size_t size;
    double rate;           /* 0.01; Adam and AdamW 0.001, AdaDelta 1 */
    double momentum;       /* 0.9 */
    double beta1, beta2;   /* 0.9, 0.999 */
    double epsilon;        /* Adam 1e-7, outside the bias correction; AdamW 1e-8, inside; AdaGrad, RMSprop 1e-7; AdaDelta 1e-6 */
    const double *zero;    /* reserved */
    double rho;            /* the share of the old mean square: RMSprop 0.99, AdaDelta 0.9 */
    double weight_decay;   /* 0; AdamW 0.01 */
    double clip_norm;      /* the most that the norm of all gradients together may be; 0: anything */
    double clip_value;     /* the most that an element of a gradient may be, either side of 0; 0: anything */
} ks_optimizer_options;
#define KS_OPTIMIZER_OPTIONS_DEFAULT {.size = sizeof(ks_optimizer_options)}

/*
 * An optimiser of the scalar `loss` for every trainable variable it depends on. Belongs to the graph. NULL options: the defaults.
 * Its states are variables, "fc1.weight/momentum/v", "fc1.weight/adam/m", "adam/t": those that are there already, loaded or from an
 * earlier optimiser of the kind, are gone on with. Made anew after ks_graph_release over the same nodes it is the same optimiser;
 * if its nodes are cut off, ks_step refuses, and the handle may be given out again.
 */
KS_API ks_optimizer *ks_sgd(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_momentum(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_nesterov(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_adagrad(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_rmsprop(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_adadelta(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_adam(ks_node *loss, const ks_optimizer_options *options);
KS_API ks_optimizer *ks_adamw(ks_node *loss, const ks_optimizer_options *options); /* without decay it is PyTorch's Adam */
/* From text: "adam", "sgd:rate=0.1", "adamw:weight_decay=0.1,clip_norm=1". What stands in the text is taken as it is, zero too. */
KS_API ks_optimizer *ks_optimizer_named(ks_node *loss, const char *text);

/* One step: forward, backward, update, as one transaction in training mode. The loss stays readable, as of this step. */
KS_API bool ks_step(ks_optimizer *optimizer);
/* One step that also fetches these nodes. */
KS_API bool ks_step_with(ks_optimizer *optimizer, ks_node *const *fetches, int count);

KS_API ks_node *ks_optimizer_loss(const ks_optimizer *optimizer);
KS_API ks_optimizer_kind ks_optimizer_kind_of(const ks_optimizer *optimizer);
KS_API const char *ks_optimizer_name(const ks_optimizer *optimizer);
KS_API double ks_optimizer_rate(const ks_optimizer *optimizer);
KS_API bool ks_optimizer_set_rate(ks_optimizer *optimizer, double rate); /* a number in the graph: no new plan */
/* Steps taken so far, counted in the saved state too. */
KS_API uint64_t ks_optimizer_steps(const ks_optimizer *optimizer);
/* The optimiser that was read with the graph ("training" in its JSON); NULL if none. */
KS_API ks_optimizer *ks_graph_optimizer(const ks_graph *graph);

/* ---- schedules ----------------------------------------------------------------------------------------- */

typedef enum ks_schedule_kind {
    KS_SCHEDULE_CONSTANT,
    KS_SCHEDULE_STEP,        /* times `factor` after every `steps` steps */
    KS_SCHEDULE_EXPONENTIAL, /* times `factor` after every step */
    KS_SCHEDULE_COSINE,      /* down to `least` along half a cosine, and stays there */
    KS_SCHEDULE_ONE_CYCLE    /* up from rate / 25 for 3 steps in 10, then down to a ten thousandth of where it began */
} ks_schedule_kind;

/* Learning rates over a run: a plain value, of which a step's rate follows by the step's number alone. */
typedef struct ks_schedule {
    ks_schedule_kind kind;
    double rate;    /* the highest */
    double factor;  /* step, exponential */
    double least;   /* cosine */
    int64_t steps;  /* cosine, one cycle: how long the run is, warm-up and all; step: how long a rate lasts */
    int64_t warmup; /* rises linearly for that many steps first; not of one cycle, which has its own */
} ks_schedule;

/*
 * From text: "cosine", "step:steps=1000,factor=0.1", "cosine:rate=0.1,least=0.001,steps=5000,warmup=200". What the text leaves out: the
 * rate is the optimiser's; factor 0.1 of step and 0.999 of exponential; least 0; warmup 0; steps of cosine and one_cycle the `steps`
 * of the call, if these are above 0. A run that is resumed must say the rate, for the optimiser's is that of the last step.
 */
KS_API bool ks_schedule_named(ks_schedule *schedule, ks_optimizer *optimizer, int64_t steps, const char *text);
/* The rate of step number `step`, counted from 0. */
KS_API double ks_schedule_rate(const ks_schedule *schedule, uint64_t step);
/* Before ks_step: gives the optimiser the rate of the step to come. */
KS_API bool ks_schedule_apply(const ks_schedule *schedule, ks_optimizer *optimizer);

/* Watches a loss, for a rate that falls on a plateau or a run that stops early. Set `looks` and `threshold`, leave the rest zero. */
typedef struct ks_patience {
    int64_t looks;    /* that may go by without a better loss */
    double threshold; /* better is less by that share of the best, such as 1e-4 */
    double best;
    int64_t waited;
    bool seen;
} ks_patience;
/* Looks at a loss: whether patience has ended. It begins anew then. A NaN is never better. */
KS_API bool ks_patience_ends(ks_patience *patience, double loss);

/* ---- data ---------------------------------------------------------------------------------------------- */

typedef struct ks_data ks_data;

/*
 * Opens data for the graph's inputs: "x=images.gz:flatten:scale=255,t=labels.gz". Left of = stands an input's name, right of it a file
 * (IDX, gzipped or not, or .npy) with what is done to it: flatten (all but the first dimension into one), scale=S (divide by S).
 * The first dimension counts the rows; all must agree. The caller frees it with ks_data_free.
 */
KS_API ks_data *ks_data_open(ks_graph *graph, const char *text);
KS_API void ks_data_free(ks_data *data);
KS_API int64_t ks_data_rows(const ks_data *data);
/* Feeds the next `batch` rows of this epoch (fewer at its end; none left: false, and the next call begins a new epoch).
 * Rows come shuffled anew each epoch, keyed by the graph's seed and the epoch. */
KS_API bool ks_data_next(ks_data *data, int64_t batch);
/* Rows drawn with replacement, as the book does. */
KS_API bool ks_data_draw(ks_data *data, int64_t batch);
/* Feeds rows [first, first + count) in their own order. */
KS_API bool ks_data_rows_feed(ks_data *data, int64_t first, int64_t count);
/* In their own order from here on, without shuffling. */
KS_API void ks_data_ordered(ks_data *data);
/* Where the stream stands, for saving and resuming: epoch and rows of it already given, drawn ones too. A graph that is saved
 * with its optimiser keeps where the data stood that was last taken from with ks_data_next or ks_data_draw. */
KS_API void ks_data_position(const ks_data *data, uint64_t *epoch, int64_t *row);
KS_API bool ks_data_seek(ks_data *data, uint64_t epoch, int64_t row);
/* Goes to where the data stood when the graph was saved; to the beginning if its file says nothing of that. */
KS_API bool ks_data_resume(ks_data *data);

/*
 * The share of all rows of `data` at which argmax(score) is the label: score [N, C], t [N] or one-hot [N, C]. The first of equals
 * counts, a row with a NaN is wrong. NaN on failure. The data's position stays; the inputs keep the last rows.
 */
KS_API double ks_accuracy(ks_node *score, ks_node *t, ks_data *data);

KS_END

#endif
