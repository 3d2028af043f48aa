/*
 * cli/train.c - keisan train: epochs of mini-batches, a line each, and a file that can be gone on from.
 *
 * A checkpoint is the model with its optimiser and where the data stands, in one file. An interrupt cancels the step under way,
 * which leaves the variables whole.
 */
#include "commands.h"
#include "feed.h"
#include "output.h"
#include "progress.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static bool cancel(void *user)
{
    (void)user;
    return interrupted;
}

typedef struct session {
    const args *a;
    model m;
    ks_node *loss, *score, *labels; /* score, labels: NULL where accuracy can't be told */
    ks_optimizer *optimizer;
    ks_schedule schedule; /* constant, where none is asked for */
    ks_data *data, *test;
    int64_t batch, rows, batches; /* rows and batches an epoch */
    double sum;                   /* of this epoch's losses, by rows */
    int64_t seen;                 /* rows of it */
    progress bar;
} session;

/* ---- before the first step ----------------------------------------------------------------------------- */

/* The one input of whole numbers that the loss depends on. */
static ks_node *only_labels(const session *s)
{
    ks_node *found = NULL;
    int count = 0;
    bool *needed = model_needs(&s->m, &s->loss, 1);
    for (int64_t i = 0; needed && i < ks_node_count(s->m.graph); i++) {
        ks_node *node = ks_node_at(s->m.graph, i);
        ks_dtype dtype = ks_node_dtype(node);
        if (!needed[i] || !ks_is_input(node) || dtype == KS_F32 || dtype == KS_F64 || dtype == KS_BOOL)
            continue;
        found = node;
        count++;
    }
    free(needed);
    return count == 1 ? found : NULL;
}

/* Accuracy wants scores and labels. Who named one of them expects it; else it is told where both are plain to see. */
static int choose_scores(session *s)
{
    const args *a = s->a;
    s->score = a->score ? model_node(&s->m, a->score) : ks_output_find(s->m.graph, "score");
    s->labels = a->labels ? model_node(&s->m, a->labels) : only_labels(s);
    if ((a->score && !s->score) || (a->labels && !s->labels))
        return BAD_INPUT;
    if (s->score && s->labels)
        return DONE;
    if (a->score || a->labels) {
        complain("%s: accuracy needs scores and labels of whole numbers: name them with --score and --labels", s->m.path);
        return BAD_INPUT;
    }
    s->score = s->labels = NULL;
    return DONE;
}

/* A file to go on from must have come from this model. */
static int check_same(const session *s, const char *path)
{
    model first = {0};
    args plain = {0};
    int status = model_open(&first, path, &plain, NULL);
    for (int64_t i = 0; !status && i < ks_variable_count(first.graph); i++) {
        ks_node *a = ks_variable_number(first.graph, i), *b = ks_find(s->m.graph, ks_name(a));
        char here[SHAPE_TEXT], there[SHAPE_TEXT];
        if (b && ks_is_variable(b) && ks_node_dtype(a) == ks_node_dtype(b) &&
            !strcmp(shape_text(first.graph, ks_node_shape(a), here), shape_text(s->m.graph, ks_node_shape(b), there)))
            continue;
        complain("%s was not trained from %s: variable '%s' %s there", s->m.path, path, ks_name(a), b ? "is another" : "is missing");
        status = BAD_INPUT;
    }
    model_close(&first);
    return status;
}

/* Of what --optimizer says beside --resume only the rate can be new: the rest stands in the file. */
static int set_rate(session *s, const char *text)
{
    char *end;
    if (!*text)
        return DONE;
    double rate = strncmp(text, ":rate=", 6) ? 0 : strtod(text + 6, &end);
    if (strncmp(text, ":rate=", 6) != 0 || !text[6] || *end) {
        complain("--optimizer: beside --resume it may only say :rate=NUMBER: the rest stands in %s", s->m.path);
        return BAD_INPUT;
    }
    return ks_optimizer_set_rate(s->optimizer, rate) ? DONE : model_failed(&s->m);
}

static int resume(session *s)
{
    const char *text = s->a->optimizer;
    int status = DONE;
    s->optimizer = ks_graph_optimizer(s->m.graph);
    if (!s->optimizer) {
        complain("%s: it holds no training to go on with: train it as the model, with --optimizer", s->m.path);
        return BAD_INPUT;
    }
    const char *name = ks_optimizer_name(s->optimizer);
    size_t length = text ? strcspn(text, ":") : 0;
    if (text && (strlen(name) != length || strncmp(text, name, length) != 0)) {
        complain("%s: it was trained by %s: go on with that, or train it as the model with another", s->m.path, name);
        return BAD_INPUT;
    }
    s->loss = ks_optimizer_loss(s->optimizer);
    if (text)
        status = set_rate(s, text + length);
    return !status && s->a->files.count ? check_same(s, s->a->files.at[0]) : status;
}

