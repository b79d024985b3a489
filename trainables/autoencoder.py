"""How small a latent reconstructs digits: autoencoders whose bottleneck is convolutional or fully connected.

The sheet prescribes no config. What is trained, and how, stands in `encoders.autoencoding`; other questions use the
encoders. Baselines are the median image, which of all constants has the least L1, and as many principal components.
"""

from __future__ import annotations

from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig


class Config(AutoencodingConfig):
    """The fields of a trial; all are those of `AutoencodingConfig`."""


class Autoencoder(Autoencoding):
    """A trial of the question."""
