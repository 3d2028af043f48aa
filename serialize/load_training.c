/*
 * serialize/load_training.c - the "training" section: how far a run has come, and the state of its optimiser.
 *
 * States become variables that are not trainable; train/ finds them by name and rebuilds the nodes that update them. All of the section
 * is checked here, so that a file that loads can be trained on.
 */
#include "serialize/json.h"
#include "serialize/training.h"
#include <keisan/run.h>

#include <stdio.h>
#include <string.h>

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* " (did you mean 'x'?)" for a name of the graph. */
static const char *near(ks_graph *g, const char *name, char guess[KS__GUESS_BYTES])
{
    const char *words[2] = {ks__name_near(g, name), NULL};
    return ks__json_guess(name, words, guess);
}

static bool load_loss(ks__json *doc, const ks__spot *spot, const cJSON *item)
{
    char shown[KS__SHOWN_BYTES], guess[KS__GUESS_BYTES];
    ks_graph *g = doc->g;
    const char *name = ks__json_text(doc, spot, item);
    if (!name)
        return false;
    if (!ks_output_find(g, name) && !ks_find(g, name))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "no output or node named '%s'%s", ks__json_shown(name, shown),
                             near(g, name, guess));
    g->training->loss = ks__text_copy(g, name);
    return g->training->loss != NULL;
}

/* ---- the optimiser ------------------------------------------------------------------------------------- */

static bool load_kind(ks__json *doc, const ks__spot *spot, const cJSON *optimizer)
{
    char shown[KS__SHOWN_BYTES + 16], guess[KS__GUESS_BYTES];
    const cJSON *item = member(optimizer, "kind");
    ks__spot at = {spot, "kind", 0};
    if (!cJSON_IsObject(optimizer))
        return ks__json_fail(doc, spot, optimizer, KS_BAD_FILE,
                             "an optimizer is an object such as {\"kind\": \"adam\", \"rate\": 0.001}, not %s",
                             ks__json_what(doc, optimizer, shown));
    if (!item)
        return ks__json_fail(doc, spot, optimizer, KS_BAD_FILE, "'kind' is missing: there are %s", ks__training_kinds());
    const char *kind = ks__json_text(doc, &at, item);
    if (!kind)
        return false;
    if (!ks__training_kind(kind))
        return ks__json_fail(doc, &at, item, KS_BAD_FILE, "'%s' is no optimizer%s: there are %s", ks__json_shown(kind, shown),
                             ks__json_guess(kind, ks__training_words, guess), ks__training_kinds());
    doc->g->training->kind = ks__text_copy(doc->g, kind);
    return doc->g->training->kind != NULL;
}

static bool load_optimizer(ks__json *doc, const ks__spot *spot, const cJSON *optimizer)
{
    ks__training *t = doc->g->training;
    char shown[KS__SHOWN_BYTES];
    if (!load_kind(doc, spot, optimizer))
        return false;
    for (const cJSON *item = optimizer->child; item; item = item->next) {
        ks__spot at = {spot, item->string, 0};
        double value;
        if (!strcmp(item->string, "kind"))
            continue;
        if (!ks__training_field_of(t->kind, item->string))
            return ks__json_fail(doc, spot, item, KS_BAD_FILE, "unknown key '%s': %s has kind, %s", ks__json_shown(item->string, shown),
                                 t->kind, ks__training_fields(t->kind));
        if (!ks__json_f64(doc, &at, item, &value))
            return false;
        if (!(value >= 0 && value <= 1e300))
            return ks__json_fail(doc, &at, item, KS_BAD_FILE, "%s is a finite number from 0 on", item->string);
        char *name = ks__text_copy(doc->g, item->string);
        if (!name)
            return false;
        t->fields[t->field_count++] = (ks__training_field){name, value};
    }
    return true;
}

/* ---- the states ---------------------------------------------------------------------------------------- */

/* A value with a dtype of its own, of what belongs to no variable: {"dtype": "i64", "value": 500}. */
static bool own_dtype(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype *dtype, const cJSON **value)
{
    static const char *const keys[] = {"dtype", "value", NULL};
    ks__spot at = {spot, "dtype", 0};
    *value = member(item, "value");
    if (!cJSON_IsObject(item) || !*value)
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "an object such as {\"dtype\": \"f64\", \"value\": 500} was expected");
    return ks__json_keys(doc, spot, item, keys, "a state of the optimizer") &&
           ks__load_dtype(doc, &at, member(item, "dtype"), KS_F32, dtype);
}

static ks_node *make_state(ks__json *doc, const ks__spot *spot, const cJSON *item, const ks_node *variable, const char *name)
{
    ks_graph *g = doc->g;
    ks_dtype dtype = variable ? (ks_dtype)variable->dtype : KS_F32;
    ks_shape shape = variable ? variable->dims->shape : KS_SCALAR;
    ks__spot at_value = {spot, "value", 0};
    const cJSON *value = item;
    size_t bytes;
    if (!variable && !own_dtype(doc, spot, item, &dtype, &value))
        return NULL;
    void *data = ks__load_value(doc, variable ? spot : &at_value, value, dtype, &shape, &bytes);
    if (!data)
        return NULL;
    ks__json_begin(doc, spot, item, name);
    ks_node *state = ks_state_at(g->composing_at, g, name, dtype, shape, KS_ZEROS);
    if (state && !ks_set(state, dtype, data))
        state = NULL;
    ks__json_end(doc);
    ks__put(g, data, bytes);
    return state;
}

