"""The private names of torch that we use are there, and do what we use them for: a test's name tells what has moved."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any

import resnet_inspect
from tests.support.command import in_child, needs, script

READERS = Path(resnet_inspect.__file__).parent / "readers"
#: Text that names torch's private names for other reasons: pickles' own names, which are data.
_DATA = ("checkpoint/pickle_values.py", "torchscript/pickle.py")
_PRIVATE = re.compile(r"torch(\.\w+)*\._[a-zA-Z]|torch\.fx\.experimental|set_stance|_disable_current_modes")


def test_private_names_are_used_in_one_file() -> None:
    """Docstrings and comments may name what they are about."""
    for path in sorted(READERS.rglob("*.py")):
        name = path.relative_to(READERS).as_posix()
        if name in ("torch/compat.py", *_DATA):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            found = ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Import, ast.ImportFrom)) else ""
            # An import of the package around the stand-ins is how they are put there.
            assert not _PRIVATE.search(found) or name == "torch/standins.py", (name, found)


#: What ``compat.py`` and the stand-ins reach.
NAMES = (
    "torch._C.DisableTorchFunction",
    "torch._C._EnableTorchFunction",
    "torch._C._functorch.get_unwrapped",
    "torch._C._functorch.is_functorch_wrapped_tensor",
    "torch._C.DispatchKey.CompositeExplicitAutograd",
    "torch._C._jit_get_schemas_for_operator",
    "torch._C._len_torch_function_stack",
    "torch._dynamo.disable",
    "torch._dynamo.utils.is_compile_supported",
    "torch._ops.HigherOrderOperator",
    "torch._ops.OpOverload",
    "torch.compiler.is_compiling",
    "torch.fx.experimental.symbolic_shapes.sym_eq",
    "torch.nn.modules.module.register_module_buffer_registration_hook",
    "torch.nn.modules.module.register_module_parameter_registration_hook",
    "torch.overrides._pop_mode",
    "torch.overrides._push_mode",
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch.utils._python_dispatch._disable_current_modes",
)


@needs("torch")
def test_the_names_are_there() -> None:
    moved = script(
        "import operator, torch, torch._dynamo.utils, torch.fx.experimental.symbolic_shapes\n"
        f"for name in {NAMES!r}:\n"
        "    try: operator.attrgetter(name.removeprefix('torch.'))(torch)\n"
        "    except AttributeError: print(name)"
    )
    assert moved == "", "these have moved"


@in_child("torch")
def test_attributes() -> None:
    import torch
    from torch import nn

    from resnet_inspect.readers.torch.compat import ATTRIBUTES

    tensor = torch.ones(2)
    owners: dict[str, Any] = {
        "module": nn.Linear(1, 1),
        "tensor": tensor,
        "storage": tensor.untyped_storage(),
        "operator": torch.ops.aten.add.Tensor,
        "operator of functions": torch.ops.higher_order.cond,
        "compiled module": torch.compile(nn.Linear(1, 1), backend="eager"),
    }
    assert owners.keys() == ATTRIBUTES.keys()
    for owner, names in ATTRIBUTES.items():
        for name in names:
            assert hasattr(owners[owner], name), f"{name} of a {owner} has moved"
    assert tensor[0]._base is tensor
    before = tensor._version
    tensor += 1
    assert tensor._version > before
    assert tensor.untyped_storage()._cdata == tensor[:1].untyped_storage()._cdata
    operator = torch.ops.aten.add_.Tensor
    assert operator._overloadpacket is torch.ops.aten.add_
    assert operator._schema.is_mutable
    assert [argument.name for argument in operator._schema.arguments] == ["self", "other", "alpha"]


@in_child("torch")
def test_a_module_is_called_with_its_hooks() -> None:
    import torch
    from torch import nn
    from torch.nn.modules import module as modules

    from resnet_inspect.readers.torch import compat as torch_compat

    module = nn.Sequential(nn.ReLU())
    given = torch.ones(2)
    original: list[nn.Module] = []

    def call(module: nn.Module, *args: Any) -> Any:
        original.append(module)
        return nn.Module.__call__(module, *args)

    def called() -> bool:
        """Whether torch's own call was asked."""
        original.clear()
        assert torch_compat.call(call, module, (given,), {}).tolist() == [1, 1]
        return bool(original)

    assert all(hasattr(module, name) for name in torch_compat.HOOKS)
    assert all(hasattr(modules, name) for name in torch_compat.GLOBAL_HOOKS)
    assert not called()
    for register in (
        module.register_forward_hook,
        module.register_forward_pre_hook,
        module.register_full_backward_hook,
        module.register_full_backward_pre_hook,
        modules.register_module_forward_hook,
        modules.register_module_forward_pre_hook,
        modules.register_module_full_backward_hook,
        modules.register_module_full_backward_pre_hook,
    ):
        handle = register(lambda *_: None)
        assert called(), register
        handle.remove()
        assert not called(), register
    met: list[bool] = []

    def traced(x: torch.Tensor) -> torch.Tensor:
        met.append(called())
        return x + 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(traced, given, check_trace=False)
    assert met == [True]
    module.compile(backend="eager")
    assert called()


