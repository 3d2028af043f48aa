/*
 * test_save.c - where graphs are written to and read from: memory, files replaced whole, no memory left, a decimal comma.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "config.h"
#include "tests/support/allocator.h"
#include "tests/support/comma.h"
#include "tests/support/same_graph.h"

/* A net that has been trained for two steps, of every kind of node a file may hold. */
static ks_optimizer *build(ks_graph *g)
{
    int64_t rows = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(rows, 20)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(rows));
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(20, 5), KS_HE), *b = ks_variable(g, "b", KS_F32, KS_SHAPE(5), KS_NORMAL(0.5));
    ks_node *c = ks_constant(g, KS_F32, KS_SHAPE(5), (const float[]){0.1f, -0.0f, 1e-45f, 3e38f, 1.5f}), *half = ks_number(g, 0.5);
    ks_node *h = ks_dropout(ks_add(ks_matmul(x, w), ks_mul(b, half)), 0.5, KS_DROPOUT_INVERTED);
    ks_node *score =
        ks_output(g, "score", ks_mul(ks_where(ks_greater(h, half), h, ks_mul(h, ks_number(g, 0.01))), ks_minimum(c, ks_number(g, 2))));
    ks_node *loss = ks_output(g, "loss", ks_softmax_cross_entropy(score, t));
    ks_set_doc(score, "what is compared");
    ks_set_seed(g, 42);
    float data[3 * 20];
    for (int i = 0; i < 60; i++)
        data[i] = (float)(i % 7) / 4;
    if (!ks_feed(x, KS_F32, KS_SHAPE(3, 20), data) || !ks_feed(t, KS_I64, KS_SHAPE(3), (const int64_t[]){1, 4, 0}))
        return NULL;
    ks_optimizer *adam = ks_adam(loss, NULL);
    return ks_step(adam) && ks_step(adam) ? adam : NULL;
}

static ks_buffer written(ks_graph *g, ks_optimizer *optimizer)
{
    ks_buffer text = {.data = NULL};
    ks_save_options options = {.size = sizeof options, .optimizer = optimizer};
    cr_assert(ks_save_to(g, ks_buffer_writer(&text), &options), "%s", ks_error(g)->message);
    return text;
}

static int calls;

static void count_call(void *user, const ks_failure *failure)
{
    (void)user;
    (void)failure;
    calls++;
}

/* ---- memory -------------------------------------------------------------------------------------------- */

Test(save, every_allocation_refused_in_turn_while_loading)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_buffer text = written(g, build(g));
    int64_t n = 0;
    for (bool loaded = false; !loaded;) {
        ks_test_memory memory = {.refuse = ++n};
        ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory), .on_error = count_call};
        ks_failure failure;
        ks_bytes bytes = {.data = text.data, .size = text.size};
        calls = 0;
        ks_graph *h = ks_load_from(ks_bytes_reader(&bytes), &options, &failure);
        loaded = memory.refused == 0;
        memory.refuse = 0;
        if (loaded) {
            cr_assert_not_null(h, "%s", failure.message);
            ks_graph *same = ks_test_reread(h, NULL);
            ks_graph_free(same);
        } else if (!h) {
            cr_assert_eq(failure.code, KS_NO_MEMORY, "request %lld: %s: %s", (long long)n, ks_code_name(failure.code), failure.message);
            cr_assert_leq(calls, 1, "request %lld: %d failures were told", (long long)n, calls);
        }
        ks_graph_free(h);
        cr_assert_eq(memory.live, 0, "request %lld left %lld bytes", (long long)n, (long long)memory.live);
    }
    cr_assert_gt(n, 20);
    ks_buffer_free(&text);
    ks_graph_free(g);
}

