#!/usr/bin/env python3
"""Writes the small .npy files of tests/data/npy with NumPy. Run it with /usr/bin/python3 (Debian: python3-numpy)."""
import os
import numpy as np

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "npy")
os.makedirs(folder, exist_ok=True)


def save(name, array, version=(1, 0)):
    with open(os.path.join(folder, name + ".npy"), "wb") as file:
        np.lib.format.write_array(file, array, version=version)


special = [0.0, -0.0, 1.0, -2.5, 0.1, np.inf, -np.inf, np.nan]
for order, word in (("<", "little"), (">", "big")):
    save(f"f4_{word}", np.array(special + [1e-45, 3.4028235e38], order + "f4"))
    save(f"f8_{word}", np.array(special + [5e-324, 1.7976931348623157e308], order + "f8"))
    save(f"f2_{word}", np.array(special + [6e-8, 65504], order + "f2"))
    for bits in (16, 32, 64):
        save(f"i{bits // 8}_{word}", np.array([0, 1, -1, -2 ** (bits - 1), 2 ** (bits - 1) - 1], order + f"i{bits // 8}"))
    save(f"u2_{word}", np.array([0, 1, 65535], order + "u2"))
    save(f"u4_{word}", np.array([0, 1, 4294967295], order + "u4"))
save("i1", np.array([0, 1, -1, -128, 127], "i1"))
save("u1", np.array([0, 1, 255], "u1"))
save("b1", np.array([True, False, True]))
save("scalar", np.array(2.5))
save("empty", np.zeros((2, 0, 3), "f4"))
save("cube_c", np.arange(24, dtype="f4").reshape(2, 3, 4))
save("cube_fortran", np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
save("matrix_fortran_big", np.asfortranarray(np.arange(6, dtype=">i8").reshape(2, 3)))
save("version2", np.array([1.5, 2.5]), (2, 0))
save("version3", np.array([1.5, 2.5]), (3, 0))
# What no tensor holds.
save("u8", np.array([1], "u8"))
save("complex", np.array([1 + 2j]))
save("text", np.array(["a", "bc"]))
save("date", np.array(["2017-12-20"], "M8[D]"))
save("fields", np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]))
save("nine", np.zeros((1,) * 9))
