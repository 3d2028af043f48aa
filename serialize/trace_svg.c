/*
 * serialize/trace_svg.c - a picture by Graphviz: its program dot is run, gets the DOT and gives back the SVG.
 *
 * One socket is the program's input and output. Both directions are served as they come, so that neither side waits for the other, and
 * a program that ends too early is an error here, not a signal to the host. No shell is involved.
 */
#include "serialize/trace.h"
#include "serialize/io.h"
#include "graph/failure.h"
#include "config.h"

#ifdef KS_HAVE_FILES

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define STEP ((size_t)65536)

static bool fail_errno(ks_failure *failure, const char *what, int error)
{
    char text[128];
    return ks__fail(failure, KS_IO, "SVG: cannot %s Graphviz's dot: %s", what, strerror_r(error, text, sizeof text));
}

/* Starts dot with `end` as its input and output; 0 or an errno. */
static int start(int end, pid_t *child)
{
    static char name[] = "dot", form[] = "-Tsvg";
    char *const arguments[] = {name, form, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Sends what can be sent of text[*at, size) and, at its end, closes that direction. */
static bool send_some(int end, const char *text, size_t size, size_t *at)
{
    ssize_t count = *at < size ? send(end, text + *at, size - *at, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    *at += (size_t)count;
    return *at < size || shutdown(end, SHUT_WR) == 0;
}

typedef enum state { GOES_ON, AT_END, BROKEN, NO_ROOM } state;

static state receive_some(int end, ks_buffer *out)
{
    if (!ks__buffer_reserve(out, STEP))
        return NO_ROOM;
    ssize_t count = recv(end, out->data + out->size, STEP, MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? GOES_ON : BROKEN;
    out->size += (size_t)count;
    return count ? GOES_ON : AT_END;
}

/* Sends all of the text and receives until the other side has closed. A program that reads no further may still write. */
static state converse(int end, const ks_buffer *text, ks_buffer *out)
{
    size_t at = 0;
    bool sending = true;
    state now = GOES_ON;
    while (now == GOES_ON) {
        struct pollfd event = {.fd = end, .events = (short)(sending ? POLLIN | POLLOUT : POLLIN)};
        if (poll(&event, 1, -1) < 0 && errno != EINTR)
            return BROKEN;
        if (sending && event.revents & (POLLOUT | POLLERR))
            sending = send_some(end, text->data, text->size, &at) && at < text->size;
        if (event.revents & (POLLIN | POLLHUP | POLLERR))
            now = receive_some(end, out);
    }
    return now;
}

/* Whether it ended well. A host that ignores its children's ends leaves nothing to be asked. */
static bool ended_well(pid_t child)
{
    int status = 0;
    pid_t ended;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    return ended < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool ks__trace_svg(const ks__page *page, ks_buffer *svg, ks_failure *failure)
{
    int ends[2];
    pid_t child;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_errno(failure, "talk to", errno);
    int error = start(ends[1], &child);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        if (error != ENOENT)
            return fail_errno(failure, "start", error);
        return ks__fail(
            failure, KS_UNSUPPORTED,
            "SVG needs Graphviz's program dot, which is not on the PATH: install Graphviz (Debian: apt-get install graphviz), or "
            "write DOT");
    }
    size_t before = svg->size;
    state now = converse(ends[0], &page->buffer, svg);
    close(ends[0]);
    bool well = ended_well(child);
    if (now == NO_ROOM)
        return ks__fail_memory(failure, STEP);
    return (now == AT_END && well && svg->size > before) || ks__fail(failure, KS_IO, "SVG: Graphviz's dot failed on the trace's DOT");
}

#else

bool ks__trace_svg(const ks__page *page, ks_buffer *svg, ks_failure *failure)
{
    return ks__fail(failure, KS_UNSUPPORTED, "this build has no files, and SVG needs Graphviz's program dot: write DOT and give it to dot");
}

#endif
