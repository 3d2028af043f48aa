/*
 * test_schedule.c - learning rates over a run, against those that PyTorch 1.13's torch.optim.lr_scheduler gives an SGD of rate 0.1.
 */
#include "tests/train/valley.h"

/* Of the optimiser at each step, with the schedule applied before. */
static void rates(const char *text, int count, const double *wanted)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_optimizer_named(v.loss, "sgd:rate=0.1");
    ks_schedule s;
    GOOD(ks_schedule_named(&s, o, count, text));
    for (int i = 0; i < count; i++) {
        double y = ks_scalar(v.y);
        GOOD(ks_schedule_apply(&s, o));
        NEAR(ks_optimizer_rate(o), wanted[i], 1e-15);
        GOOD(ks_step(o));
        NEAR(ks_scalar(v.y), y - 2 * y * wanted[i], 1e-14);
    }
    ks_graph_free(g);
}

Test(schedule, a_constant_rate_stays)
{
    rates("constant", 3, (const double[]){.1, .1, .1});
    rates("constant:rate=0.3", 3, (const double[]){.3, .3, .3});
}

/* StepLR(3, 0.5) */
Test(schedule, step_falls_by_a_factor_every_so_many_steps)
{
    rates("step:steps=3,factor=0.5", 8, (const double[]){.1, .1, .1, .05, .05, .05, .025, .025});
}

/* ExponentialLR(0.9) */
Test(schedule, exponential_falls_by_a_factor_every_step)
{
    rates("exponential:factor=0.9", 6, (const double[]){.1, .09, .081, .0729, .06561, .059049});
}

/* CosineAnnealingLR(8, 0.01); from there on it stays, while PyTorch's turns back. */
Test(schedule, cosine_ends_at_the_least_rate)
{
    rates("cosine:steps=8,least=0.01", 10,
          (const double[]){.1, .0965745789630079, .08681980515339463, .07222075445642905, .055, .03777924554357096, .023180194846605363,
                           .013425421036992097, .01, .01});
}

/* SequentialLR of LinearLR(1/5, total_iters=4) and CosineAnnealingLR(6), turning at 4; the length is that of the run. */
Test(schedule, a_warmup_comes_before_the_rest)
{
    rates("cosine:warmup=4", 10, (const double[]){.02, .04, .06, .08, .1, .09330127018922195, .075, .05, .025, .006698729810778065});
    rates("constant:warmup=4", 7, (const double[]){.02, .04, .06, .08, .1, .1, .1});
}

/* OneCycleLR(0.1, total_steps=10) */
Test(schedule, one_cycle_rises_and_falls_far_below_its_beginning)
{
    rates("one_cycle", 10,
          (const double[]){.004, .052, .1, .09504846320134738, .0811745653949763, .06112620219362893, .03887419780637107, .0188258346050237,
                           .004951936798652629, 4e-7});
}

Test(schedule, a_rate_that_follows_one_makes_no_new_plan)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_optimizer_named(v.loss, "adam");
    ks_schedule s;
    GOOD(ks_schedule_named(&s, o, 100, "cosine:warmup=10"));
    GOOD(ks_schedule_apply(&s, o) && ks_step(o));
    uint64_t plans = ks_graph_statistics(g).plans_compiled;
    for (int i = 1; i < 100; i++)
        GOOD(ks_schedule_apply(&s, o) && ks_step(o));
    cr_assert_eq(ks_graph_statistics(g).plans_compiled, plans);
    ks_graph_free(g);
}

Test(schedule, bad_text_is_refused)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_sgd(v.loss, NULL);
    ks_schedule s = {.rate = 7};
    REFUSED(ks_schedule_named(&s, o, 0, "cosin"), KS_BAD_NAME,
            "schedule: there is no 'cosin'; there are constant, step, exponential, cosine, one_cycle");
    REFUSED(ks_schedule_named(&s, o, 0, NULL), KS_BAD_NAME, "schedule: there is no ''");
    REFUSED(ks_schedule_named(&s, o, 0, "cosine"), KS_BAD_ARGUMENT, "schedule 'cosine': steps is missing");
    REFUSED(ks_schedule_named(&s, o, 90, "step"), KS_BAD_ARGUMENT, "schedule 'step': steps is missing");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:factor=1"), KS_BAD_NAME, "there is no 'factor'; there are rate, least, steps, warmup");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:"), KS_BAD_NAME, "there is no ''");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:steps=2.5"), KS_BAD_ARGUMENT, "steps is a whole number from 0 on, as in steps=1000");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:rate"), KS_BAD_ARGUMENT, "rate is a number from 0 on, as in rate=0.1");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:rate=-1"), KS_BAD_ARGUMENT, "rate is a number from 0 on");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:rate=1,rate=2"), KS_BAD_ARGUMENT, "'rate' stands there twice");
    REFUSED(ks_schedule_named(&s, o, 9, "cosine:warmup=9"), KS_BAD_ARGUMENT, "warmup must be less than steps");
    REFUSED(ks_schedule_named(&s, o, 3, "one_cycle"), KS_BAD_ARGUMENT, "it rises and falls in at least 4 steps");
    cr_assert_eq(s.rate, 7, "what was refused changes nothing");
    cr_assert_not(ks_schedule_named(NULL, o, 9, "cosine"));
    cr_assert_not(ks_schedule_named(&s, NULL, 9, "cosine"));
    cr_assert_not(ks_schedule_apply(&s, NULL));
    ks_graph_free(g);
}

/* ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.02) */
Test(schedule, a_rate_falls_on_a_plateau)
{
    static const double losses[] = {5, 4, 4, 4, 4, 3.9999, 3.9999, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4};
    static const double wanted[] = {.1, .1, .1, .1, .05, .05, .05, .05, .05, .05, .025, .025, .025, .02, .02, .02, .02};
    ks_patience patience = {.looks = 2, .threshold = 1e-4};
    double rate = 0.1;
    for (int i = 0; i < 17; i++) {
        if (ks_patience_ends(&patience, losses[i]))
            rate = fmax(rate / 2, 0.02);
        cr_assert_eq(rate, wanted[i], "look %d", i);
    }
}

Test(schedule, a_loss_that_is_no_number_is_never_better)
{
    ks_patience patience = {.looks = 1};
    cr_assert_not(ks_patience_ends(&patience, (double)NAN));
    cr_assert(ks_patience_ends(&patience, (double)NAN));
    cr_assert_not(ks_patience_ends(&patience, -1));
    cr_assert_not(ks_patience_ends(&patience, -1));
    cr_assert(ks_patience_ends(&patience, -1), "as good is not better");
    cr_assert_not(ks_patience_ends(&patience, -2));
    cr_assert_not(ks_patience_ends(NULL, 1));
}
