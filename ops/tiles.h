/*
 * ops/tiles.h - tables of elementwise kernels, one entry a dtype, from one expression in a, b and c (engine/kernels/tile.h).
 *
 * KS__FLOATS1(sqrt, sqrtf(a), sqrt(a)) defines sqrt_tiles for f32 and f64. KS__NUMBERS2(add, a + b) defines add_tiles for f32, f64,
 * i32, i64 and u8, where whole numbers are computed without a sign, so that they wrap; KS__ORDERED2 has signed ones, for comparing.
 */
#ifndef KS_OPS_TILES_H
#define KS_OPS_TILES_H

#include "ops/family.h"
#include "engine/kernels/tile.h"
#include "engine/kernels/vmath.h"

/* KS_TILE1 and its like also define a struct of their own, which the tables here don't need. */
#pragma GCC diagnostic ignored "-Wunused-const-variable"

#define KS__TILE(NAME)                                                                                                                     \
    {                                                                                                                                      \
        KS_PICK(NAME##_loop), KS_PICK(NAME##_one)                                                                                          \
    }

#define KS__FLOAT_TABLE(NAME)                                                                                                              \
    static const ks_tile NAME##_tiles[KS_DTYPES] = {[KS_F32] = KS__TILE(NAME##_f32), [KS_F64] = KS__TILE(NAME##_f64)};

#define KS__NUMBER_TABLE(NAME)                                                                                                             \
    static const ks_tile NAME##_tiles[KS_DTYPES] = {[KS_F32] = KS__TILE(NAME##_f32),                                                       \
                                                    [KS_F64] = KS__TILE(NAME##_f64),                                                       \
                                                    [KS_I32] = KS__TILE(NAME##_i32),                                                       \
                                                    [KS_I64] = KS__TILE(NAME##_i64),                                                       \
                                                    [KS_U8] = KS__TILE(NAME##_u8)};

#define KS__FULL_TABLE(NAME)                                                                                                               \
    static const ks_tile NAME##_tiles[KS_DTYPES] = {                                                                                       \
        [KS_F32] = KS__TILE(NAME##_f32), [KS_F64] = KS__TILE(NAME##_f64), [KS_I32] = KS__TILE(NAME##_i32),                                 \
        [KS_I64] = KS__TILE(NAME##_i64), [KS_U8] = KS__TILE(NAME##_u8),   [KS_BOOL] = KS__TILE(NAME##_u8)};

#define KS__FLOATS1(NAME, IN_F32, IN_F64)                                                                                                  \
    KS_TILE1(NAME##_f32, float, float, IN_F32)                                                                                             \
    KS_TILE1(NAME##_f64, double, double, IN_F64)                                                                                           \
    KS__FLOAT_TABLE(NAME)

#define KS__FLOATS2(NAME, IN_F32, IN_F64)                                                                                                  \
    KS_TILE2(NAME##_f32, float, float, float, IN_F32)                                                                                      \
    KS_TILE2(NAME##_f64, double, double, double, IN_F64)                                                                                   \
    KS__FLOAT_TABLE(NAME)

#define KS__TILES1(NAME, I32, I64, ...)                                                                                                    \
    KS_TILE1(NAME##_f32, float, float, __VA_ARGS__)                                                                                        \
    KS_TILE1(NAME##_f64, double, double, __VA_ARGS__)                                                                                      \
    KS_TILE1(NAME##_i32, I32, I32, __VA_ARGS__)                                                                                            \
    KS_TILE1(NAME##_i64, I64, I64, __VA_ARGS__)                                                                                            \
    KS_TILE1(NAME##_u8, uint8_t, uint8_t, __VA_ARGS__)

#define KS__TILES2(NAME, I32, I64, ...)                                                                                                    \
    KS_TILE2(NAME##_f32, float, float, float, __VA_ARGS__)                                                                                 \
    KS_TILE2(NAME##_f64, double, double, double, __VA_ARGS__)                                                                              \
    KS_TILE2(NAME##_i32, I32, I32, I32, __VA_ARGS__)                                                                                       \
    KS_TILE2(NAME##_i64, I64, I64, I64, __VA_ARGS__)                                                                                       \
    KS_TILE2(NAME##_u8, uint8_t, uint8_t, uint8_t, __VA_ARGS__)

#define KS__NUMBERS1(NAME, ...)                                                                                                            \
    KS__TILES1(NAME, uint32_t, uint64_t, __VA_ARGS__)                                                                                      \
    KS__NUMBER_TABLE(NAME)

#define KS__NUMBERS2(NAME, ...)                                                                                                            \
    KS__TILES2(NAME, uint32_t, uint64_t, __VA_ARGS__)                                                                                      \
    KS__NUMBER_TABLE(NAME)

#define KS__ORDERED2(NAME, ...)                                                                                                            \
    KS__TILES2(NAME, int32_t, int64_t, __VA_ARGS__)                                                                                        \
    KS__NUMBER_TABLE(NAME)

/* All dtypes; a bool is a byte that is 0 or 1. */
#define KS__COPIES1(NAME)                                                                                                                  \
    KS__TILES1(NAME, int32_t, int64_t, a)                                                                                                  \
    KS__FULL_TABLE(NAME)

/* The builders of what has no attributes. */
#define KS__BUILDER1(NAME)                                                                                                                 \
    ks_node *ks_##NAME##_at(ks_place at, ks_node *x)                                                                                       \
    {                                                                                                                                      \
        return ks__apply1(at, &ks__op_##NAME, x, NULL);                                                                                    \
    }

#define KS__BUILDER2(NAME)                                                                                                                 \
    ks_node *ks_##NAME##_at(ks_place at, ks_node *a, ks_node *b)                                                                           \
    {                                                                                                                                      \
        return ks__apply2(at, &ks__op_##NAME, a, b, NULL);                                                                                 \
    }

#endif
