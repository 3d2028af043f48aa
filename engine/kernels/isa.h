/*
 * isa.h - which instruction set a kernel is compiled for and which one runs.
 *
 * A kernel is written once, as an always-inlined body; KS_TARGETS compiles that body once for each level of
 * x86-64 and KS_PICK lists the results, so that choosing an instruction set is indexing an array. The
 * compiler does the vectorising. On other processors every entry is the plain one.
 */
#ifndef KS_KERNELS_ISA_H
#define KS_KERNELS_ISA_H

/* The levels of the x86-64 psABI: V2 is SSE 4.2, V3 is AVX2 with fused multiply-add, V4 is AVX-512. */
typedef enum ks_isa { KS_ISA_PLAIN, KS_ISA_V2, KS_ISA_V3, KS_ISA_V4, KS_ISAS } ks_isa;

/* The best one that this processor and operating system run. Asks the processor; keeps nothing. */
ks_isa ks__isa_best(void);

/* "plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"; "?" for what is none. Static text. */
const char *ks__isa_name(ks_isa isa);

/* The one of that name; KS_ISAS when there is none. */
ks_isa ks__isa_named(const char *name);

#define KS_INLINE inline __attribute__((always_inline))

/*
 * Before a loop whose iterations are independent, though the compiler can't see it: the output may be the very
 * array of an input, but never overlaps it at an offset.
 */
#if defined(__clang__)
#define KS_LOOP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define KS_LOOP _Pragma("GCC ivdep")
#else
#define KS_LOOP
#endif

/*
 * KS_TARGETS(RET, NAME, PARAMS, ARGS): from `static KS_INLINE RET NAME##_body PARAMS`, the static functions
 * NAME##_plain, NAME##_v2, NAME##_v3 and NAME##_v4, each calling NAME##_body ARGS. RET is void, or else
 * KS_TARGETS_RETURN is the one to use. KS_PICK(NAME): the initialiser of an array of them, indexed by ks_isa.
 */
#define KS_TARGETS(RET, NAME, PARAMS, ARGS)        KS__TARGETS(RET, NAME, PARAMS, NAME##_body ARGS)
#define KS_TARGETS_RETURN(RET, NAME, PARAMS, ARGS) KS__TARGETS(RET, NAME, PARAMS, return NAME##_body ARGS)

#if defined(__x86_64__) && defined(__GNUC__)

#define KS_TARGET_V2 __attribute__((target("arch=x86-64-v2")))
#define KS_TARGET_V3 __attribute__((target("arch=x86-64-v3")))
#if defined(__clang__)
/* Vectors of 256 bits with AVX-512's masks: clang 14 has no way to ask one function for wider ones. */
#define KS_TARGET_V4 __attribute__((target("arch=x86-64-v4")))
#else
/* Left to itself gcc stays at 256 bits for this level. */
#define KS_TARGET_V4 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#endif

#define KS__TARGETS(RET, NAME, PARAMS, CALL)                                                                                               \
    static RET NAME##_plain PARAMS                                                                                                         \
    {                                                                                                                                      \
        CALL;                                                                                                                              \
    }                                                                                                                                      \
    KS_TARGET_V2 static RET NAME##_v2 PARAMS                                                                                               \
    {                                                                                                                                      \
        CALL;                                                                                                                              \
    }                                                                                                                                      \
    KS_TARGET_V3 static RET NAME##_v3 PARAMS                                                                                               \
    {                                                                                                                                      \
        CALL;                                                                                                                              \
    }                                                                                                                                      \
    KS_TARGET_V4 static RET NAME##_v4 PARAMS                                                                                               \
    {                                                                                                                                      \
        CALL;                                                                                                                              \
    }
#define KS_PICK(NAME)                                                                                                                      \
    {                                                                                                                                      \
        NAME##_plain, NAME##_v2, NAME##_v3, NAME##_v4                                                                                      \
    }

#else

#define KS__TARGETS(RET, NAME, PARAMS, CALL)                                                                                               \
    static RET NAME##_plain PARAMS                                                                                                         \
    {                                                                                                                                      \
        CALL;                                                                                                                              \
    }
#define KS_PICK(NAME)                                                                                                                      \
    {                                                                                                                                      \
        NAME##_plain, NAME##_plain, NAME##_plain, NAME##_plain                                                                             \
    }

#endif

#endif
