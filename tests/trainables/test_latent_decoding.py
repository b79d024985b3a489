"""Trials that decode latents: whose encoder it is, that it stays as it is, what is measured, and that they resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from common.problems import Refused
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.few_labels import SWEEP as FEW_LABELS
from sweeps.latent_decoding import SWEEP
from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.core.loop import Loop
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig
from trainables.encoders.classifying import Classifying, ClassifyingConfig
from trainables.encoders.networks import Autoencoder, Classifier, FrozenEncoder
from trainables.few_labels import Config as FewLabels
from trainables.latent_decoding import Config, LatentDecoding
from trainables.training.trained import trained_network

CPU = torch.device("cpu")
SOURCES = Sources()
SHARED = {
    "data": "digits", "bottleneck": "fc", "latent": 8, "width": 4, "strides": "2-2-2-2", "activation": "relu",
    "norm": "batch", "epochs": 3, "batch_size": 64, "seed": 1,
}  # fmt: skip
ENCODERS = SWEEP.factors["encoder"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


def config(encoder: str, **changed: Any) -> Config:
    return Config.model_validate({**SHARED, "encoder": encoder, "encoder_lr": 5e-3, "lr": 3e-3, **changed})


def begun(store: Store, own: AutoencodingConfig, kind: Any = LatentDecoding, folder: Path | None = None) -> Loop:
    """A trial that opens test data, of which no epoch has run."""
    wanted = {**own.artifacts(SOURCES), **own.test_artifacts(SOURCES)}
    given = {name: tensors(store.get(artifact, SOURCES), CPU) for name, artifact in wanted.items()}
    return Loop(kind, Task(own, wanted, phase="confirm", id="t"), SOURCES, given, folder=folder)


def ended(store: Store, own: AutoencodingConfig, kind: Any = LatentDecoding) -> Loop:
    loop = begun(store, own, kind)
    loop.report(1e9)
    return loop


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def without_time(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if name != "joint"])
def test_a_frozen_encoder_stays_byte_for_byte_and_only_the_decoder_learns(store: Store, encoder: str) -> None:
    loop = begun(store, config(encoder))
    model = loop.experiment.model
    assert isinstance(model, FrozenEncoder)
    before, decoder = copied(model.latent_encoder), copied(model.latent_decoder)
    assert any("running_mean" in name for name in before), "running statistics are among what stays"
    given = loop.experiment.networks
    if encoder == "random":
        assert "encoder" not in given
        torch.manual_seed(0)
        assert not same(before, Autoencoder(config(encoder).architecture).latent_encoder.state_dict())
    else:
        network = given["encoder"]
        own = network.encoder if isinstance(network, Classifier) else network.latent_encoder
        assert same(before, own.state_dict())
    loop.report(1e9)
    assert loop.status == "done"
    assert same(before, model.latent_encoder.state_dict())
    changed = [
        name for name, value in model.latent_decoder.state_dict().items() if not torch.equal(value, decoder[name])
    ]
    assert changed
    assert {name.partition(".")[0] for name in changed} == {"0", "1"}, "both the way back and the stages"


def test_all_decoders_start_alike_on_latents_of_mean_0_and_variance_1(store: Store) -> None:
    starts = {encoder: begun(store, config(encoder)).experiment for encoder in ENCODERS}
    decoders = [copied(own.model.latent_decoder) for own in starts.values()]
    assert all(same(decoders[0], other) for other in decoders[1:])
    for encoder in ("autoencoder", "classifier", "random"):
        own = starts[encoder]
        with torch.no_grad():
            latents = own.model.eval()(own.train["data"].x / 255)
        torch.testing.assert_close(latents.mean(0), torch.zeros(8), atol=1e-3, rtol=0)
        torch.testing.assert_close(latents.std(0, correction=0), torch.ones(8), atol=1e-3, rtol=0)


def test_the_joint_one_is_the_trial_of_an_autoencoder_to_the_last_bit(store: Store) -> None:
    own = ended(store, config("joint"))
    other = ended(store, AutoencodingConfig.model_validate({**SHARED, "lr": 3e-3}), Autoencoding)
    for a, b in zip(without_time(own.rows), without_time(other.rows), strict=True):
        assert {name: a[name] for name in b} == b
    assert same(own.experiment.model.state_dict(), other.experiment.model.state_dict())


def test_frozen_encoders_and_the_judge_are_one_artifact_whoever_asks() -> None:
    kinds: dict[str, Any] = {
        "autoencoder": (Autoencoding, AutoencodingConfig),
        "classifier": (Classifying, ClassifyingConfig),
    }
    judges = {
        config(encoder, seed=seed).networks()["judge"].artifact(SOURCES).address
        for encoder in ENCODERS
        for seed in (1, 2)
    }
    assert len(judges) == 1
    for encoder, (experiment, fields) in kinds.items():
        asked = config(encoder, lr=0.02).networks()["encoder"].artifact(SOURCES)
        other = trained_network(experiment, fields.model_validate({**SHARED, "lr": 5e-3})).artifact(SOURCES)
        assert asked.address == other.address, "the decoder's learning rate is nothing to the encoder"
        assert config(encoder, seed=2).networks()["encoder"].artifact(SOURCES).address != asked.address
        assert asked.address not in judges
    assert "encoder" not in config("random").networks()


def test_as_both_sweeps_have_it_few_labels_begins_with_the_encoder_that_is_decoded_here() -> None:
    own = {**SWEEP.fixed, "data": "digits", "encoder": "autoencoder", "lr": 0.01, "seed": 3}
    few = {**FEW_LABELS.fixed, "data": "digits", "start": "frozen", "labels": 100, "lr": 0.02, "epochs": 30, "seed": 3}
    asked = Config.model_validate(own).networks()["encoder"].artifact(SOURCES)
    other = FewLabels.model_validate(few | {"batch_size": 32}).encoder().artifact(SOURCES)
    assert asked.address == other.address


def test_no_test_image_is_behind_what_a_search_trial_is_given() -> None:
    assert {*config("classifier").artifacts(SOURCES)} == {"train", "fitted", "encoder"}
    assert {*config("classifier").test_artifacts(SOURCES)} == {"test", "judge"}


def test_what_is_measured_is_the_mean_over_images_and_says_what_was_kept(store: Store) -> None:
    loops = {encoder: ended(store, config(encoder)) for encoder in ("joint", "classifier")}
    rows = {encoder: loop.rows[-1] for encoder, loop in loops.items()}
    arrays = {encoder: loop.experiment.gathered() for encoder, loop in loops.items()}
    for encoder, row in rows.items():
        for name in ("kept_within", "explained_within", "between_within", "silhouette", "pure", "judged"):
            assert float(arrays[encoder][f"test_{name}_scores"].mean(dtype=np.float64)) == pytest.approx(
                row[f"test_{name}"], abs=1e-4
            )
        assert arrays[encoder]["digits_input"].shape == arrays[encoder]["digits_made"].shape == (10, 6, 28, 28)
        assert row["test_explained_within"] <= 1
    assert np.array_equal(arrays["joint"]["digits_input"], arrays["classifier"]["digits_input"])
    assert rows["joint"]["test_judged_input"] == rows["classifier"]["test_judged_input"] > 0.7
    assert "test_classified" not in rows["joint"]
    module = loops["classifier"].experiment.networks["encoder"]
    data = loops["classifier"].experiment.held_out["test"]["data"]
    right = (module(data.x / 255).argmax(1) == data.y).double().mean().item()
    assert rows["classifier"]["test_classified"] == pytest.approx(right)
    assert rows["classifier"]["test_within_total"] < rows["joint"]["test_within_total"]


@pytest.mark.parametrize("encoder", ["joint", "classifier"])
def test_an_interrupted_trial_ends_as_an_undisturbed_one_with_its_arrays(
    store: Store, tmp_path: Path, encoder: str
) -> None:
    whole = ended(store, config(encoder))
    first = begun(store, config(encoder), folder=tmp_path)
    first.report(0)
    torch.manual_seed(999)
    second = begun(store, config(encoder), folder=tmp_path)
    assert len(second.rows) == 1
    second.report(1e9)
    assert without_time(second.rows) == without_time(whole.rows)
    ours, theirs = second.experiment.gathered(), whole.experiment.gathered()
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def test_the_network_that_is_left_gives_the_latents_that_were_decoded(store: Store) -> None:
    loop = ended(store, config("classifier"))
    network = loop.experiment.network()
    assert network is not None
    module = LatentDecoding.build(config("classifier"), 0)
    module.load_state_dict(network.state)
    module.eval()
    images = loop.experiment.held_out["validation"]["data"].x[:9] / 255
    torch.testing.assert_close(module(images), loop.experiment.model(images))
    torch.testing.assert_close(module.reconstructed(images), loop.experiment.model.reconstructed(images))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["latent=0"], ["latent", "greater than 0"]),
        (["latent=784"], ["latent", "784"]),
        (["bottleneck=conv", "latent=6"], ["latent", "multiple of 4"]),
        (["strides=7-7"], ["strides"]),
        (["encoder=clip"], ["encoder"]),
        (["encoder_lr=0"], ["encoder_lr"]),
        (["train_size=5"], ["train_size", "10 classes"]),
    ],
)
def test_what_cannot_be_decoded_is_refused(tmp_path: Path, words: list[str], parts: list[str]) -> None:
    options, problems = parse(
        ["--builtin", "--out", str(tmp_path), "--set", *words], prog="latent_decoding", description=""
    )
    with pytest.raises(Refused) as refused:
        make_plan(SWEEP, options, problems, tmp_path)
    told = str(refused.value)
    assert all(part in told for part in parts), told
    assert len(refused.value.problems) == 1, told
