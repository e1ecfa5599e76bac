"""A summary changes nothing: what a module holds, however deep, the process, an instance of the user's."""

from __future__ import annotations

import copy
import threading
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import InputError
from tests.readers.torch.test_complaints import module
from tests.support.command import in_child


@dataclass
class Cache:
    """Keys of earlier steps, as language models keep them."""

    keys: Any
    steps: int = 0


class Meter:
    """An object of the module's own code."""

    def __init__(self) -> None:
        self.seen: list[int] = []


@in_child("torch")
def test_what_is_held_in_containers_and_objects_is_put_back() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        self.steps[0] += 1
        self.nested["lists"]["of"].append(2)
        self.nested["tensors"][0].add_(1)
        self.queue.append(9)
        self.space.count, self.space.last = 1, x
        self.cache.keys.copy_(x)
        self.cache.steps += 1
        self.meter.seen.append(1)
        self.state[0].add_(1)
        self.state = (x, x)
        y = self.fc(x) + self.state[0]
        return y * 2 if self.peeks and y.sum() > 100 else y

    for peeks, method in ((False, "meta"), (True, "real")):
        state = (torch.zeros(2, 4), torch.zeros(2, 4))
        model: Any = module(
            forward,
            fc=nn.Linear(4, 4),
            steps=[torch.zeros(1)],
            nested={"lists": {"of": [1]}, "tensors": [torch.ones(1)]},
            queue=deque([1, 2]),
            space=SimpleNamespace(count=0, last=None),
            cache=Cache(torch.zeros(2, 4)),
            meter=Meter(),
            state=state,
            peeks=peeks,
        )
        assert summarize(model, ["2x4:float32"]).trace.method == method
        assert model.steps == [torch.zeros(1)]
        assert (model.nested["lists"], model.nested["tensors"]) == ({"of": [1]}, [torch.ones(1)])
        assert (list(model.queue), vars(model.space)) == ([1, 2], {"count": 0, "last": None})
        assert (model.cache.keys.sum().item(), model.cache.steps) == (0, 0)
        assert model.meter.seen == []
        assert model.state is state
        assert all(tensor.device.type == "cpu" and not tensor.any() for tensor in state)


@in_child("torch")
def test_what_a_forward_empties_is_full_again() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        self.history.clear()
        self.table.pop("a")
        self.queue.popleft()
        self.buffers_.clear()
        return self.fc(x)

    history, table = [torch.zeros(1), torch.ones(1)], {"a": torch.zeros(2), "b": 3}
    parts = {"history": list(history), "table": dict(table), "queue": deque([torch.zeros(1)]), "buffers_": {1}}
    model: Any = module(forward, fc=nn.Linear(4, 4), **parts)
    assert summarize(model, ["2x4:float32"]).trace.method == "meta"
    assert all(now is before for now, before in zip(model.history, history, strict=True))
    assert list(model.table) == ["a", "b"]
    assert model.table["a"] is table["a"]
    assert (len(model.queue), model.queue[0].device.type, model.buffers_) == (1, "cpu", {1})


@in_child("torch")
def test_threads_wait_for_one_another_and_the_process_is_left_as_it_was() -> None:
    import torch
    from torch import nn

    models = [nn.Sequential(*(nn.Linear(8, 8) for _ in range(100))) for _ in range(3)]
    rows: dict[int, list[str]] = {}

    def work(index: int) -> None:
        rows[index] = [layer.type for layer in summarize(models[index], ["2x8:float32"]).layers]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(rows.values()) == [["Input", *["Linear"] * 100]] * 3
    assert nn.Module.__call__.__module__ == "torch.nn.modules.module"
    assert torch.backends.mha.get_fastpath_enabled()


@in_child("torch")
def test_an_instance_of_the_users_keeps_its_type_and_its_values() -> None:
    import torch
    from torch import nn

    from resnet_inspect.readers.inputs import Shapes
    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.object import summarize_built

    def forward(self: Any, x: Any) -> Any:
        return self.fc(x) if x.sum() >= 0 else x

    net = module(forward, fc=nn.Linear(4, 4))
    before = copy.deepcopy(net.state_dict())
    for dtype in ("float32", "float16", "float32"):
        summary, _ = summarize_built(lambda: net, Request("m:net", inputs=Shapes(((4,),)), dtype=dtype))
        assert (summary.trace.method, summary.outputs[0].dtype) == ("real", dtype)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


@in_child("torch")
def test_words_that_only_look_like_metas_are_the_users_own() -> None:
    def forward(self: Any, x: Any) -> Any:
        self.runs.append(1)
        raise ValueError("there is no metadata for this")

    with pytest.raises(InputError, match=r"test_state\.py:\d+: .*ValueError: there is no metadata"):
        summarize(module(forward, runs=[]), ["2x4:float32"])