static int choose_optimizer(session *s)
{
    if (s->a->resume)
        return resume(s);
    s->loss = model_node_or(&s->m, s->a->loss, "loss", "loss");
    if (!s->loss)
        return BAD_INPUT;
    s->optimizer = ks_optimizer_named(s->loss, s->a->optimizer ? s->a->optimizer : "sgd");
    const ks_failure *failure = ks_error(s->m.graph);
    if (s->optimizer || !failure)
        return s->optimizer ? DONE : model_failed(&s->m);
    bool text = failure->code == KS_BAD_NAME || failure->code == KS_BAD_ARGUMENT;
    return complain_failure(text ? "--optimizer" : s->m.path, failure);
}

/* Its length is that of the whole run. What the file of a run says is the rate of the last step, not the schedule's. */
static int choose_schedule(session *s)
{
    const char *text = s->a->schedule ? s->a->schedule : "constant";
    if (s->a->resume && s->a->schedule && !strstr(text, "rate=")) {
        complain("--schedule: beside --resume it must say its rate, as in %.40s%srate=0.1", text, strchr(text, ':') ? "," : ":");
        return BAD_INPUT;
    }
    if (ks_schedule_named(&s->schedule, s->optimizer, (s->a->epochs ? s->a->epochs : 1) * s->batches, text))
        return DONE;
    return complain_failure("--schedule", ks_error(s->m.graph));
}

/* Better now than after an hour: can the file be written at all? */
static int check_out(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    if (access(folder, W_OK) == 0)
        return DONE;
    complain("--out: cannot write '%s': %s", path, strerror(errno));
    return MACHINE_FAILED;
}

