/*
 * test_hostile.c - files that are wrong: each gives one failure, the one that stands beside it, and leaves nothing behind.
 *
 * tests/data/hostile has NAME.json and NAME.txt, the message. KEISAN_REWRITE=1 writes the messages anew.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "config.h"
#include "tests/support/allocator.h"

#define MOST_FILES 1000

static char names[MOST_FILES][128];
static int name_count;

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "tests/data/hostile/NAME.EXT" in the source tree. */
static const char *path_of(const char *name, const char *extension, char path[1024])
{
    const char *source = getenv("KEISAN_SOURCE");
    snprintf(path, 1024, "%.800s/tests/data/hostile/%.127s%.8s", source ? source : ".", name, extension);
    return path;
}

static void list_names(void)
{
    char path[1024];
    DIR *folder = opendir(path_of("", "", path));
    cr_assert_not_null(folder, "%s is missing: run from the source tree or set KEISAN_SOURCE", path);
    for (struct dirent *file; (file = readdir(folder)) != NULL && name_count < MOST_FILES;) {
        char *dot = strrchr(file->d_name, '.');
        if (dot && !strcmp(dot, ".json"))
            snprintf(names[name_count++], sizeof names[0], "%.*s", (int)(dot - file->d_name), file->d_name);
    }
    closedir(folder);
    qsort(names, (size_t)name_count, sizeof names[0], by_name);
}

static char *contents(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (!file)
        return NULL;
    char *data = calloc(1, 1 << 20);
    *size = fread(data, 1, (1 << 20) - 1, file);
    fclose(file);
    return data;
}

static int calls;

static void count_call(void *user, const ks_failure *failure)
{
    calls++;
    memcpy(user, failure, sizeof *failure);
}

static void rewrite(const char *name, const char *message)
{
    char path[1024];
    FILE *file = fopen(path_of(name, ".txt", path), "wb");
    cr_assert_not_null(file, "%s", path);
    fprintf(file, "%s\n", message);
    fclose(file);
}

/* What was said against what stands beside the file. */
static void compare(const char *name, const char *message)
{
    char path[1024];
    size_t size;
    if (getenv("KEISAN_REWRITE")) {
        rewrite(name, message);
        return;
    }
    char *wanted = contents(path_of(name, ".txt", path), &size);
    cr_assert_not_null(wanted, "%s is missing; it says: %s", path, message);
    cr_expect(size == strlen(message) + 1 && !strncmp(wanted, message, size - 1), "%s\nwanted: %ssaid:   %s", name, wanted, message);
    free(wanted);
}

static void refuse_one(const char *name)
{
    char path[1024];
    size_t size;
    ks_failure failure, handled = {.code = KS_OK};
    ks_test_memory memory = {0};
    ks_graph_options options = {
        .size = sizeof options, .allocator = ks_test_allocator(&memory), .on_error = count_call, .error_user = &handled};
    char *data = contents(path_of(name, ".json", path), &size);
    ks_bytes bytes = {.data = data, .size = size};
    calls = 0;
    cr_assert_null(ks_load_from(ks_bytes_reader(&bytes), &options, &failure), "%s was read", name);
    cr_expect(failure.code == KS_BAD_FILE || failure.code == KS_UNSUPPORTED ||
                  (failure.code >= KS_BAD_ARGUMENT && failure.code <= KS_BAD_NAME),
              "%s: %s", name, ks_code_name(failure.code));
    cr_expect_eq(calls, 1, "%s: %d failures were told", name, calls);
    cr_expect_str_eq(failure.message, handled.message, "%s", name);
    cr_expect_eq(memory.live, 0, "%s left %lld bytes behind", name, (long long)memory.live);
    cr_expect_null(failure.place.file);
    compare(name, failure.message);
    free(data);
}

Test(hostile, every_file_gives_the_one_message_beside_it)
{
    list_names();
    cr_assert_geq(name_count, 110);
    for (int i = 0; i < name_count; i++)
        refuse_one(names[i]);
}

#ifdef KS_HAVE_FILES
Test(hostile, from_a_file_the_message_begins_with_its_name)
{
    list_names();
    for (int i = 0; i < name_count; i++) {
        char path[1024];
        ks_failure failure;
        cr_assert_null(ks_load(path_of(names[i], ".json", path), NULL, &failure));
        cr_expect(!strncmp(failure.message, path, strlen(path) < 200 ? strlen(path) : 200), "%s", failure.message);
    }
}
#endif

/* A graph into which a hostile file was loaded keeps the failure and is freed, or used for something else. */
Test(hostile, the_graph_that_was_loaded_into_stays_usable)
{
    list_names();
    for (int i = 0; i < name_count; i++) {
        char path[1024];
        size_t size;
        ks_test_memory memory = {0};
        ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory)};
        ks_graph *g = ks_graph_new(&options);
        char *data = contents(path_of(names[i], ".json", path), &size);
        ks_bytes bytes = {.data = data, .size = size};
        cr_assert_not(ks_load_into_from(g, ks_bytes_reader(&bytes)));
        cr_assert_not_null(ks_error(g));
        ks_error_clear(g);
        ks_node *a = ks_variable(g, "another.weight", KS_F64, KS_SCALAR, KS_FILL(3));
        cr_assert_eq(ks_scalar(ks_square(a)), 9, "%s: %s", names[i], ks_error(g) ? ks_error(g)->message : "");
        cr_assert_null(ks_graph_optimizer(g));
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0, "%s", names[i]);
        free(data);
    }
}