Test(save, every_allocation_refused_in_turn_while_saving)
{
    ks_test_memory memory = {0};
    ks_graph_options graph_options = {.size = sizeof graph_options, .allocator = ks_test_allocator(&memory), .on_error = count_call};
    ks_graph *g = ks_graph_new(&graph_options);
    ks_save_options options = {.size = sizeof options, .optimizer = build(g)};
    int64_t n = 0;
    for (bool saved = false; !saved;) {
        ks_buffer text = {.data = NULL};
        memory.refuse = memory.requests + ++n;
        memory.refused = 0;
        calls = 0;
        saved = ks_save_to(g, ks_buffer_writer(&text), &options);
        memory.refuse = 0;
        if (!saved) {
            cr_assert_eq(ks_error(g)->code, KS_NO_MEMORY, "request %lld: %s", (long long)n, ks_error(g)->message);
            cr_assert_eq(calls, 1, "request %lld: %d failures were told", (long long)n, calls);
            ks_error_clear(g);
        }
        ks_buffer_free(&text);
    }
    cr_assert_gt(n, 1);
    ks_buffer after = written(g, (ks_optimizer *)(uintptr_t)options.optimizer), fresh;
    ks_graph *h = ks_graph_new(NULL);
    fresh = written(h, build(h));
    cr_assert_eq(after.size, fresh.size);
    cr_assert_arr_eq(after.data, fresh.data, after.size);
    ks_buffer_free(&after);
    ks_buffer_free(&fresh);
    ks_graph_free(h);
    ks_graph_free(g);
    cr_assert_eq(memory.live, 0);
}

/* ---- readers and writers ------------------------------------------------------------------------------- */

static int64_t one_byte(void *user, void *data, size_t size)
{
    ks_bytes *bytes = user;
    ks_reader whole = ks_bytes_reader(bytes);
    return whole.read(whole.user, data, size ? 1 : 0);
}

Test(save, a_reader_may_give_a_byte_at_a_time)
{
    ks_failure failure;
    ks_graph *g = ks_graph_new(NULL);
    ks_buffer text = written(g, build(g));
    ks_bytes bytes = {.data = text.data, .size = text.size};
    ks_graph *h = ks_load_from((ks_reader){one_byte, &bytes}, NULL, &failure);
    cr_assert_not_null(h, "%s", failure.message);
    ks_buffer_free(&text);
    ks_graph_free(h);
    ks_graph_free(g);
}

static int64_t failing_read(void *user, void *data, size_t size)
{
    (void)user;
    (void)data;
    (void)size;
    return -1;
}

static bool failing_write(void *user, const void *data, size_t size)
{
    int *left = user;
    (void)data;
    (void)size;
    return (*left)-- > 0;
}

Test(save, a_reader_that_fails_is_said_to)
{
    ks_failure failure;
    cr_assert_null(ks_load_from((ks_reader){failing_read, NULL}, NULL, &failure));
    cr_assert_eq(failure.code, KS_IO);
    cr_assert_str_eq(failure.message, "the reader failed after 0 bytes");
}

Test(save, a_writer_that_fails_at_any_call_is_said_to)
{
    ks_graph *g = ks_graph_new(NULL);
    build(g);
    for (int n = 0, done = 0; !done; n++) {
        int left = n;
        done = ks_save_to(g, (ks_writer){failing_write, &left}, NULL);
        if (!done) {
            cr_assert_eq(ks_error(g)->code, KS_IO);
            cr_assert_str_eq(ks_error(g)->message, "ks_save_to: the writer failed");
            ks_error_clear(g);
        }
    }
    ks_graph_free(g);
}

Test(save, an_optimiser_of_another_graph_is_refused)
{
    ks_graph *g = ks_graph_new(NULL), *h = ks_graph_new(NULL);
    ks_buffer text = {.data = NULL};
    ks_save_options options = {.size = sizeof options, .optimizer = build(g)};
    cr_assert_not(ks_save_to(h, ks_buffer_writer(&text), &options));
    cr_assert_str_eq(ks_error(h)->message, "ks_save: the optimiser belongs to another graph");
    ks_error_clear(h);
    build(h);
    cr_assert_not(ks_save_to(h, ks_buffer_writer(&text), &options));
    cr_assert_str_eq(ks_error(h)->message, "ks_save: the optimiser belongs to another graph");
    cr_assert_eq(text.size, 0);
    ks_graph_free(h);
    ks_graph_free(g);
}

