"""Which rules of play reach the stationary point of the game V(d, g) = d g, and how fast?

    python sweeps/gan_dynamics.py                                        # no data, nothing trained: two minutes
    python sweeps/gan_dynamics.py --builtin                              # the same
    python sweeps/gan_dynamics.py --set rule=simultaneous alpha=0.1,1    # the rule that the question begins with
    python sweeps/gan_dynamics.py --set rule=r1,consensus gamma=0.5,1,4  # other weights of the penalty

The discriminator d raises V, the generator g lowers it, both by steps of size α along their gradients. How the distance
from (0, 0) grows or shrinks is measured on trajectories and predicted from the eigenvalues of the step's Jacobian.

Found: it has not been run yet.
docs/results/gan_dynamics.md has the tables, hardware and cost.
"""

from sweeps.engine import Sweep, main
from trainables.gan.dynamics.catalogue import RULES
from trainables.gan_dynamics import GanDynamics

SWEEP = Sweep(
    GanDynamics,
    factors={"rule": list(RULES), "alpha": [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 1.0, 2.0]},
    space={},
    fixed={"gamma": 1.0, "beta": -0.5, "trajectories": 10_000, "steps": 10_000},
    select="min val_gap",
    report=("predicted", "measured"),
    smoke={"rule": ["simultaneous", "extragradient"], "alpha": [0.1, 1.0], "trajectories": 100, "steps": 1000},
    samples=1,
    search_seeds=1,
)

if __name__ == "__main__":
    main(SWEEP)
