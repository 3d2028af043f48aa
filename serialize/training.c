/*
 * serialize/training.c - the words of the "training" section: kinds of optimisers and their fields, names of states.
 */
#include "serialize/training.h"

#include <stdio.h>
#include <string.h>

#define ALL ", weight_decay, clip_norm, clip_value"

static const struct {
    const char *kind, *fields;
} kinds[] = {
    {"sgd", "rate" ALL},
    {"momentum", "rate, momentum" ALL},
    {"nesterov", "rate, momentum" ALL},
    {"adagrad", "rate, epsilon" ALL},
    {"rmsprop", "rate, rho, epsilon" ALL},
    {"adadelta", "rate, rho, epsilon" ALL},
    {"adam", "rate, beta1, beta2, epsilon" ALL},
    {"adamw", "rate, beta1, beta2, epsilon" ALL},
};

const char *const ks__training_words[] = {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", NULL};

const char *ks__training_kinds(void)
{
    return "sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw";
}

const char *ks__training_fields(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!strcmp(kinds[i].kind, kind))
            return kinds[i].fields;
    }
    return "";
}

bool ks__training_kind(const char *kind)
{
    return *ks__training_fields(kind) != 0;
}

bool ks__training_field_of(const char *kind, const char *field)
{
    size_t length = strlen(field);
    for (const char *at = ks__training_fields(kind); *at; at += strspn(at, ", ")) {
        size_t word = strcspn(at, ",");
        if (word == length && !memcmp(at, field, length))
            return true;
        at += word;
    }
    return false;
}

bool ks__training_state_name(const char *variable, const char *kind, const char *slot, char name[KS__STATE_NAME])
{
    int length = snprintf(name, KS__STATE_NAME, "%s%s%s/%s", variable, *variable ? "/" : "", kind, slot);
    return length > 0 && length < KS__STATE_NAME && ks__name_valid(name);
}

void ks__training_free(ks_graph *g)
{
    ks__training *t = g->training;
    if (!t)
        return;
    for (int i = 0; i < t->field_count; i++)
        ks__text_put(g, (char *)(uintptr_t)t->fields[i].name);
    for (int i = 0; i < t->state_count; i++)
        ks__text_put(g, (char *)(uintptr_t)t->states[i].slot);
    if (t->states)
        ks__put(g, t->states, (size_t)t->state_count * sizeof *t->states);
    ks__text_put(g, (char *)(uintptr_t)t->loss);
    ks__text_put(g, (char *)(uintptr_t)t->kind);
    ks__small_put(g, t, sizeof *t);
    g->training = NULL;
    g->training_free = NULL;
}