/* ---- the locale ---------------------------------------------------------------------------------------- */

Test(save, a_decimal_comma_changes_not_a_byte)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_optimizer *adam = build(g);
    ks_buffer plain = written(g, adam);
    if (!ks_test_comma())
        cr_skip_test("no locale with a decimal comma here, and localedef makes none");
    ks_buffer comma = written(g, adam);
    cr_assert_eq(plain.size, comma.size);
    cr_assert_arr_eq(plain.data, comma.data, plain.size);
    ks_test_round_trip(g);
    ks_buffer_free(&plain);
    ks_buffer_free(&comma);
    ks_graph_free(g);
}

/* ---- files --------------------------------------------------------------------------------------------- */

#ifdef KS_HAVE_FILES

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/keisan-save-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static const char *in_folder(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

/* How many files are in it, those that begin with a dot as well. */
static int file_count(void)
{
    int count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *file; (file = readdir(all)) != NULL;)
        count += strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0;
    closedir(all);
    return count;
}

static void remove_folder(void)
{
    char path[512];
    DIR *all = opendir(folder);
    for (struct dirent *file; (file = readdir(all)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        unlink(path);
    }
    closedir(all);
    rmdir(folder);
}

static void holds(const char *path, const char *wanted)
{
    char text[4096] = "";
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    cr_assert_eq(size, strlen(wanted));
    cr_assert_str_eq(text, wanted);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    fputs(text, file);
    fclose(file);
}

TestSuite(files, .init = make_folder, .fini = remove_folder);

Test(files, a_graph_comes_back_from_a_file_and_its_nodes_know_where_from)
{
    char path[256];
    ks_failure failure;
    ks_graph *g = ks_graph_new(NULL);
    build(g);
    cr_assert(ks_save(g, in_folder("net.json", path), NULL), "%s", ks_error(g)->message);
    ks_graph *h = ks_load(path, NULL, &failure);
    cr_assert_not_null(h, "%s", failure.message);
    const char *why = ks_test_difference(g, h);
    cr_assert(!why || strstr(why, "step"), "%s", why);
    cr_assert_str_eq(ks_node_place(ks_find(h, "x")).file, path);
    cr_assert_eq(ks_node_place(ks_find(h, "x")).line, 5);
    cr_assert_eq(file_count(), 1);
    ks_graph_free(h);
    ks_graph_free(g);
}

Test(files, a_failure_names_the_file_the_line_and_the_place)
{
    char path[256], wanted[512];
    ks_failure failure;
    put(in_folder("bad.json", path),
        "{\"format\": \"keisan.graph\", \"version\": 1,\n \"nodes\": [\n  {\"name\": \"y\", \"op\": \"relu\", \"inputs\": [\"x\"]}]}\n");
    cr_assert_null(ks_load(path, NULL, &failure));
    snprintf(wanted, sizeof wanted, "%s:3: nodes[0].inputs[0]: no node named 'x'", path);
    cr_assert_str_eq(failure.message, wanted);
    put(path, "{\"format\":\n 1 2}");
    cr_assert_null(ks_load(path, NULL, &failure));
    snprintf(wanted, sizeof wanted, "%s:2:4: ',' or '}' was expected, not '2': the decimal point is '.'", path);
    cr_assert_str_eq(failure.message, wanted);
}

Test(files, what_the_system_says_is_passed_on)
{
    ks_failure failure;
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_load("/no/such/net.json", NULL, &failure));
    cr_assert_eq(failure.code, KS_IO);
    cr_assert_str_eq(failure.message, "cannot read '/no/such/net.json': No such file or directory");
    cr_assert_null(ks_load(folder, NULL, &failure));
    cr_assert(strstr(failure.message, "Is a directory"), "%s", failure.message);
    cr_assert_null(ks_load(NULL, NULL, &failure));
    cr_assert_eq(failure.code, KS_BAD_ARGUMENT);
    cr_assert_not(ks_save(g, "/no/such/net.json", NULL));
    cr_assert_str_eq(ks_error(g)->message, "cannot write '/no/such/net.json': No such file or directory");
    ks_error_clear(g);
    cr_assert_not(ks_save(g, folder, NULL));
    ks_graph_free(g);
}

