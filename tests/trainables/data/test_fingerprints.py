"""Fingerprints as they have always been: they enter the ids of trials, so that other ones leave finished trials behind.

The values of OFFICIAL were taken from the tree before torchvision read the official files. Those of the training splits
of MNIST, SVHN and `digits` changed, on purpose, when their validation came to be cut off by writer or photograph.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets

from common.problems import Refused
from tests.support.data import REAL
from trainables.data.builtin import house_digits, textures
from trainables.data.dataset import array_digest
from trainables.data.readers import cifar, mnist, official
from trainables.data.readers.svhn import SVHN
from trainables.data.sources import Sources

OFFICIAL = {
    "mnist": (
        "26de93ebf738230f2bb8d3b946937a38ef952c2b86aa86c4f71692eab07f94a0",
        "609f08b18311c0bd838adb381d0edad7108c83410ffabe84db1f2e3d0fb1e3cd",
    ),
    "cifar10": (
        "5e09b4a5f8c5fba2c8e97145be552085bcd735b8955c0308fccf82a36941379a",
        "14b287182eaaa5a72816c519780e28f856c570de8078e7b174b5ec5a302ccceb",
    ),
    "cifar100": (
        "d479318c4496da40d5b75a7f5c95747f4a07670816affa5f32e6c5846171fd40",
        "e7f000f32ebfd9f3d4dc972359e83a96077504ebc2eb899b35a2f8af6680a357",
    ),
    "svhn": (
        "9b49589925b5dac5c2026df6176aa3f1601f2945e81ed68eb919cffebc7267bc",
        "9a7dd363b8fab3e1d5aa8960193704dd34b232c842cc2d04abffcd305b91922a",
    ),
}
DRAWN = {  # with version 1.0 of all libraries
    "house_digits": (
        "fd9a58e35601916099e32338a7a5a2a6d6fbf09bafc0c558ef6dd4690dd98050",
        "8494e8999200f933a13c4a4c09834079879ddfc114f8f7e136860e3510458ebe",
    ),
    "textures10": (
        "84c449a1f311e787dff7781df7a651c741bb21829f4ed462c9939a7962546010",
        "16e5c7dd0667cc7dfcf0772b50645d500a688acc5a226081d64c769ccd258be1",
    ),
    "textures100": (
        "7cd23545a349825a6e1b86e7e08a43b210e5fd490f52ee39d95a1749bf689be7",
        "9c688e866e28ab756fd0c8573c2d3678f5941e933ed77cbf55fb02ee0bc30f44",
    ),
    "textures100[0+2+7-9]": (
        "2901bc612b9cde9da4105c096ae100fbe121977cf67b09a264de9e0efa159e27",
        "cd9da43e8ce1e5abd0b9572c75b9c4559caebcbd8cf865d9f047001ab1a74ebd",
    ),
}
OWN = {
    "mine.npz": (
        "c171292142a6609f30c34708107b55707b20aa481e38f8e485260da30b4701c0",
        "d77a2660a53f09c75541585eeeb46592cfb577098bf1b801e9f21f79c047410b",
    ),
    "mine.npz[0+2]": (
        "c02e82e3e5b8ee2a386bbe97955f02d17f4f0b6046ca37412b3c55fb9bc8d750",
        "399bc9a38aed4aad593ffd150d10c3cd0034f14ffbe1845824ddd66bf2252722",
    ),
    "pets": (
        "7b72b30cba470462d77104c3b3361d78167b4f6a9a53eecd5523e0520b4b0cba",
        "de4f23f2dd534fdae64f5718bc6885a2886a79750a201d7e8f11dffbffada3f8",
    ),
}
AS_OPENED = {
    "mnist": (
        "b86e5a18ab65f37567c318626a24acb0b7124ed237858a460a88f5c2098f3153",
        "609f08b18311c0bd838adb381d0edad7108c83410ffabe84db1f2e3d0fb1e3cd",
    ),
    "cifar10": OFFICIAL["cifar10"],
    "mnist_photos": (
        "d99c394edd6f62d5e0a24c180b1ed7799a12d593f5242e867a7875f0a0d89dd5",
        "7f1ff63cf7b1030c7c55d6b054f40e38b03565da1348ba86633ca92812f32fdc",
    ),
    "cifar10[0-4]": (
        "35eb47c4551291e91cb15dc7f38e85b8a4b4ca7132b59127e1371505dd058c67",
        "757f06d549dbc8b89ec4b9a57a1a6fcb1bf9fab7b47dae635ff41779f28cfb5f",
    ),
}


def both(sources: Sources, name: str) -> tuple[str, str]:
    return sources.fingerprint(name, "train"), sources.fingerprint(name, "test")


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_sets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They follow from the official checksums, whatever lies there once it was found to have them."""
    readers = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
    for module in (official, mnist):
        monkeypatch.setattr(module, "verified", lambda *_: b"")
    if name in readers:
        reader = readers[name]
        names = pickle.dumps({reader.meta["key"]: ["cat", "dog"]})
        monkeypatch.setattr(cifar, "verified", lambda *_: names)
        files = [*dict(reader.train_list), *dict(reader.test_list), reader.meta["filename"]]
        opened: official.Official = cifar.CIFAR(reader, dict.fromkeys(files, Path()))
    elif name == "mnist":
        opened = mnist.MNIST(dict.fromkeys(mnist.MD5, Path()))
    else:
        opened = SVHN(dict.fromkeys(["train_32x32.mat", "test_32x32.mat"], Path()))
    assert (opened.fingerprint("train"), opened.fingerprint("test")) == OFFICIAL[name]


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_sets_whose_files_are_not_there(name: str, tmp_path: Path) -> None:
    where = Sources(cache=tmp_path, download=False)
    opened = where.dataset(name)
    assert (opened.fingerprint("train"), opened.fingerprint("test")) == OFFICIAL[name]
    summary = where.summary(name)
    total = f"{sum(summary.train_counts):,} + {sum(summary.test_counts):,}"
    assert total in summary.origin, "the declared counts are those that it is known for"
    assert len(summary.train_counts) == len(summary.test_counts) == len(summary.classes)
    (absent,) = where.absent(f"{name}[0-4]")
    assert absent.value == name
    if REAL and name in ("mnist", "cifar10"):
        assert summary == Sources(data_dir=Path(str(REAL))).summary(name)
    with pytest.raises(Refused, match="It can be downloaded"):
        where.train(name)


