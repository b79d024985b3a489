"""The linear recurrence that trajectories obey, fitted to them.

Successive values of d and of g obey x[k + n] = c₀ x[k] + … + cₙ₋₁ x[k + n − 1] with the same coefficients for all
trajectories, if the game is linear. The roots of λⁿ = c₀ + … + cₙ₋₁ λⁿ⁻¹ are the eigenvalues that are seen in them
(Prony's method). That needs no knowledge of the rule, nor of what it remembers.
"""

from __future__ import annotations

import numpy as np

EXPLAINED = 1e-11
"""The error of a recurrence, as a share of the values that it relates, up to which it explains them."""


def fitted_roots(windows: np.ndarray) -> np.ndarray:
    """Return the roots of the shortest recurrence that explains `windows` [windows, length, rows], complex.

    Raises ArithmeticError where none does that is shorter than the windows.
    """
    rows = np.moveaxis(windows, 1, -1).reshape(-1, windows.shape[1])  # [windows rows, length]
    triangle = np.asarray(np.linalg.qr(rows, mode="r"))  # has the same least squares for each order, and few rows
    for order in range(1, windows.shape[1]):
        known, wanted = triangle[:, :order], triangle[:, order]
        coefficients = np.linalg.lstsq(known, wanted, rcond=None)[0]
        error = np.linalg.norm(known @ coefficients - wanted)
        if error <= EXPLAINED * np.linalg.norm(triangle[:, : order + 1]):
            return np.roots([1.0, *-coefficients[::-1]]).astype(np.complex128)
    raise ArithmeticError(f"no recurrence of fewer than {windows.shape[1]} values explains the trajectories")
