"""Training a classifier: what it learns, what it leaves to other questions, and its address."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.core.loop import Loop, run
from trainables.data.sources import Sources
from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig
from trainables.encoders.classifying import Classifying, ClassifyingConfig
from trainables.encoders.networks import Architecture, Autoencoder, Classifier, Kind
from trainables.training.trained import trained_network

FIELDS = {
    "data": "digits", "bottleneck": "fc", "latent": 12, "lr": 3e-3, "width": 4, "strides": "2-2-2-2",
    "activation": "relu", "norm": "batch", "epochs": 4, "batch_size": 32, "seed": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def loop(store: Store) -> Loop:
    return run(Classifying, ClassifyingConfig.model_validate(FIELDS), Sources(), store, confirm=True)


def test_it_learns_and_measures_training_images_with_the_network_that_the_epoch_ends_with(loop: Loop) -> None:
    assert loop.status == "done"
    assert loop.rows[-1]["test_accuracy"] > 0.7
    experiment = loop.experiment
    assert isinstance(experiment, Classifying)
    images = experiment.train["data"]
    experiment.model.eval()
    right = (experiment.model(images.x / 255).argmax(1) == images.y).double().mean().item()
    assert loop.rows[-1]["train_accuracy"] == pytest.approx(right, abs=1e-6)


def test_another_question_has_its_encoder_which_gives_latents_that_may_be_negative(loop: Loop, store: Store) -> None:
    sources = Sources()
    asked = trained_network(Classifying, loop.experiment.config)
    assert not asked.problems(sources)
    module = asked.module(tensors(store.get(asked.artifact(sources), sources), torch.device("cpu")), sources)
    assert isinstance(module, Classifier)
    images = loop.experiment.held_out["test"]["data"].x[:200] / 255
    experiment = loop.experiment
    assert isinstance(experiment, Classifying)
    with torch.inference_mode():
        latents = module.encoder(images)
        logits = module(images)
        assert latents.shape == (200, 12)
        assert latents.min() < 0 < latents.max()
        torch.testing.assert_close(module.head(latents), logits)
        torch.testing.assert_close(logits, experiment.model.eval()(images))


@pytest.mark.parametrize("bottleneck", ["conv", "fc"])
def test_the_encoder_of_an_autoencoder_fits_a_classifier_and_gives_the_same_latents(bottleneck: Kind) -> None:
    shape = Architecture(bottleneck, 8, 4, (2, 2, 2, 2), "gelu", "batch")
    images = torch.rand(5, 1, 28, 28)
    giving, taking = Autoencoder(shape).eval(), Classifier(shape, 10).eval()
    taking.encoder.load_state_dict(giving.latent_encoder.state_dict())
    torch.testing.assert_close(taking.encoder(images), giving(images))
    torch.testing.assert_close(giving.latent_decoder(giving(images)), giving.reconstructed(images))
    names = [name for name, _ in taking.named_parameters()]
    assert not [name for name in names if "expand" in name], "a classifier has no way back"


def test_an_artifact_of_the_autoencoder_is_one_whoever_asks(tmp_path: Path) -> None:
    sources = Sources()
    own = trained_network(Autoencoding, AutoencodingConfig.model_validate(FIELDS)).artifact(sources)
    asked = trained_network(Autoencoding, ClassifyingConfig.model_validate(FIELDS)).artifact(sources)
    assert own.address == asked.address
    other = trained_network(Classifying, ClassifyingConfig.model_validate(FIELDS)).artifact(sources)
    assert other.address != own.address
