/*
 * engine/fuse_scalars.c - codes steps over single elements as a scalar program.
 *
 * The program works in a file of 8-byte places: values from outside are copied in at its start and keep their place, the others give
 * theirs on after their last reader, and what someone else needs is copied out at the end.
 */
#include "engine/fuse.h"

typedef struct coding {
    ks__step *step;
    uint32_t *place, *last_use; /* [plan->count] offset in the file, KS__NONE: none yet */
    uint32_t *free, free_count, slots;
    uint32_t *placed, placed_count; /* locals whose place is to be forgotten afterwards */
} coding;

static uint32_t new_slot(coding *c)
{
    return c->free_count ? c->free[--c->free_count] : c->slots++ * 8;
}

/* The local whose place input k is read from: through a view to what the same program made. */
static uint32_t read_from(const ks__plan *plan, const ks__local *local, uint32_t k)
{
    uint32_t i = local->inputs[k], root = plan->locals[i].memory;
    return plan->locals[root].role == KS__ROLE_MADE && plan->locals[root].step == local->step ? root : i;
}

/* The place of number i read as the dtype; KS__NONE if it has none yet. For numbers `place` is the latest of their copies: one that is
 * read as two dtypes has two. */
static uint32_t number_place(const coding *c, uint32_t i, ks_dtype dtype)
{
    const ks__scalar_copy *in = c->step->u.scalars.in;
    if (c->place[i] == KS__NONE)
        return KS__NONE;
    if (in[c->place[i]].dtype == (uint8_t)dtype)
        return in[c->place[i]].at;
    for (uint32_t n = 0; n < c->step->u.scalars.in_count; n++) {
        if (in[n].local == i && in[n].dtype == (uint8_t)dtype)
            return in[n].at;
    }
    return KS__NONE;
}

static uint32_t read_place(ks__plan *plan, coding *c, const ks__local *local, uint32_t k)
{
    uint32_t i = read_from(plan, local, k);
    bool number = plan->locals[i].role == KS__ROLE_NUMBER;
    ks_dtype dtype = ks__input_dtype(local->node, k);
    uint32_t known = number ? number_place(c, i, dtype) : c->place[i];
    if (known != KS__NONE)
        return known;
    uint32_t at = c->slots++ * 8; /* values from outside keep their place for the whole program */
    c->place[i] = number ? c->step->u.scalars.in_count : at;
    c->placed[c->placed_count++] = i;
    c->step->u.scalars.in[c->step->u.scalars.in_count++] =
        (ks__scalar_copy){.local = i, .at = at, .size = (uint8_t)ks_dtype_size(dtype), .dtype = (uint8_t)dtype};
    return at;
}

/* Gives back the places that are read here for the last time. */
static void free_places(ks__plan *plan, coding *c, const ks__local *local, uint32_t order)
{
    for (uint32_t k = 0; k < local->n; k++) {
        uint32_t j = read_from(plan, local, k);
        const ks__local *input = &plan->locals[j];
        if (input->role == KS__ROLE_MADE && input->step == local->step && input->inside && c->last_use[j] == order) {
            c->free[c->free_count++] = c->place[j];
            c->last_use[j] = KS__NONE;
        }
    }
}

static ks__scalar_op *code_scalar(ks_graph *g, ks__plan *plan, coding *c, uint32_t i, uint32_t order, ks__scalar_op *op)
{
    ks__local *local = &plan->locals[i];
    ks__step *step = c->step;
    uint32_t in[KS__MOST_FOLDED] = {0}, n = 0;
    for (uint32_t k = 0; k < local->n; k++) {
        if (ks__reads(local, k))
            in[n++] = read_place(plan, c, local, k);
    }
    bool over = ks__weight(local) == 1; /* the result may take the place of an input */
    if (over)
        free_places(plan, c, local, order);
    uint32_t out = new_slot(c);
    if (!over)
        free_places(plan, c, local, order);
    c->place[i] = out;
    c->placed[c->placed_count++] = i;
    *op = (ks__scalar_op){.fn = ks__scalar_fn_of(g, local->tile), .out = out, .a = in[0], .b = in[1]};
    if (over && (n > 2 || local->node->op->attrs_size)) {
        step->u.scalars.rare[step->u.scalars.rare_count++] = (ks__scalar_rare){ks__attrs(local->node), i, in[2]};
        op->rare = step->u.scalars.rare_count;
    }
    for (uint32_t k = 2; !over && k < n; k++, op++)
        op[1] = (ks__scalar_op){.fn = op->fn, .out = out, .a = out, .b = in[k]};
    if (!local->inside)
        step->u.scalars.out[step->u.scalars.out_count++] =
            (ks__scalar_copy){.local = i, .at = out, .size = (uint8_t)ks_dtype_size((ks_dtype)local->dtype), .dtype = local->dtype};
    return op + 1;
}

bool ks__fuse_scalars(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s)
{
    coding state = {.place = m->place, .last_use = m->last_use}, *c = &state;
    ks__step *step = &plan->steps[s];
    uint32_t members = 0, kernels = 0, inputs = 0, rare = 0, out = 0;
    for (uint32_t i = m->first[s]; i != KS__NONE; i = m->next[i], members++) {
        const ks__local *local = &plan->locals[i];
        for (uint32_t k = 0; k < local->n; k++) {
            uint32_t from = read_from(plan, local, k);
            c->last_use[from] = members;
            inputs += plan->locals[from].step != s || plan->locals[from].role != KS__ROLE_MADE;
        }
        kernels += ks__weight(local);
        rare += local->n > 2 || local->node->op->attrs_size;
        out += !local->inside;
    }
    step->kind = KS__STEP_SCALARS;
    step->count = kernels;
    step->u.scalars.ops = ks__plan_raw(g, plan, kernels * sizeof *step->u.scalars.ops);
    step->u.scalars.rare = ks__plan_raw(g, plan, (rare + 1) * sizeof *step->u.scalars.rare);
    step->u.scalars.in = ks__plan_raw(g, plan, (inputs + 1) * sizeof *step->u.scalars.in);
    step->u.scalars.out = ks__plan_raw(g, plan, (out + 1) * sizeof *step->u.scalars.out);
    step->u.scalars.in_count = step->u.scalars.out_count = step->u.scalars.rare_count = 0;
    size_t room = ((size_t)members + inputs + 1) * sizeof *c->free;
    c->free = ks__get(g, room);
    c->placed = ks__get(g, room);
    c->step = step;
    bool good = step->u.scalars.ops && step->u.scalars.rare && step->u.scalars.in && step->u.scalars.out && c->free && c->placed;
    uint32_t order = 0;
    ks__scalar_op *op = step->u.scalars.ops;
    for (uint32_t i = m->first[s]; good && i != KS__NONE; i = m->next[i])
        op = code_scalar(g, plan, c, i, order++, op);
    for (uint32_t k = 0; k < c->placed_count; k++)
        c->place[c->placed[k]] = KS__NONE;
    ks__put(g, c->free, room);
    ks__put(g, c->placed, room);
    step->u.scalars.slots = c->slots;
    return good;
}