/* Cut anywhere, or with any one byte changed: a failure or a graph, and nothing left behind. */
static void never_crashes(const char *text, size_t size)
{
    ks_test_memory memory = {0};
    ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory)};
    ks_failure failure;
    ks_bytes bytes = {.data = text, .size = size};
    ks_graph *g = ks_load_from(ks_bytes_reader(&bytes), &options, &failure);
    cr_assert(g || failure.code, "neither a graph nor a failure");
    ks_graph_free(g);
    cr_assert_eq(memory.live, 0);
}

static const char good[] =
    "{\"format\": \"keisan.graph\", \"version\": 1, \"seed\": 7, \"metadata\": {\"a\": [1, \"\\ud83c\\udf4e\"]},\n \"nodes\": [\n"
    "  {\"name\": \"x\", \"op\": \"input\", \"dtype\": \"f32\", \"shape\": [\"N\", 2]},\n"
    "  {\"name\": \"w\", \"op\": \"variable\", \"shape\": [2, 1], \"value\": [[1.5e3], [\"NaN\"]], \"doc\": \"d\"},\n"
    "  {\"name\": \"v\", \"op\": \"variable\", \"shape\": [1], \"init\": {\"kind\": \"normal\", \"std\": 1}, \"value\": {\"base64\": "
    "\"AACAPw==\"}},\n"
    "  {\"name\": \"m\", \"op\": \"matmul\", \"inputs\": [\"x\", \"w\"]}, {\"name\": \"d\", \"op\": \"dropout\", \"inputs\": [\"m\"], "
    "\"stream\": 3},\n"
    "  {\"name\": \"p\", \"op\": \"mul\", \"inputs\": [\"d\", 2]}, {\"name\": \"s\", \"op\": \"sum\", \"inputs\": [\"p\"], \"attrs\": "
    "{\"axes\": [0]}},\n"
    "  {\"name\": \"loss\", \"op\": \"sum\", \"inputs\": [\"s\"]}],\n"
    " \"outputs\": {\"loss\": \"loss\"}, \"training\": {\"loss\": \"loss\", \"step\": 3, \"optimizer\": {\"kind\": \"momentum\", "
    "\"rate\": 0.1},\n"
    "  \"state\": {\"w\": {\"v\": [[0], [1]]}}}}\n";

static const char good_functions[] =
    "{\"format\": \"keisan.graph\", \"version\": 1,\n \"functions\": {\n  \"f\": {\"nodes\": [\n"
    "    {\"name\": \"h\", \"op\": \"input\", \"shape\": [\"N\"]}, {\"name\": \"x\", \"op\": \"input\", \"shape\": []},\n"
    "    {\"name\": \"d\", \"op\": \"dropout\", \"inputs\": [\"h\"]},\n    {\"name\": \"m\", \"op\": \"mul\", \"inputs\": [\"d\", "
    "\"x\"]}],\n"
    "   \"outputs\": {\"y\": \"m\"}},\n  \"far\": {\"nodes\": [{\"name\": \"a\", \"op\": \"input\", \"shape\": [2]},\n"
    "    {\"name\": \"c\", \"op\": \"constant\", \"dtype\": \"bool\", \"shape\": [], \"value\": true}],\n   \"outputs\": {\"c\": "
    "\"c\"}}},\n"
    " \"nodes\": [\n  {\"name\": \"h\", \"op\": \"input\", \"shape\": [2]}, {\"name\": \"x\", \"op\": \"input\", \"shape\": [5]},\n"
    "  {\"name\": \"c\", \"op\": \"call\", \"inputs\": [\"h\", 2], \"attrs\": {\"function\": \"f\"}, \"stream\": 2},\n"
    "  {\"name\": \"s\", \"op\": \"scan\", \"inputs\": [\"c\", \"x\"], \"attrs\": {\"body\": \"f\", \"until\": \"far\", \"states\": 1, "
    "\"scanned\": 1}},\n  {\"name\": \"r\", \"op\": \"result\", \"inputs\": [\"s\"], \"attrs\": {\"index\": 4}}],\n"
    " \"outputs\": {\"y\": \"r\"}}\n";

static void cut_and_change(const char *whole, size_t size)
{
    static const char others[] = {0, ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '-', '0', '9', 'e', 'x', '\n', (char)0x80, (char)0xff};
    static char text[4096];
    cr_assert_lt(size, sizeof text);
    for (size_t i = 0; i < size; i++)
        never_crashes(whole, i);
    for (size_t i = 0; i < size; i++) {
        for (size_t k = 0; k < sizeof others; k++) {
            memcpy(text, whole, size);
            text[i] = others[k];
            never_crashes(text, size);
        }
    }
}

Test(hostile, cut_short_or_changed_anywhere_it_never_crashes)
{
    cut_and_change(good, sizeof good - 1);
}

Test(hostile, with_functions_cut_short_or_changed_anywhere_it_never_crashes)
{
    ks_failure failure;
    ks_bytes bytes = {.data = good_functions, .size = sizeof good_functions - 1};
    ks_graph *g = ks_load_from(ks_bytes_reader(&bytes), NULL, &failure);
    cr_assert_not_null(g, "%s", failure.message);
    ks_graph_free(g);
    cut_and_change(good_functions, sizeof good_functions - 1);
}