static int open_session(session *s)
{
    const args *a = s->a;
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.cancel = cancel;
    options.check_finite = !a->unchecked;
    if (!a->resume && !a->files.count) {
        complain("train: a model is missing: keisan train %s", a->command->usage);
        return BAD_INPUT;
    }
    int status = check_out(a->out);
    if (!status)
        status = model_open(&s->m, a->resume ? a->resume : a->files.at[0], a, &options);
    if (!status)
        status = choose_optimizer(s);
    if (!status)
        status = choose_scores(s);
    if (!status)
        s->data = feed_open(&s->m, "data", a->data, &status);
    if (!status && a->test)
        s->test = feed_open(&s->m, "test", a->test, &status);
    if (status)
        return status;
    s->batch = a->batch ? a->batch : 100;
    s->rows = ks_data_rows(s->data);
    s->batches = (s->rows + s->batch - 1) / s->batch;
    if (s->rows <= 0) {
        complain("--data: %s: there are no rows", a->data);
        return BAD_INPUT;
    }
    status = choose_schedule(s);
    if (status)
        return status;
    if (!ks_data_rows_feed(s->data, 0, 1))
        return model_failed(&s->m);
    return model_check_fed(&s->m, &s->loss, 1, "data");
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static int save(session *s)
{
    ks_save_options options = KS_SAVE_OPTIONS_DEFAULT;
    options.optimizer = s->optimizer;
    return ks_save(s->m.graph, s->a->out, &options) ? DONE : output_failed(&s->m, s->a->out);
}

/* What stopped the run. An interrupt leaves a checkpoint, and what was not finite leaves the file of the last epoch. */
static int stop(session *s)
{
    const ks_failure *failure = ks_error(s->m.graph);
    unsigned long long steps = ks_optimizer_steps(s->optimizer);
    progress_clear(&s->bar);
    if (failure && failure->code == KS_CANCELLED) {
        ks_error_clear(s->m.graph);
        int status = save(s);
        if (status)
            return status;
        remark("interrupted after %llu steps: %s holds them; go on with --resume %s", steps, s->a->out, s->a->out);
        return INTERRUPTED;
    }
    int status = model_failed(&s->m);
    if (failure && failure->code == KS_NOT_FINITE)
        remark("stopped in step %llu, which was not taken; a smaller rate may help", steps + 1);
    return status;
}

/* ---- epochs -------------------------------------------------------------------------------------------- */

static int run_epoch(session *s, int64_t epoch)
{
    uint64_t at;
    int64_t row;
    s->sum = 0;
    s->seen = 0;
    for (;;) {
        ks_data_position(s->data, &at, &row);
        int64_t n = s->rows - row < s->batch ? s->rows - row : s->batch;
        if (!ks_data_next(s->data, s->batch))
            return ks_error(s->m.graph) ? stop(s) : DONE;
        if (!ks_schedule_apply(&s->schedule, s->optimizer) || !ks_step(s->optimizer)) {
            ks_data_seek(s->data, at, row); /* these rows were not learnt from */
            return stop(s);
        }
        s->sum += ks_scalar(s->loss) * (double)n;
        s->seen += n;
        progress_show(&s->bar, epoch, s->a->epochs, (row + n + s->batch - 1) / s->batch, s->batches);
    }
}

static double accuracy(session *s, ks_data *data)
{
    return s->score && data ? ks_accuracy(s->score, s->labels, data) : NAN;
}

/* The mean loss over rows that are not learnt from. */
static double test_loss(session *s)
{
    double sum = 0;
    int64_t rows = ks_data_rows(s->test);
    for (int64_t first = 0; first < rows; first += 1000) {
        int64_t n = rows - first < 1000 ? rows - first : 1000;
        if (!ks_data_rows_feed(s->test, first, n))
            return NAN;
        sum += ks_scalar(s->loss) * (double)n;
    }
    return rows ? sum / (double)rows : NAN;
}

static void put_number(const session *s, const char *text, const char *key, double value)
{
    if (isnan(value))
        return;
    if (!s->a->json) {
        printf(", %s %.4f", text, value);
        return;
    }
    printf(", \"%s\": ", key);
    json_real(value);
}

/* A line for the epoch that has ended; "epoch 3/10: loss 0.2714, ...". */
static int report(session *s, int64_t epoch)
{
    double train = accuracy(s, s->data), test = accuracy(s, s->test), held = s->test ? test_loss(s) : NAN;
    double loss = s->seen ? s->sum / (double)s->seen : NAN;
    if (ks_error(s->m.graph))
        return stop(s);
    progress_clear(&s->bar);
    if (s->a->json) {
        printf("{\"epoch\": %lld, \"steps\": %llu, \"loss\": ", (long long)epoch, (unsigned long long)ks_optimizer_steps(s->optimizer));
        json_real(loss);
    } else {
        printf("epoch %lld/%lld: loss %.4f", (long long)epoch, (long long)s->a->epochs, loss);
    }
    put_number(s, "train accuracy", "train_accuracy", train);
    put_number(s, "test loss", "test_loss", held);
    put_number(s, "test accuracy", "test_accuracy", test);
    printf(s->a->json ? "}\n" : "\n");
    fflush(stdout);
    return DONE;
}

static int run_epochs(session *s)
{
    uint64_t at;
    int64_t row, epoch;
    if (s->a->resume && !ks_data_resume(s->data))
        return model_failed(&s->m);
    ks_data_position(s->data, &at, &row);
    epoch = (int64_t)at;
    if (epoch >= s->a->epochs) {
        remark("%s has %lld epochs already: there is nothing to do", s->m.path, (long long)epoch);
        return save(s);
    }
    progress_start(&s->bar, (s->a->epochs - epoch) * s->batches - row / s->batch);
    for (; epoch < s->a->epochs; epoch++) {
        int status = run_epoch(s, epoch + 1);
        if (!status)
            status = report(s, epoch + 1);
        if (!status)
            status = save(s);
        if (status)
            return status;
    }
    return DONE;
}

static int run(const args *a)
{
    session s = {.a = a};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    int status = open_session(&s);
    if (!status) {
        sigaction(SIGINT, &action, NULL);
        status = run_epochs(&s);
    }
    ks_data_free(s.data);
    ks_data_free(s.test);
    model_close(&s.m);
    return status;
}

static const option options[] = {
    {"data", OPTION_TEXT, FIELD(data), "X=FILE,T=FILE", "rows for the inputs, .npy or IDX; FILE:flatten:scale=255 flattens and divides",
     .required = true},
    {"test", OPTION_TEXT, FIELD(test), "X=FILE,T=FILE", "rows that are only looked at"},
    {"optimizer", OPTION_TEXT, FIELD(optimizer), "KIND:KEY=V,...",
     "as adam:rate=0.001,clip_norm=1; default sgd. There are sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw"},
    {"schedule", OPTION_TEXT, FIELD(schedule), "KIND:KEY=V,...",
     "how the rate changes, as cosine:warmup=500: constant, step, exponential, cosine, one_cycle; default constant"},
    {"batch", OPTION_WHOLE, FIELD(batch), "N", "rows a step; default 100", 1, 1e9},
    {"epochs", OPTION_WHOLE, FIELD(epochs), "N", "passes over the data, those of --resume counted; default 1", 1, 1e9},
    {"out", OPTION_TEXT, FIELD(out), "TRAINED", "where the trained model is saved, after each epoch", .required = true},
    {"resume", OPTION_TEXT, FIELD(resume), "TRAINED", "go on from there, as if it had never stopped"},
    {"loss", OPTION_TEXT, FIELD(loss), "NODE", "what is made small; default: the output loss"},
    {"score", OPTION_TEXT, FIELD(score), "NODE", "whose largest element is the answer; default: the output score"},
    {"labels", OPTION_TEXT, FIELD(labels), "INPUT", "the right answers; default: the one input of whole numbers"},
    {"unchecked", OPTION_FLAG, FIELD(unchecked), NULL, "go on through NaN and infinity instead of stopping"},
    {"json", OPTION_FLAG, FIELD(json), NULL, "a JSON object for each epoch, one a line"},
    OPTION_SEED,
    OPTION_THREADS,
    {0},
};

const command train_command = {
    .name = "train",
    .usage = "MODEL --data X=FILE,T=FILE --out TRAINED",
    .summary = "Trains a model on data",
    .doc = "An interrupt saves a checkpoint. NaN stops training and names the node; the file keeps the last epoch.",
    .options = options,
    .least = 0,
    .most = 1,
    .run = run,
};
