/*
 * isa.c - asks the processor for its instruction set.
 *
 * The compiler's run-time support reads cpuid and checks that the operating system saves the wide registers;
 * here its single features are put together to the levels of the x86-64 psABI.
 */
#include "engine/kernels/isa.h"

#include <string.h>

static const char *const names[KS_ISAS] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};

ks_isa ks__isa_best(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
          __builtin_cpu_supports("popcnt")))
        return KS_ISA_PLAIN;
    if (!(__builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
          __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
        return KS_ISA_V2;
#if !defined(__clang__)
    /* clang 14 has no names for these; every processor with AVX2 and BMI2 has had them. */
    if (!(__builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe")))
        return KS_ISA_V2;
#endif
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return KS_ISA_V3;
    return KS_ISA_V4;
#else
    return KS_ISA_PLAIN;
#endif
}

const char *ks__isa_name(ks_isa isa)
{
    return (unsigned)isa < KS_ISAS ? names[isa] : "?";
}

ks_isa ks__isa_named(const char *name)
{
    for (int i = 0; i < KS_ISAS; i++) {
        if (name && strcmp(name, names[i]) == 0)
            return (ks_isa)i;
    }
    return KS_ISAS;
}
