"""Each question on a GPU: a pretended one, which any machine has, and a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_map

from sweeps.tiny_cifar import SWEEP
from tests.support.pretended import gpu  # noqa: F401
from tests.trainables.domains.test_domains import JOINT, PAIR
from tests.trainables.domains.test_domains import sources as domains  # noqa: F401
from tests.trainables.test_cifar_transfer import BASE
from tests.trainables.test_cifar_transfer import sources as transfer  # noqa: F401
from trainables.artifacts.store import Store
from trainables.cifar_transfer import CifarTransfer
from trainables.core.config import TrialConfig
from trainables.core.device import as_worker, pick_device, tensors
from trainables.core.loop import Loop, run
from trainables.data.sources import Sources
from trainables.digit_pair import DigitPair
from trainables.few_labels import FewLabels
from trainables.joint_embedding import JointEmbedding
from trainables.latent_decoding import LatentDecoding
from trainables.stn_deformations import StnDeformations
from trainables.tiny_cifar import TinyCifar
from trainables.training.trained import trained_network
from trainables.transfer_sizes import TransferSizes

OWN = BASE | {"epochs": 1, "tuning_steps": 20, "source_width": 1, "source_epochs": 1, "precision": "bf16"}
TINY = dict(SWEEP.prescribed or {}) | {
    "data": "source.npz",
    "budget": 2_000,
    "epochs": 1,
    "batch_size": 64,
    "cutout": 8,
}
SPATIAL = {"data": "source.npz", "lr": 0.001, "optimiser": "adam", "width": 2, "epochs": 1, "validation": 20}
HEAD = {"data": "source.npz", "backbone": "letters_cnn", "train_size": 20, "lr": 0.1, "epochs": 1, "weight_decay": 0.1}
ENCODER = {
    "data": "source.npz", "bottleneck": "fc", "latent": 12, "width": 2, "strides": "2-2-2-2", "activation": "relu",
    "norm": "batch", "lr": 0.01, "epochs": 1, "batch_size": 8, "encoder_lr": 0.01,
}  # fmt: skip
FEW = ENCODER | {"labels": 20, "encoder_epochs": 1}
CASES: list[tuple[Any, dict[str, Any]]] = [
    (DigitPair, PAIR | {"epochs": 1, "precision": "bf16"}),
    *((JointEmbedding, JOINT | {"epochs": 1, "mining": mining}) for mining in ("random", "hard", "classifier")),
    (TinyCifar, TINY | {"mix": "mixup", "attention": True, "cutout": 8, "block": "separable", "head": "mean+max"}),
    *((CifarTransfer, OWN | {"method": method}) for method in ("finetune", "knn", "own")),
    (TransferSizes, HEAD | {"batch_size": 8, "pool": 40, "validation": 20}),
    (StnDeformations, SPATIAL | {"network": "affine", "copies": "elastic+zoom"}),
    (StnDeformations, SPATIAL | {"network": "tps", "copies": "R", "sampled": "normalised"}),
    (StnDeformations, SPATIAL | {"network": "plain", "copies": "none"}),
    *((FewLabels, FEW | {"start": start}) for start in ("scratch", "frozen", "pretrained")),
    *((LatentDecoding, ENCODER | {"encoder": encoder}) for encoder in ("joint", "classifier")),
]


def train_resume_and_go_on(experiment: Any, values: Any, request: pytest.FixtureRequest, folder: Path) -> Loop:
    """Run a trial with test data, restore its state from the CPU as a checkpoint would, and train once more."""
    sources = request.getfixturevalue("domains" if experiment in (DigitPair, JointEmbedding) else "transfer")
    loop = run(experiment, experiment.config_class().model_validate(values), sources, Store(folder), confirm=True)
    state = tree_map(lambda x: x.cpu() if isinstance(x, torch.Tensor) else x, loop.experiment.state_dict())
    loop.experiment.load_state_dict(state)
    loop.experiment.train_epoch()
    return loop


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("experiment", "values"), CASES)
def test_no_operation_mixes_devices(
    experiment: Any, values: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert train_resume_and_go_on(experiment, values, request, tmp_path).experiment.gathered()


def use_what_another_question_trained(sources: Sources, folder: Path) -> torch.Tensor:
    """Train a network in two links, and return what it says of an image on the device, [1, classes]."""
    wanted = trained_network(TinyCifar, TrialConfig(), **TINY | {"epochs": 6})
    arrays = tensors(Store(folder).get(wanted.artifact(sources), sources), pick_device())
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8).to(pick_device())
    logits: torch.Tensor = wanted.module(arrays, sources)(image)
    return logits


@pytest.mark.usefixtures("gpu")
def test_a_network_of_another_question_stays_on_the_device(transfer: Sources, tmp_path: Path) -> None:  # noqa: F811
    assert use_what_another_question_trained(transfer, tmp_path).is_cuda


@pytest.mark.gpu
def test_a_network_of_another_question_is_the_trials_on_a_real_gpu(
    transfer: Sources,  # noqa: F811
    tmp_path: Path,
) -> None:
    assert torch.cuda.is_available(), "Type CUDA_VISIBLE_DEVICES=0 python -m pytest -m gpu where there is a GPU."
    config = TinyCifar.config_class().model_validate(TINY | {"epochs": 6})
    with as_worker(1, gpu=True):
        logits = use_what_another_question_trained(transfer, tmp_path)
        trial: Any = run(TinyCifar, config, transfer, Store(tmp_path)).experiment
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8, device="cuda")
    torch.testing.assert_close(logits.float(), trial.training.averaged(image), atol=0, rtol=0)


@pytest.mark.gpu
@pytest.mark.parametrize(("experiment", "values"), CASES)
def test_each_question_runs_on_a_real_gpu(
    experiment: Any, values: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert torch.cuda.is_available(), "Type CUDA_VISIBLE_DEVICES=0 python -m pytest -m gpu where there is a GPU."
    torch.cuda.reset_peak_memory_stats()
    loop = train_resume_and_go_on(experiment, values, request, tmp_path)
    assert loop.status == "done"
    assert loop.experiment.gathered()
    assert torch.cuda.max_memory_allocated() > 0
    assert all(data.y.is_cuda for data in loop.experiment.train.values())
