"""A GPU that is pretended: tensors that say they lie on cuda:0, and refuse to meet those that do not.

Below Python all is computed on the CPU. One operation on both kinds raises as it would on a GPU: but for scalars, for
positions on the CPU in a tensor on the GPU, and for copies. What it cannot show: kernels, and types under autocast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from trainables.transfer import letters_backbone as pretrained

CUDA = torch.device("cuda", 0)
POSITIONS = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default}


class Pretended(torch.Tensor):
    """Wraps a tensor on the CPU, and is on a GPU as far as Python can see."""

    elem: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl
    device, is_cuda = property(lambda self: CUDA), property(lambda self: True)  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, elem: torch.Tensor, requires_grad: bool = False) -> Any:
        form = {"strides": elem.stride(), "storage_offset": elem.storage_offset(), "dtype": elem.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, elem.size(), **form, requires_grad=requires_grad)
        made.elem = elem
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.elem.detach().clone().__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        apart = [x for x in given if not isinstance(x, cls)]
        if func in POSITIONS and isinstance(args[0], cls):
            apart = [x for x in tree_leaves(args[2:]) if isinstance(x, torch.Tensor) and not isinstance(x, cls)]
        written = given[0] if func._schema.is_mutable else None
        if func is not torch.ops.aten.copy_.default and any(x.dim() or x is written for x in apart):
            raise RuntimeError(f"{func}: tensors on cuda:0 and cpu, {[(type(x).__name__, x.shape) for x in given]}")
        own = {id(getattr(x, "elem", x)): x for x in given}
        args, kwargs = tree_map(lambda x: getattr(x, "elem", x), (args, kwargs or {}))
        out = func(*args, **kwargs)
        if func._schema.is_mutable:
            return tree_map(lambda x: own.get(id(x), x), out)
        return tree_map(lambda x: cls(x) if isinstance(x, torch.Tensor) else x, out)


class OnGPU(TorchFunctionMode):
    """`device="cuda"`, `.to("cuda")`, `.cpu()` and `.numpy()` as they are with a GPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        there = bool(args) and isinstance(args[0], Pretended)
        if there and func in (torch.Tensor.numpy, torch.Tensor.__array__):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if there and func is torch.Tensor.tolist:
            return args[0].elem.tolist()
        if there and func in (torch.Tensor.new_tensor, torch.nn.functional.one_hot):
            return Pretended(func(args[0].elem, *args[1:], **kwargs))
        if func is torch.Tensor.cpu:
            args, kwargs, func = (args[0], torch.device("cpu")), {}, torch.Tensor.to
        named = kwargs.pop("device", None)
        if func is torch.Tensor.to:
            named, rest = next((a for a in args if isinstance(a, str | torch.device)), named), args[1:]
            rest = tuple(a for a in rest if not isinstance(a, str | torch.device) and a is not None and a is not False)
            x, device = args[0], torch.device(named) if named is not None else None
            if device is not None and (device.type == "cuda") != there:
                x = x.elem.detach().clone() if there else Pretended(x.detach().clone(), x.requires_grad)
            return func(x, *rest, **kwargs) if rest or kwargs else x
        if named is None or torch.device(named).type != "cuda":
            return func(*args, **kwargs, **({} if named is None else {"device": named}))
        assert kwargs.get("generator") is None, "a generator on the CPU makes no numbers on a GPU"
        out = func(*args, **kwargs)
        return Pretended(out.detach(), out.requires_grad)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    autocast = torch.autocast.__init__

    def on_cpu(self: Any, device_type: str, *args: Any, **kwargs: Any) -> None:
        autocast(self, "cpu", *args, **kwargs)

    def load(*args: Any, real: Any = torch.load, map_location: Any = None, **kwargs: Any) -> Any:
        state = real(*args, map_location="cpu", **kwargs)
        there = torch.device(map_location).type == "cuda"
        return tree_map(lambda x: Pretended(x) if isinstance(x, torch.Tensor) and there else x, state)

    for owner, name, value in (
        (torch.cuda, "is_available", lambda: True), (torch.autocast, "__init__", on_cpu), (torch, "load", load),
        (torch.inference_mode, "__enter__", lambda self: torch.set_grad_enabled(False)),
        (torch.inference_mode, "__exit__", lambda *_: torch.set_grad_enabled(True)),
        (torch.optim.Optimizer, "_accelerator_graph_capture_health_check", lambda self: None),
        (pretrained, "IMAGES", 128),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, value)
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    with OnGPU():
        yield
    torch.__future__.set_overwrite_module_params_on_conversion(False)
