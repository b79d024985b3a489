"""Published generators: their files in the folder of weights, checked against their configs before anything runs.

A generator called NAME has its weights in `NAME-pytorch_model.bin` and its config in `NAME-config.json`, as they were
published, or in a folder `NAME` as `pytorch_model.bin` and `config.json`. Only tensors are
read (`weights_only`), and all of them are used: the published loader takes a file with other keys too, and leaves parts
as they were initialised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import ValidationError

from common.files import Arrays
from common.problems import Problem, Refused
from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.data.sources import Sources
from trainables.nets import weights as weight_files
from trainables.nets.biggan import Architecture, BigGAN
from trainables.nets.fitting import misfits

NAMED = re.compile(r"biggan[\w.-]*?")
"""What the name of a published generator is like."""
WEIGHTS, CONFIG = "pytorch_model.bin", "config.json"
REMEDY = "Give its published state dict and config, or leave it out of --set generator."
VERSION = 1  # raised by hand when the meaning of the arrays changes


class Files(NamedTuple):
    """The two files of a generator."""

    weights: Path
    config: Path

    @property
    def missing(self) -> list[Path]:
        """Those that are not there."""
        return [path for path in self if not path.is_file()]


def names_in(folder: Path | None) -> list[str]:
    """Return the names of the generators of which a file lies in the folder, smaller images first."""
    if folder is None or not folder.is_dir():
        return []
    found = {
        path.parent.name if path.name in (WEIGHTS, CONFIG) else path.name.removesuffix(f"-{end}")
        for end in (WEIGHTS, CONFIG)
        for path in (*folder.glob(f"*-{end}"), *folder.glob(f"*/{end}"))
    }
    return sorted((name for name in found if NAMED.fullmatch(name)), key=lambda name: (_side(name) or 0, name))


def problems(name: str, folder: Path | None) -> list[Problem]:
    """Return what keeps a published generator from being used: no files, a config or weights that do not fit."""
    if folder is None:
        return [Problem("generator", "published weights, in the folder that --weights-dir names", name, REMEDY)]
    files = _files(name, folder)
    if missing := files.missing:
        absent = " and ".join(map(str, missing))
        return [Problem("generator", f"published weights in {folder}; there is no {absent}", name, REMEDY)]
    try:
        return _checked(name, files, *(path.stat().st_mtime_ns for path in files))
    except Refused as refused:
        return list(refused.problems)


def weights_artifact(name: str, sources: Sources) -> Artifact:
    """Return the artifact of a published generator, of which `module` makes the network. Raises Refused."""
    files = _sound(name, sources.weights_dir)
    spec = {"weights": weight_files.digest(files.weights), "config": _config(files.config).model_dump(mode="json")}
    return Artifact("biggan", spec | {"version": VERSION}, partial(_arrays, name), light=True)


def module(arrays: Tensors) -> BigGAN:
    """Return a published generator in evaluation mode, from the artifact's arrays, whose memory it shares."""
    shape = Architecture.model_validate_json(bytes(arrays[CONFIG].cpu().numpy()))
    with torch.device("meta"):
        network = BigGAN(shape)
    network.load_state_dict({name: value for name, value in arrays.items() if name != CONFIG}, assign=True)
    return network.eval().requires_grad_(False)


def _sound(name: str, folder: Path | None) -> Files:
    """Return the files of a generator. Raises Refused where they are missing, or do not fit."""
    found = problems(name, folder)
    if found or folder is None:
        raise Refused(found)
    return _files(name, folder)


def _files(name: str, folder: Path) -> Files:
    own = folder / name
    if own.is_dir():
        return Files(own / WEIGHTS, own / CONFIG)
    return Files(folder / f"{name}-{WEIGHTS}", folder / f"{name}-{CONFIG}")


@lru_cache(maxsize=8)  # a plan asks many times
def _checked(name: str, files: Files, *modified: int) -> list[Problem]:
    """Return what is wrong with the two files. Raises Refused where one cannot be read."""
    shape = _config(files.config)
    side = _side(name)
    if side is not None and side != shape.output_dim:
        rule = f"{files.config} must be the config of {name}, whose images have {side} pixels a side"
        return [Problem("weights-dir", rule, f"output_dim {shape.output_dim}", REMEDY, given=False)]
    with torch.device("meta"):
        expected = BigGAN(shape).state_dict()
    what = f"{files.weights}: the weights of {name}, by its config,"
    return misfits(weight_files.load(files.weights), expected, what, REMEDY)


def _config(path: Path) -> Architecture:
    """Return the architecture in a config file. Raises Refused where there is none."""
    try:
        return Architecture.model_validate(json.loads(path.read_text()))
    except ValidationError as error:
        wrong = [(".".join(map(str, one["loc"])) or "config", one["msg"]) for one in error.errors()]
    except ValueError as error:  # no JSON, or no text
        wrong = [("config", str(error))]
    raise Refused(_unreadable(path, wrong))


def _unreadable(path: Path, wrong: Iterable[tuple[str, str]]) -> list[Problem]:
    rule = f"{path} must be the config of a BigGAN-deep generator"
    return [Problem("weights-dir", rule, f"{field}: {message}", REMEDY, given=False) for field, message in wrong]


def _side(name: str) -> int | None:
    """Return the side of the images that a name ends with, such as 128."""
    matched = re.search(r"-(\d+)$", name)
    return int(matched[1]) if matched else None


def _arrays(name: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    """Return the state dict, and the config as JSON. Raises Refused."""
    files = _sound(name, sources.weights_dir)
    state = {key: value.numpy() for key, value in weight_files.load(files.weights).items()}
    text = Architecture.model_validate(artifact.spec["config"]).model_dump_json()
    return {**state, CONFIG: np.frombuffer(text.encode(), np.uint8)}