@in_child("torch")
def test_operators_have_schemas_and_costs() -> None:
    import torch
    from torch.utils.flop_counter import flop_registry

    from resnet_inspect.readers.torch.compat import OpOverload, schemas_of

    assert isinstance(torch.ops.aten.mm.default, OpOverload)
    assert flop_registry[torch.ops.aten.mm](torch.ones(2, 3), torch.ones(3, 5), out_val=torch.ones(2, 5)) == 2 * 30
    assert [argument.name for schema in schemas_of("aten::relu") for argument in schema.arguments][:1] == ["self"]
    assert list(schemas_of("aten::no_such_operator")) == []


@in_child("torch")
def test_no_mode_is_on_without_modes() -> None:
    import torch
    from torch.overrides import TorchFunctionMode

    from resnet_inspect.readers.torch import compat as torch_compat

    seen: list[str] = []

    class Functions(TorchFunctionMode):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(self.name)
            return func(*args, **(kwargs or {}))

    class Operators(torch_compat.TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append("operator")
            return func(*args, **(kwargs or {}))

    with Functions("outer"), Functions("inner"), Operators():
        with torch_compat.without_function_modes():
            torch.ones(1)
            assert seen == ["operator"]
            with torch_compat.without_operator_modes():
                torch.ones(1)
            with torch_compat.without_modes():
                torch.ones(1)
                assert seen == ["operator"]
                with Functions("new"):  # what torch 2.8's compiler does while it is imported
                    torch.ones(1)
            torch.ones(1)
            assert seen == ["operator", "new", "operator"]
        torch.ones(1)
    assert seen[3:] == ["inner", "outer", "operator"]


@in_child("torch")
def test_what_was_compiled_runs_eagerly() -> None:
    import torch

    from resnet_inspect.readers.torch import compat as torch_compat

    def backend(graph: Any, inputs: Any) -> Any:
        raise AssertionError("it was compiled")

    ran: list[bool] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        ran.append(torch.compiler.is_compiling())
        return x + 1

    compiled = torch.compile(function, backend=backend)
    with torch_compat.force_eager():
        assert compiled(torch.ones(1)).item() == 2
        with torch_compat.compiling():
            compiled(torch.ones(1))
    assert ran == [False, True]
    assert not torch.compiler.is_compiling()


@in_child("torch")
def test_what_vmap_wraps_is_unwrapped() -> None:
    import torch

    from resnet_inspect.readers.torch.compat import unwrapped

    rows = torch.ones(3, 2)
    met: list[torch.Tensor] = []

    def mapped(row: torch.Tensor) -> torch.Tensor:
        met.append(unwrapped(row))
        return row + 1

    torch.vmap(mapped)(rows)
    assert [tuple(tensor.shape) for tensor in met] == [(3, 2)]
    assert unwrapped(rows) is rows


@needs("torch")
def test_the_reach_of_the_table() -> None:
    said = script(
        "import torch\nfrom torch.fx.experimental import symbolic_shapes\nimport sympy\n"
        "from resnet_inspect.readers.torch.compat import ANSWERS, EXPRESSIONS, SEVERAL\n"
        "print(sorted(n for n in (*ANSWERS, *SEVERAL) if not callable(getattr(symbolic_shapes, n, None))))\n"
        "print(sum(isinstance(getattr(sympy, n), type) for n in EXPRESSIONS))\n"
    )
    missing, expressions = said.splitlines()
    # Each torch has some of them: those that every version since 2.4 has must be there.
    always = {"expect_true", "guard_size_oblivious", "guard_int", "is_nested_int", "statically_known_true", "sym_eq"}
    assert not always & set(ast.literal_eval(missing)), f"{missing} of symbolic_shapes have moved"
    assert expressions == "2"
