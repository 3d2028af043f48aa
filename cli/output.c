/*
 * cli/output.c - messages, values as text and as JSON, and the last word on whether all of it arrived.
 */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- messages ------------------------------------------------------------------------------------------ */

static bool colourful(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return (!none || !*none) && term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

static void say(const char *colour, const char *format, va_list arguments)
{
    fflush(stdout);
    if (colourful())
        fprintf(stderr, "\033[%smkeisan:\033[0m ", colour);
    else
        fprintf(stderr, "keisan: ");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("1;31", format, arguments);
    va_end(arguments);
}

void remark(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("1", format, arguments);
    va_end(arguments);
}

int status_of(ks_code code)
{
    switch (code) {
    case KS_OK:
        return DONE;
    case KS_NOT_FINITE:
        return ANSWER_NO;
    case KS_NO_MEMORY:
        return MACHINE_FAILED;
    case KS_CANCELLED:
        return INTERRUPTED;
    default:
        return BAD_INPUT;
    }
}

int complain_failure(const char *file, const ks_failure *failure)
{
    if (!failure || failure->code == KS_OK) {
        complain("%s%sfailed without saying why", file ? file : "", file ? ": " : "");
        return MACHINE_FAILED;
    }
    /* Names of the library's calls mean nothing here, and a message that names the file needs it no second time. */
    const char *text = failure->message, *colon = strstr(text, ": ");
    if (colon && strncmp(text, "ks_", 3) == 0)
        text = colon + 2;
    bool named = file && strstr(text, file);
    complain("%s%s%s", file && !named ? file : "", file && !named ? ": " : "", text);
    return status_of(failure->code);
}

int complain_memory(void)
{
    complain("out of memory");
    return MACHINE_FAILED;
}

int output_close(int status)
{
    errno = 0;
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    int why = errno;
    if (fclose(stdout) != 0 && !lost) {
        lost = true;
        why = errno;
    }
    if (!lost)
        return status;
    complain("the output could not be written%s%s", why ? ": " : "", why ? strerror(why) : "");
    return MACHINE_FAILED;
}

static bool write_to(void *user, const void *data, size_t size)
{
    return fwrite(data, 1, size, user) == size;
}

ks_writer output_writer(FILE *file)
{
    return (ks_writer){write_to, file};
}

/* ---- small texts --------------------------------------------------------------------------------------- */

const char *shape_text(const ks_graph *graph, ks_shape shape, char text[SHAPE_TEXT])
{
    size_t at = 1;
    text[0] = '[';
    for (int i = 0; i < shape.rank && at < SHAPE_TEXT - 32; i++) {
        const char *comma = i ? ", " : "";
        if (shape.dim[i] < 0)
            at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%s%.20s", comma, ks_dim_name(graph, shape.dim[i]));
        else
            at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%s%lld", comma, (long long)shape.dim[i]);
    }
    snprintf(text + at, SHAPE_TEXT - at, "]");
    return text;
}

const char *count_text(int64_t count, char text[COUNT_TEXT])
{
    char digits[COUNT_TEXT];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)count), at = 0;
    for (int i = 0; i < n && at < COUNT_TEXT - 2; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *bytes_text(int64_t bytes, char text[COUNT_TEXT])
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int u = 0;
    for (; value >= 1024 && u < 4; u++)
        value /= 1024;
    snprintf(text, COUNT_TEXT, u ? "%.1f %s" : "%.0f %s", value, unit[u]);
    return text;
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

void json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void json_real(double value)
{
    if (isnan(value))
        printf("\"NaN\"");
    else if (isinf(value))
        printf(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else
        printf("%.17g", value);
}

void json_shape(const ks_graph *graph, ks_shape shape)
{
    putchar('[');
    for (int i = 0; i < shape.rank; i++) {
        printf("%s", i ? ", " : "");
        if (shape.dim[i] < 0)
            json_string(ks_dim_name(graph, shape.dim[i]));
        else
            printf("%lld", (long long)shape.dim[i]);
    }
    putchar(']');
}

/* ---- values as text ------------------------------------------------------------------------------------ */

#define SHOWN_WHOLE 1000 /* more elements than that are cut short */
#define SHOWN_EDGE  3    /* to so many at either end of each axis */

static void put_element(const void *data, ks_dtype dtype, int64_t i, int digits)
{
    switch (dtype) {
    case KS_F32:
        printf("%.*g", digits, (double)((const float *)data)[i]);
        return;
    case KS_F64:
        printf("%.*g", digits, ((const double *)data)[i]);
        return;
    case KS_I32:
        printf("%ld", (long)((const int32_t *)data)[i]);
        return;
    case KS_I64:
        printf("%lld", (long long)((const int64_t *)data)[i]);
        return;
    case KS_BOOL:
        printf("%s", ((const uint8_t *)data)[i] ? "true" : "false");
        return;
    default:
        printf("%u", ((const uint8_t *)data)[i]);
    }
}

/* Elements from `at` on, nested as the shape is. Rank is at most KS_MAX_RANK, and so is the depth. */
static void put_nested(const void *data, ks_dtype dtype, const ks_shape *shape, int axis, int64_t at, bool cut, int digits)
{
    if (axis == shape->rank) {
        put_element(data, dtype, at, digits);
        return;
    }
    int64_t n = shape->dim[axis], stride = 1;
    for (int i = axis + 1; i < shape->rank; i++)
        stride *= shape->dim[i];
    putchar('[');
    for (int64_t i = 0; i < n; i++) {
        if (i && axis + 1 < shape->rank)
            printf(",\n%*s", axis + 3, "");
        else if (i)
            printf(", ");
        if (cut && i == SHOWN_EDGE && n > 2 * SHOWN_EDGE + 1) {
            printf("...");
            i = n - SHOWN_EDGE - 1;
            continue;
        }
        put_nested(data, dtype, shape, axis + 1, at + i * stride, cut, digits);
    }
    putchar(']');
}

static bool put_text(const result *r, int digits)
{
    const void *data = ks_value(r->node);
    ks_shape shape = ks_value_shape(r->node);
    if (!data || shape.rank < 0)
        return false;
    char text[SHAPE_TEXT];
    ks_dtype dtype = ks_node_dtype(r->node);
    int64_t count = ks_shape_count(shape);
    printf("%s  %s %s%s", r->name, ks_dtype_name(dtype), shape_text(ks_node_graph(r->node), shape, text), shape.rank ? "\n  " : "  ");
    put_nested(data, dtype, &shape, 0, 0, count > SHOWN_WHOLE, digits);
    putchar('\n');
    return true;
}

static bool put_json(const result *r)
{
    ks_shape shape = ks_value_shape(r->node);
    if (shape.rank < 0)
        return false;
    json_string(r->name);
    printf(": {\"dtype\": \"%s\", \"shape\": ", ks_dtype_name(ks_node_dtype(r->node)));
    json_shape(ks_node_graph(r->node), shape);
    printf(", \"data\": ");
    /* A stream that fails is met again when stdout is closed. */
    if (!ks_value_json_to(r->node, output_writer(stdout)) && !ferror(stdout))
        return false;
    printf("}");
    return true;
}

/* As text, or as one JSON object; false after a failure of the graph. */
static bool put_results(const result *results, int count, const args *a)
{
    bool good = true;
    if (a->json)
        putchar('{');
    for (int i = 0; good && i < count; i++) {
        if (a->json && i)
            printf(",\n ");
        good = a->json ? put_json(&results[i]) : put_text(&results[i], (int)a->digits);
    }
    if (a->json)
        printf("}\n");
    return good;
}

int output_check(const args *a)
{
    const char *ending = a->out ? strrchr(a->out, '.') : NULL;
    if (!a->out)
        return DONE;
    if (a->json) {
        complain("%s: --json prints and --out writes a file: give one of them", a->command->name);
        return BAD_INPUT;
    }
    if (ending && !strcmp(ending, ".npy"))
        return DONE;
    complain("%s: --out %s: results are written as .npy; for several at once, print them with --json", a->command->name, a->out);
    return BAD_INPUT;
}

int output_failed(const model *m, const char *path)
{
    const ks_failure *failure = ks_error(m->graph);
    int status = complain_failure(path, failure);
    return failure && failure->code == KS_IO ? MACHINE_FAILED : status;
}

int output_write(const model *m, const result *results, int count, const args *a)
{
    if (!a->out)
        return put_results(results, count, a) ? DONE : model_failed(m);
    if (count != 1) {
        complain("%s: --out %s: a .npy file holds one array and there are %d results: name one, or print them with --json",
                 a->command->name, a->out, count);
        return BAD_INPUT;
    }
    return ks_value_npy(results[0].node, a->out) ? DONE : output_failed(m, a->out);
}