/* A disk that is full: the size of files is limited, and the signal that tells of it is not heard. */
Test(files, a_disk_that_is_full_leaves_the_old_file_whole)
{
    char path[256];
    struct rlimit small = {.rlim_cur = 1000, .rlim_max = 1000};
    put(in_folder("net.json", path), "the old one");
    ks_graph *g = ks_graph_new(NULL);
    build(g);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cr_assert_not(ks_save(g, path, NULL));
    cr_assert_eq(ks_error(g)->code, KS_IO);
    cr_assert(strstr(ks_error(g)->message, "File too large"), "%s", ks_error(g)->message);
    holds(path, "the old one");
    cr_assert_eq(file_count(), 1, "a temporary file was left");
    ks_graph_free(g);
}

Test(files, whoever_is_killed_while_saving_leaves_the_old_file_whole)
{
    char path[256];
    put(in_folder("net.json", path), "the old one");
    pid_t child = fork();
    if (child == 0) {
        struct rlimit small = {.rlim_cur = 1000, .rlim_max = 1000}, none = {0, 0};
        signal(SIGXFSZ, SIG_DFL);
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_FSIZE, &small);
        ks_graph *g = ks_graph_new(NULL);
        build(g);
        ks_save(g, path, NULL);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "it was to be killed in the middle");
    holds(path, "the old one");
}

Test(files, a_graph_that_cannot_be_written_leaves_the_old_file_whole)
{
    char path[256];
    put(in_folder("net.json", path), "the old one");
    ks_graph *g = ks_graph_new(NULL);
    build(g);
    ks_set_doc(ks_output_find(g, "loss"), "\xff"); /* the last node */
    cr_assert_not(ks_save(g, path, NULL));
    cr_assert(strstr(ks_error(g)->message, "UTF-8"), "%s", ks_error(g)->message);
    holds(path, "the old one");
    cr_assert_eq(file_count(), 1);
    ks_graph_free(g);
}

Test(files, permissions_and_links_stay)
{
    char path[256], link[256];
    struct stat about;
    ks_graph *g = ks_graph_new(NULL);
    ks_input(g, "x", KS_F32, KS_SCALAR);
    put(in_folder("net.json", path), "");
    cr_assert_eq(chmod(path, 0640), 0);
    cr_assert_eq(symlink("net.json", in_folder("link.json", link)), 0);
    cr_assert(ks_save(g, link, NULL), "%s", ks_error(g)->message);
    cr_assert_eq(lstat(link, &about), 0);
    cr_assert(S_ISLNK(about.st_mode));
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0640);
    cr_assert_gt(about.st_size, 10);
    cr_assert_eq(file_count(), 2);
    ks_graph_free(g);
}

Test(files, a_device_is_written_as_it_is)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_input(g, "x", KS_F32, KS_SCALAR);
    cr_assert(ks_save(g, "/dev/null", NULL), "%s", ks_error(g)->message);
    struct stat about;
    cr_assert_eq(stat("/dev/null", &about), 0);
    cr_assert(S_ISCHR(about.st_mode));
    if (access("/dev/full", W_OK) == 0) {
        cr_assert_not(ks_save(g, "/dev/full", NULL));
        cr_assert_str_eq(ks_error(g)->message, "cannot write '/dev/full': No space left on device");
    }
    ks_graph_free(g);
}

#else

Test(save, a_build_without_files_says_so)
{
    ks_failure failure;
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_not(ks_save(g, "net.json", NULL));
    cr_assert_eq(ks_error(g)->code, KS_UNSUPPORTED);
    cr_assert_null(ks_load("net.json", NULL, &failure));
    cr_assert_eq(failure.code, KS_UNSUPPORTED);
    ks_graph_free(g);
}

#endif