@pytest.mark.parametrize("name", DRAWN)
def test_sets_that_are_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They follow from what is drawn and from the versions of the libraries that draw."""
    for module in (house_digits, textures):
        monkeypatch.setattr(module, "version", lambda library: "1.0")
    assert both(Sources(cache=Path("with other versions")), name) == DRAWN[name]


def test_how_validation_is_cut_off_enters_the_fingerprint_of_the_training_split_alone() -> None:
    """Trials that validated on other images do not count beside those of today."""
    for name, blocked in {"digits": True, "digits[0-4]": True, "house_digits": False, "letters": False}.items():
        data = Sources().dataset(name)
        assert (Sources().fingerprint(name, "train") != data.fingerprint("train")) == blocked
        assert Sources().fingerprint(name, "test") == data.fingerprint("test")


def test_sets_that_are_computed() -> None:
    """They follow from their pixels, a few of which depend on the processor's arithmetic."""
    for name in ("digits", "letters"):
        test = Sources().test(name)
        assert Sources().fingerprint(name, "test") == array_digest(test.images, test.labels)
    if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512"):
        assert both(Sources(), "digits") == (
            "bff551ad4eb0372692176692aff59fd71f265f61580b7baf1ede2fc51fdae2da",
            "4194430cf615371b15e7b6fba75ecdb8a3e4036bc14a20e66f62e04b57ae7f1e",
        )


@pytest.mark.parametrize("name", OWN)
def test_sets_that_people_bring(name: str, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for split, n in (("train", 12), ("test", 6)):
        arrays[f"x_{split}"] = (np.arange(n * 64) % 256).astype(np.uint8).reshape(n, 8, 8)
        arrays[f"y_{split}"] = np.arange(n) % 3
    np.savez(tmp_path / "mine.npz", **arrays)
    for split, n in (("train", 4), ("test", 2)):
        for number, label in enumerate("abc"):
            folder = tmp_path / "pets" / split / label
            folder.mkdir(parents=True)
            for i in range(n):
                pixels = bytes(range(16 * i + number, 16 * i + number + 16))
                (folder / f"{i}.pgm").write_bytes(b"P5 4 4 255\n" + pixels)
    assert both(Sources(here=tmp_path), name) == OWN[name]


if REAL:

    @pytest.mark.parametrize("name", AS_OPENED)
    def test_real_sets(name: str) -> None:
        assert both(Sources(data_dir=Path(str(REAL))), name) == AS_OPENED[name]
