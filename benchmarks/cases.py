"""What is measured as whole processes, as data: cases, the ratios between them and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Parameters of ResNet50, as torchvision and Keras count them: who prints them has seen the network.
TORCH_PARAMS, KERAS_PARAMS = "25,557,032", "25,636,712"
#: Llama 3 70B (Grattafiori et al. 2024, table 3).
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
}
LLAMA_PARAMS = 70_553_706_496


@dataclass(frozen=True, slots=True)
class Case:
    """A process: ``resnet-inspect`` with ``arguments``, or a ``script`` of Python.

    ``expects`` is what its output must contain. ``peer`` is the package that it shows; a peer's failure is a row, ours
    fails the run. ``cached`` cases find the summary of an earlier one. ``counted`` ones are quick enough that
    callgrind counts their instructions.
    """

    name: str
    arguments: tuple[str, ...] = ()
    script: str = ""
    expects: tuple[str, ...] = ()
    peer: str = ""
    cached: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Ratio:
    """One case beside another of its group; without one, ``limit`` is in seconds."""

    ours: str
    beside: str = ""
    limit: float | None = None
    of: Literal["time", "memory"] = "time"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that alternate, and how many rounds of them there are; of several, one more warms up."""

    name: str
    rounds: int
    quick: int
    cases: tuple[Case, ...]
    ratios: tuple[Ratio, ...]


#: The rows of ``summary`` as they are, drawn by a script that does nothing else.
BARE_TABLE = """
import click
from rich.console import Console
from rich.table import Table

from cells import ROWS, TITLES


@click.command()
def command():
    table = Table(*TITLES)
    for row in ROWS:
        table.add_row(*row)
    Console(width=200).print(table)


command()
"""

_RESNET = "import torch, torchvision\nmodel = torchvision.models.resnet50()\n"
_META = 'import torch, torchvision\nwith torch.device("meta"):\n    model = torchvision.models.resnet50()\n'
_ZEROS = "model.eval()\ninputs = torch.zeros(1, 3, 512, 512)\n"
_LARGE = ("--backend", "torch", "--input", "3x512x512")
_TORCH = Case("summary, torch, 512", ("summary", *_LARGE), expects=(TORCH_PARAMS,))

LOCAL = Group(
    "local",
    rounds=15,
    quick=5,
    cases=(
        Case("import click", script="import click", counted=True),
        Case("click and rich, bare table", script=BARE_TABLE, expects=("layer4.2.relu", "fc"), counted=True),
        Case("--help", ("--help",), expects=("summary",), counted=True),
        Case("summary, local, JSON", ("summary", "--format", "json"), expects=('"params": 25557032',), counted=True),
        Case("summary, local, table", ("summary",), expects=(TORCH_PARAMS,), counted=True),
        Case("diff of two JSON files", ("diff", "resnet50.json", "resnet101.json"), expects=("44,549,160",)),
        Case(
            "summary, torch, cached, JSON",
            ("summary", "--backend", "torch", "--format", "json"),
            expects=('"params": 25557032',),
            cached=True,
        ),
        Case("summary, torch, cached, table", ("summary", "--backend", "torch"), expects=(TORCH_PARAMS,), cached=True),
        Case(
            "summary, Keras, cached, JSON",
            ("summary", "--backend", "keras", "--format", "json"),
            expects=('"params": 25636712',),
            cached=True,
        ),
        Case("summary, Keras, cached, table", ("summary", "--backend", "keras"), expects=(KERAS_PARAMS,), cached=True),
    ),
    ratios=(
        Ratio("summary, local, table", "click and rich, bare table", 1.25),
        Ratio("summary, local, JSON", "import click", 2.0),
        Ratio("--help", "import click"),
        Ratio("diff of two JSON files", "import click"),
        Ratio("summary, torch, cached, JSON", "summary, local, JSON", 1.2),
        Ratio("summary, torch, cached, table", "summary, local, table", 1.2),
        Ratio("summary, Keras, cached, JSON", "summary, local, JSON", 1.2),
        Ratio("summary, Keras, cached, table", "summary, local, table", 1.2),
    ),
)

