/*
 * dat.c - reads NIST's .dat files: https://www.itl.nist.gov/div898/strd/general/dataarchive.html
 *
 * A file is prose with marks in it. What is read are lines that begin with a mark ("Dataset Name:", "b1 =", "Data:"), in whatever
 * order; the numbers follow the second line that begins with "Data:", which names the columns.
 */
#include "dat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *path;
    int line, data_marks, rows;
    dat *out;
    char *error;
    size_t room;
} reader;

__attribute__((format(printf, 2, 3))) static bool refuse(reader *r, const char *format, ...)
{
    int used = r->line ? snprintf(r->error, r->room, "%s:%d: ", r->path, r->line) : snprintf(r->error, r->room, "%s: ", r->path);
    va_list list;
    va_start(list, format);
    if (used >= 0 && (size_t)used < r->room)
        vsnprintf(r->error + used, r->room - (size_t)used, format, list);
    va_end(list);
    return false;
}

/* What stands behind the mark, if the line begins with it. */
static const char *behind(const char *line, const char *mark)
{
    line += strspn(line, " \t");
    size_t length = strlen(mark);
    return strncmp(line, mark, length) ? NULL : line + length;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* "b1 = 500 250 2.389E+02 2.707E+00": two starts, the certified value and its standard deviation. */
static bool parameter(reader *r, const char *line)
{
    int number, used = 0;
    double v[4];
    if (sscanf(line, " b%d = %n", &number, &used) < 1 || !used)
        return true;
    if (number != r->out->parameters + 1 || number > DAT_PARAMETERS)
        return refuse(r, "b%d follows b%d: parameters stand in order, at most %d of them", number, r->out->parameters, DAT_PARAMETERS);
    if (sscanf(line + used, "%lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3]) != 4)
        return refuse(r, "b%d needs four numbers: two starts, the certified value and its standard deviation", number);
    r->out->start[0][number - 1] = v[0];
    r->out->start[1][number - 1] = v[1];
    r->out->certified[number - 1] = v[2];
    r->out->parameters = number;
    return true;
}

static bool head(reader *r, const char *line)
{
    dat *d = r->out;
    const char *rest, *level = strstr(line, "Level of Difficulty");
    if (level)
        return sscanf(line, " %15s", d->difficulty) == 1;
    if ((rest = behind(line, "Dataset Name:")))
        return sscanf(rest, " %31s", d->name) == 1 || refuse(r, "'Dataset Name:' has no name behind it");
    if ((rest = behind(line, "Residual Sum of Squares:")))
        return sscanf(rest, " %lf", &d->squares) == 1 || refuse(r, "'Residual Sum of Squares:' has no number behind it");
    if ((rest = behind(line, "Number of Observations:")))
        return (sscanf(rest, " %d", &d->observations) == 1 && d->observations > 0) ||
               refuse(r, "'Number of Observations:' has no positive number behind it");
    return parameter(r, line);
}

/* "Data:  y  x": the names of the columns. */
static bool columns(reader *r, const char *names)
{
    dat *d = r->out;
    int used = 0;
    for (; d->columns < DAT_COLUMNS && sscanf(names, " %7s%n", d->column[d->columns], &used) == 1; names += used)
        d->columns++;
    if (d->columns < 2)
        return refuse(r, "'Data:' names %d columns, and a response and a predictor are needed", d->columns);
    if (!d->parameters || !d->observations)
        return refuse(r, "the data come before the %s", d->parameters ? "number of observations" : "parameters");
    for (int c = 0; c < d->columns; c++) {
        d->data[c] = malloc((size_t)d->observations * sizeof(double));
        if (!d->data[c])
            return refuse(r, "no memory for %d observations", d->observations);
    }
    return true;
}

static bool row(reader *r, const char *line)
{
    dat *d = r->out;
    if (line[strspn(line, " \t\r\n")] == '\0')
        return true;
    if (r->rows == d->observations)
        return refuse(r, "more rows than the %d observations that the file states", d->observations);
    for (int c = 0; c < d->columns; c++) {
        char *end;
        d->data[c][r->rows] = strtod(line, &end);
        if (end == line)
            return refuse(r, "row %d has no number for '%s'", r->rows + 1, d->column[c]);
        line = end;
    }
    r->rows++;
    return true;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static bool take(reader *r, const char *line)
{
    const char *names = behind(line, "Data:");
    if (names && ++r->data_marks == 2)
        return columns(r, names);
    return r->data_marks >= 2 ? row(r, line) : head(r, line);
}

static bool whole(reader *r)
{
    dat *d = r->out;
    r->line = 0;
    if (!d->name[0])
        return refuse(r, "no line 'Dataset Name:', so this is none of NIST's files");
    if (r->data_marks < 2)
        return refuse(r, "the file ends before the data");
    if (r->rows < d->observations)
        return refuse(r, "%d rows of data, and the file states %d observations", r->rows, d->observations);
    return true;
}

bool dat_read(const char *path, dat *out, char *error, size_t room)
{
    reader r = {.path = path, .out = out, .error = error, .room = room};
    memset(out, 0, sizeof *out);
    FILE *file = fopen(path, "r");
    if (!file)
        return refuse(&r, "cannot be opened");
    char line[512];
    bool good = true;
    while (good && fgets(line, sizeof line, file)) {
        r.line++;
        good = take(&r, line);
    }
    good = good && (!ferror(file) || refuse(&r, "cannot be read to its end"));
    fclose(file);
    return good && whole(&r);
}

void dat_free(dat *problem)
{
    for (int c = 0; c < DAT_COLUMNS; c++)
        free(problem->data[c]);
    memset(problem, 0, sizeof *problem);
}
