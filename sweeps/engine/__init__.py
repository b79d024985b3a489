"""The engine between a question and its answer: plan, search, select, confirm, on Ray Tune."""

from trainables.core.startup import importing

with importing():
    from sweeps.engine.cli import main
    from sweeps.engine.interactive import Sweep
    from sweeps.engine.space import choice, integers, loguniform, uniform
    from sweeps.engine.sweep import Variants

__all__ = ["Sweep", "Variants", "choice", "integers", "loguniform", "main", "uniform"]
