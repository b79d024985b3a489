"""Which layers of a network commute with shifts of the image, and what are their derivatives?

    python sweeps/layer_theory.py                                     # no data, nothing trained: half a minute
    python sweeps/layer_theory.py --builtin                           # the same
    python sweeps/layer_theory.py --set layer=convolution,strided_cnn # some of the layers

Each claim is an experiment: f(S x) = S' f(x) is tried for every unit impulse, for Gaussian images and for every shift,
under circular padding and under zeros beyond the border. Jacobians that were derived by hand are compared with
automatic differentiation.

Found: under circular padding all layers but biases by position and fully-connected ones commute with shifts by
multiples of their stride. Under zero padding pointwise layers and pooling do, and the rest fail at the border: a
constant bias where zeros enter, a strided network even at multiples of its stride.
docs/results/layer_theory.md has the tables, hardware and cost.
"""

from sweeps.engine import Sweep, main
from trainables.layer_theory import BORDERS, LayerTheory
from trainables.theory.layers import LAYERS

SWEEP = Sweep(
    LayerTheory,
    factors={"layer": list(LAYERS), "border": list(BORDERS)},
    space={},
    select="min val_violation",
    smoke={"layer": ["convolution", "strided_convolution", "cnn_global"]},
    samples=1,
    search_seeds=1,
)

if __name__ == "__main__":
    main(SWEEP)