static bool load_slot(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_node *variable)
{
    ks_graph *g = doc->g;
    ks__training *t = g->training;
    char name[KS__STATE_NAME], shown[KS__SHOWN_BYTES];
    if (!ks__training_state_name(variable ? ks_name(variable) : "", t->kind, item->string, name))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "'%s' makes no name for a state: use few letters, digits and _.:/-",
                             ks__json_shown(item->string, shown));
    ks_node *known = ks_find(g, name);
    if (known && known->aside->given && (!ks_is_variable(known) || ks_is_trainable(known)))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "the state's name '%s' is taken by a %s%s", name,
                             ks_is_variable(known) ? "trainable " : "", known->op->name);
    ks_node *state = make_state(doc, spot, item, variable, name);
    char *slot = state ? ks__text_copy(g, item->string) : NULL;
    if (!slot)
        return false;
    int i = 0;
    while (t->states[i].slot)
        i++;
    t->states[i] = (ks__training_state){variable, slot, state};
    return true;
}

static bool load_slots(ks__json *doc, const ks__spot *spot, const cJSON *slots)
{
    char shown[KS__SHOWN_BYTES + 16], guess[KS__GUESS_BYTES];
    const char *name = slots->string;
    ks_node *variable = *name ? ks_find(doc->g, name) : NULL;
    if (*name && !variable)
        return ks__json_fail(doc, spot, slots, KS_BAD_FILE, "no variable named '%s'%s", ks__json_shown(name, shown),
                             near(doc->g, name, guess));
    if (*name && !ks_is_variable(variable))
        return ks__json_fail(doc, spot, slots, KS_BAD_FILE, "'%s' is a %s: only variables have state", ks__json_shown(name, shown),
                             variable->op->name);
    if (!cJSON_IsObject(slots))
        return ks__json_fail(doc, spot, slots, KS_BAD_FILE, "a variable's state is an object such as {\"m\": [0, 0]}, not %s",
                             ks__json_what(doc, slots, shown));
    for (const cJSON *item = slots->child; item; item = item->next) {
        ks__spot at = {spot, item->string, 0};
        if (!load_slot(doc, &at, item, variable))
            return false;
    }
    return true;
}

static bool load_states(ks__json *doc, const ks__spot *spot, const cJSON *state)
{
    ks__training *t = doc->g->training;
    char shown[KS__SHOWN_BYTES + 16];
    size_t count = 0;
    if (!cJSON_IsObject(state))
        return ks__json_fail(doc, spot, state, KS_BAD_FILE, "the state is an object, a key a variable, not %s",
                             ks__json_what(doc, state, shown));
    for (const cJSON *slots = state->child; slots; slots = slots->next)
        count += cJSON_IsObject(slots) ? (size_t)cJSON_GetArraySize(slots) : 0;
    if (count) {
        t->states = ks__get(doc->g, count * sizeof *t->states);
        if (!t->states)
            return false;
        memset(t->states, 0, count * sizeof *t->states);
        t->state_count = (int)count;
    }
    for (const cJSON *slots = state->child; slots; slots = slots->next) {
        ks__spot at = {spot, slots->string, 0};
        if (!load_slots(doc, &at, slots))
            return false;
    }
    return true;
}

/* ---- the section --------------------------------------------------------------------------------------- */

static bool count_in(ks__json *doc, const ks__spot *spot, const cJSON *section, const char *key, uint64_t *value)
{
    const cJSON *item = member(section, key);
    ks__spot at = {spot, key, 0};
    return !item || ks__json_u64(doc, &at, item, value);
}

bool ks__load_training(ks__json *doc, const ks__spot *spot, const cJSON *item)
{
    static const char *const keys[] = {"loss", "step", "random_step", "epoch", "row", "optimizer", "state", NULL};
    static const struct {
        const char *key, *mend;
    } needed[] = {{"loss", "it names the output that is made smaller"}, {"optimizer", "write {\"kind\": \"sgd\"}, say"}};
    ks_graph *g = doc->g;
    ks__spot at_loss = {spot, "loss", 0}, at_row = {spot, "row", 0}, at_optimizer = {spot, "optimizer", 0}, at_state = {spot, "state", 0};
    char shown[KS__SHOWN_BYTES + 16];
    if (!cJSON_IsObject(item))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "training is an object, not %s", ks__json_what(doc, item, shown));
    if (!ks__json_keys(doc, spot, item, keys, "training"))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!member(item, needed[i].key))
            return ks__json_fail(doc, spot, item, KS_BAD_FILE, "'%s' is missing: %s", needed[i].key, needed[i].mend);
    }
    ks__training *t = g->training = ks__small(g, sizeof *t);
    if (!t)
        return false;
    g->training_free = ks__training_free;
    const cJSON *row = member(item, "row"), *state = member(item, "state");
    if (!count_in(doc, spot, item, "step", &t->step))
        return false;
    t->random_step = t->step;
    if (!count_in(doc, spot, item, "random_step", &t->random_step) || !count_in(doc, spot, item, "epoch", &t->epoch))
        return false;
    ks_set_step_number(g, t->random_step);
    return (!row || ks__json_i64(doc, &at_row, row, 0, INT64_MAX, &t->row)) && load_loss(doc, &at_loss, member(item, "loss")) &&
           load_optimizer(doc, &at_optimizer, member(item, "optimizer")) && (!state || load_states(doc, &at_state, state));
}
