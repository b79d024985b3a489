"""Files of pre-trained weights, in a folder or from torchvision's weights API; only tensors are read from them."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from urllib.parse import urlparse

import torch

from common.problems import Refused, nearest
from trainables.data.dataset import refuse
from trainables.data.readers.download import Absent, patiently
from trainables.nets.backbones import torchvision_names

StateDict = dict[str, torch.Tensor]


def find(name: str, folder: Path | None, *, download: bool = True) -> Path:
    """Return the weights' file: `<name>.pth`, `<name>-*.pth` or `<name>_*.pth` in `folder`, else a downloaded one.

    Raises Refused where the backbone is unknown, where several files match, or where there is none and none can be
    downloaded; with `Absent` where it may not be.
    """
    if name not in torchvision_names():
        raise refuse("must be a torchvision backbone", name, nearest(name, torchvision_names()), key="backbone")
    matches = in_folder(name, folder) if folder is not None else []
    if len(matches) > 1:
        found = ", ".join(path.name for path in matches)
        raise refuse(
            f"{folder} must hold one file for {name}", found, "Move the others away.", key="weights-dir", given=False
        )
    return matches[0] if matches else _downloaded(name, folder, download)


def in_folder(name: str, folder: Path) -> list[Path]:
    """Return the files named after the backbone and not after one of a longer name: vgg19_bn.pth is not vgg19's."""
    if not folder.is_dir():
        return []
    longer = [other for other in torchvision_names() if other.startswith(name) and other != name]
    return sorted(
        path
        for path in folder.glob("*.pth")
        if _named_after(name, path.stem) and not any(_named_after(other, path.stem) for other in longer)
    )


def _named_after(name: str, stem: str) -> bool:
    return stem == name or stem.startswith((f"{name}-", f"{name}_"))


def _downloaded(name: str, folder: Path | None, download: bool) -> Path:
    """Return the file in torch's cache of downloads, after downloading it if need be, and if it may be. Raises
    Refused."""
    from torchvision.models import get_model_weights

    best = get_model_weights(name).DEFAULT
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(best.url).path).name
    if path.is_file():
        return path
    looked = f"{name}.pth, {name}-*.pth or {name}_*.pth in {folder}, nor " if folder else ""
    rule = f"needs its weights, and there is no {looked}{path}"
    if not download:
        size, what = float(best.meta["_file_size"]), f"the weights of {name}"
        fetch = partial(_downloaded, name, folder, True)
        raise Refused([Absent("backbone", rule, name, "They can be downloaded.", True, what, size, fetch)])
    failure = _fetch(name)
    if failure is not None:
        raise refuse(
            rule,
            name,
            f"torchvision would download {best.url}, but: {failure}. Put the file into a folder and name "
            "that with --weights-dir, or try the built-in backbone with --builtin.",
            key="backbone",
        )
    return path


@cache
def _fetch(name: str) -> str | None:
    """Download the weights, at most once a process, since a plan asks for them often; return what went wrong, or
    None."""
    from torchvision.models import get_model_weights

    best = get_model_weights(name).DEFAULT
    return patiently(lambda: best.get_state_dict(check_hash=True, progress=True, weights_only=True))


def digest(path: Path) -> str:
    """Return the SHA-256 of the file. Raises Refused where its name has a checksum (`-11ad3fa6`) that differs."""
    return _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _digest(path: Path, modified: int) -> str:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    named = re.search(r"-([0-9a-f]{8})\.pth$", path.name)
    if named and not found.startswith(named[1]):
        raise refuse(
            f"the SHA-256 of {path} must begin with {named[1]}",
            f"{found} ({path.stat().st_size:,} bytes)",
            "The file is damaged or truncated: fetch it again.",
            key="weights-dir",
            given=False,
        )
    return found


def load(path: Path) -> StateDict:
    """Return the state dict in a file, on the CPU, without running code in it. Raises Refused where there is none."""
    digest(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # its message advises to run the code in the file
        raise _not_a_state_dict(path, "something other than tensors") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _not_a_state_dict(path, " ".join(str(error).split())[:200]) from None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        found = ", ".join(map(str, list(state)[:5])) if isinstance(state, Mapping) else type(state).__name__
        raise _not_a_state_dict(path, found)
    return state  # type: ignore[return-value]  # an OrderedDict, whose _metadata matters to torch


def _not_a_state_dict(path: Path, found: object) -> Exception:
    remedy = "Save it with torch.save(model.state_dict(), path); a truncated file must be fetched again."
    return refuse(f"{path} must be a whole state dict (tensors by name)", found, remedy, key="weights-dir", given=False)