TORCH = Group(
    "torch",
    rounds=7,
    quick=2,
    cases=(
        Case("import torchvision.models", script="import torchvision.models"),
        _TORCH,
        Case("summary, torch, 512, JSON", ("summary", *_LARGE, "--format", "json"), expects=('"params": 25557032',)),
        Case(
            "torchsummary's script",
            script=_RESNET
            + 'import torchsummary\nprint(model)\ntorchsummary.summary(model, (3, 512, 512), device="cpu")',
            expects=(TORCH_PARAMS,),
        ),
    ),
    ratios=(
        Ratio("summary, torch, 512", "import torchvision.models", 0.80),
        Ratio("summary, torch, 512", "torchsummary's script", 0.65),
        Ratio("summary, torch, 512", "torchsummary's script", 0.5, of="memory"),
        Ratio("summary, torch, 512, JSON", "import torchvision.models"),
    ),
)

_PEERS = (
    Case(
        "torchinfo, real",
        script=_RESNET + "import torchinfo\ntorchinfo.summary(model, (1, 3, 512, 512), verbose=1)",
        expects=(TORCH_PARAMS,),
        peer="torchinfo",
    ),
    Case(
        "torchinfo, meta",
        script=_META + 'import torchinfo\ntorchinfo.summary(model, (1, 3, 512, 512), device="meta", verbose=1)',
        expects=(TORCH_PARAMS,),
        peer="torchinfo",
    ),
    Case(
        "fvcore",
        script=_RESNET
        + _ZEROS
        + "from fvcore.nn import FlopCountAnalysis, flop_count_table\n"
        + "print(flop_count_table(FlopCountAnalysis(model, inputs)))",
        expects=("layer4",),
        peer="fvcore",
    ),
    Case(
        "ptflops",
        script=_RESNET
        + "from ptflops import get_model_complexity_info\n"
        + "print(get_model_complexity_info(model, (3, 512, 512), print_per_layer_stat=True))",
        expects=("layer4",),
        peer="ptflops",
    ),
    Case(
        "torchlens",
        script=_RESNET + _ZEROS + "import torchlens\nprint(torchlens.trace(model, inputs))",
        expects=("25557032 params",),
        peer="torchlens",
    ),
    Case(
        "torchscan",
        script=_RESNET + "import torchscan\ntorchscan.summary(model.eval(), (3, 512, 512))",
        expects=(TORCH_PARAMS,),
        peer="torchscan",
    ),
)

PEERS = Group(
    "peers",
    rounds=3,
    quick=1,
    cases=(_TORCH, *_PEERS),
    ratios=tuple(Ratio(_TORCH.name, case.name) for case in _PEERS),
)

KERAS = Group(
    "keras",
    rounds=5,
    quick=1,
    cases=(
        Case("import keras", script="import keras"),
        Case("summary, Keras", ("summary", "--backend", "keras"), expects=(KERAS_PARAMS,)),
        Case(
            "Keras' script",
            script="import keras\nkeras.applications.ResNet50(weights=None).summary()",
            expects=(KERAS_PARAMS,),
        ),
    ),
    ratios=(
        Ratio("summary, Keras", "import keras", 1.08),
        Ratio("summary, Keras", "Keras' script", 0.8),
        Ratio("summary, Keras", "Keras' script", of="memory"),
    ),
)

LARGE = Group(
    "large",
    rounds=3,
    quick=1,
    cases=(
        Case("import Llama's module", script="import transformers.models.llama.modeling_llama"),
        Case(
            "summary, Llama 70B",
            ("summary", "llama/config.json", "--format", "json"),
            expects=(f'"params": {LLAMA_PARAMS}',),
        ),
    ),
    ratios=(Ratio("summary, Llama 70B", "import Llama's module"),),
)

ZOO = Group(
    "zoo",
    rounds=3,
    quick=1,
    cases=(
        Case(
            "models --counts",
            ("models", "--counts"),
            expects=("torch:vit_h_14", "keras:ResNet50", TORCH_PARAMS, KERAS_PARAMS),
        ),
    ),
    ratios=(Ratio("models --counts", limit=30.0),),
)

#: The same for traces in one process: model, device, and whom they are beside.
TRACE_LIMITS = {("ResNet50, 512", "meta", "torchinfo"): 1.0}

GROUPS = (LOCAL, TORCH, PEERS, KERAS, LARGE, ZOO)
