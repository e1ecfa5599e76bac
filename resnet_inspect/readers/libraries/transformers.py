"""The backend of transformers: models from a configuration alone, ``transformers:bert`` or ``transformers:FOLDER``.

Code that a configuration names (``auto_map``) is never run: only the library's own classes are built.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from ...analysis.checkpoint_match import Entry
from ...call import Call, Spec
from ...errors import BadRequestError, ModelError, closest, first_line, meant
from ...ir import Model, Summary
from ..chatter import held_back
from ..inputs import OWN_INPUT, Shapes
from ..request import Answer, Request
from ..torch import object as torch_object
from ..torch.inputs import Decode
from ..torch.object import state_of, summarize_built
from ..torch.tensors import dtype_name
from ..weights import is_file
from .transformers_config import alone, read
from .transformers_decoding import decoding
from .transformers_experts import inactive

#: What models of sound read where their configuration says no length: a second, as samples and as frames.
_SAMPLES = 16_000
_FRAMES = 100
_FRAMES_OF_VIDEO = 16


def summarize(request: Request) -> Answer:
    """Summarises the architecture that ``request.model`` names: a model type, a ``config.json`` or a folder with one.

    Raises:
        ModelError: there is no such architecture, or it can't be built from the configuration.
        InputError: the input doesn't fit, with the layer that refuses it.
    """
    if request.weights and not is_file(request.weights):
        raise BadRequestError("transformers: models are built from their configuration; give weights as a file")
    if request.decode is not None and request.is_training:
        raise BadRequestError("--decode is a step of a trained model: leave --mode out")
    if request.decode is not None and not isinstance(request.inputs, Shapes):
        raise BadRequestError("--decode makes the inputs of its step itself: give the encoder's as shapes, or none")
    with held_back(), _contained(request):
        config, architecture = _configuration(request)
        build = _builder(request, config, architecture)
        # Shapes and their batch are for ``declared`` to read; a call has its own.
        read = replace(request, inputs=OWN_INPUT, batch=None) if isinstance(request.inputs, Shapes) else request
        summary, notes = summarize_built(build, read, lambda model: _called(model, request))
    builder = f"transformers.{architecture}"
    described = Model(Path(request.model).name, "torch", builder, request.arguments, summary.model.weights)
    return Answer(replace(summary, model=described, inactive=inactive(summary, config)), notes)


def summarize_object(
    model: Any,
    inputs: Sequence[Any] | Call | None,
    batch: int | None = None,
    dtype: str | None = None,
    training: bool = False,
) -> Summary:
    """Summarises a model that a caller brings, as any torch module, and tells which of its experts a token takes."""
    summary = torch_object.summarize_object(model, inputs, batch, dtype, training)
    return replace(summary, inactive=inactive(summary, getattr(model, "config", None)))


def summarize_decoding(model: Any, tokens: int, batch: int | None = None) -> Summary:
    """Summarises one step of decoding of a model that a caller brings.

    Raises:
        BadRequestError: it isn't a model of transformers, or it keeps no cache.
        InputError: it can't read so many tokens.
    """
    name = type(model).__name__
    if not isinstance(model, transformers.PreTrainedModel):
        raise BadRequestError(f"decode needs a model of transformers, and {name} is none")
    summary = torch_object.summarize_object(model, _called(model, Request(name, batch=batch, decode=tokens)))
    return replace(summary, inactive=inactive(summary, model.config))


def state(request: Request) -> Sequence[Entry]:
    """The entries of a model's state dictionary."""
    with held_back(), _contained(request):
        return state_of(_builder(request, *_configuration(request)))


def known_names() -> tuple[str, ...]:
    """The model types that the library has configurations of."""
    return tuple(sorted(CONFIG_MAPPING_NAMES))


def built(request: Request) -> nn.Module:
    """The model itself, on whatever device the caller has chosen."""
    with _contained(request):
        return _builder(request, *_configuration(request))()


def _called(model: Any, request: Request) -> Call | Decode:
    """One forward pass, or a step of decoding; of several texts where a batch was given, else of one."""
    if request.decode is None:
        return declared(model, request)
    batch = request.batch or 1
    encoded: Mapping[str, Spec] = {}
    if getattr(model.config, "is_encoder_decoder", False):
        call = declared(model, replace(request, batch=batch))
        encoded = {
            name: spec for name, spec in call.kwargs if isinstance(spec, Spec) and not name.startswith("decoder")
        }
    elif request.shapes:
        raise BadRequestError(f"--decode says how long the text of {request.model} is: leave --input out")
    return decoding(model, request.model, request.decode, batch, encoded)


def declared(model: Any, request: Request) -> Call:
    """What a model is called with: its dummy inputs, or what its configuration says of images and sounds.

    Shapes of the request stand for the first inputs, in the order of the model's own; token sequences beside a given
    one are as long.
    """
    own = _own_inputs(model)
    if request.batch is not None:
        own = {name: replace(spec, shape=(request.batch, *spec.shape[1:])) for name, spec in own.items()}
    if len(request.shapes) > len(own):
        raise BadRequestError(f"{request.model} reads {', '.join(own)}; got {len(request.shapes)} shapes")
    for name, shape in zip(list(own), request.shapes, strict=False):
        before = own[name]
        full = shape if len(shape) == len(before.shape) else (request.batch or 1, *shape)
        alike = [key for key, spec in own.items() if spec.shape == before.shape and key != name]
        own[name] = replace(before, shape=full)
        if len(request.shapes) == 1:
            own |= {key: replace(own[key], shape=full) for key in alike}
    return Call((), (*own.items(), *_switches(model)))


def _configuration(request: Request) -> tuple[Any, str]:
    """The configuration, changed as the arguments say, and the class that it is for."""
    path, has_code = _file(request), False
    document: dict[str, Any] = {"model_type": request.model}
    if path is not None:
        document, has_code = read(path)
    kind = document.pop("model_type", None)
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING_NAMES:
        if has_code and path is not None:
            raise ModelError(
                f"{path.name} is refused: transformers has no architecture {kind!r:.80}, only the code that the file "
                "names (auto_map), and no file's code is run"
            )
        nearest = closest(str(kind), CONFIG_MAPPING_NAMES)
        hint = meant(nearest, f"it has {len(CONFIG_MAPPING_NAMES)}, bert among them")
        raise ModelError(f"transformers has no architecture {kind!r}; {hint}")
    try:
        config = transformers.AutoConfig.for_model(kind)
        if wrong := [key for key, _ in request.arguments if not hasattr(config, key)]:
            nearest = closest(wrong[0], vars(config))
            hint = f"; {meant(nearest)}" if nearest else ""
            raise ModelError(f"the configuration of {kind} has no {wrong[0]!r}{hint}")
        arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in request.arguments}
        config = type(config)(**{**document, **arguments})
    except ModelError:
        raise
    except Exception as error:
        said = first_line(error)
        raise ModelError(f"transformers:{request.model} is not a configuration that it takes: {said}") from error
    return config, _class(config, document.get("architectures"))


def _file(request: Request) -> Path | None:
    """The file that a request names, None where it names a type."""
    path = Path(request.model)
    if path.suffix != ".json" and not path.exists():
        return None
    return path / "config.json" if path.is_dir() else path


def _contained(request: Request) -> AbstractContextManager[None]:
    """A stranger's file is read and built by itself; a type that somebody names is the library's."""
    path = _file(request)
    return alone(path.name) if path else nullcontext()


def _class(config: Any, architectures: Any) -> str:
    """The first of the named classes that is a model for such a configuration, whatever else the library has."""
    for name in architectures if isinstance(architectures, list) else ():
        found = getattr(transformers, name, None) if isinstance(name, str) and name.isidentifier() else None
        if inspect.isclass(found) and issubclass(found, transformers.PreTrainedModel):
            own = getattr(found, "config_class", None)
            if inspect.isclass(own) and isinstance(config, own):
                return str(name)
    return "AutoModel"


def _builder(request: Request, config: Any, architecture: str) -> Callable[[], nn.Module]:
    cls = getattr(transformers, architecture)

    def build() -> nn.Module:
        try:
            model: nn.Module = (
                cls.from_config(config, trust_remote_code=False)
                if architecture == "AutoModel"
                else cls._from_config(config)
            )
        except ModelError:
            raise
        except (NotImplementedError, RuntimeError) as error:
            if "meta" in str(error):
                raise
            raise ModelError(f"transformers:{request.model} can't be built: {first_line(error)}") from error
        except Exception as error:
            raise ModelError(f"transformers:{request.model} can't be built: {first_line(error)}") from error
        return model

    return build


def _own_inputs(model: Any) -> dict[str, Spec]:
    """By name: images and sounds by the configuration, tokens as in ``dummy_inputs``."""
    takes = inspect.signature(model.forward).parameters
    main = model.main_input_name
    tokens = {
        name: Spec(tuple(tensor.shape), dtype_name(tensor))
        for name, tensor in model.dummy_inputs.items()
        if name in takes and isinstance(tensor, torch.Tensor)
    }
    found: dict[str, Spec] = {}
    if main in takes and main not in tokens:
        found[main] = _signal(main, model.config)
    reads_text = main in tokens or _is_required(takes, "input_ids") or getattr(model.config, "text_config", None)
    if reads_text:
        found |= tokens
        if "pixel_values" in takes and getattr(model.config, "vision_config", None) and not _is_generative(model):
            batch = next(iter(tokens.values())).shape[0] if tokens else 1
            image = _signal("pixel_values", model.config)
            found["pixel_values"] = replace(image, shape=(batch, *image.shape[1:]))
    if "decoder_input_ids" in takes and getattr(model.config, "is_encoder_decoder", False):
        batch = next(iter(found.values())).shape[0] if found else 1
        found.setdefault("decoder_input_ids", Spec((batch, 5), "int64"))
    return found


def _is_required(takes: Any, name: str) -> bool:
    return name in takes and takes[name].default is inspect.Parameter.empty


def _is_generative(model: Any) -> bool:
    """Whether a model writes text, in which images are placeholders among the tokens: its dummy inputs have none."""
    return hasattr(model, "language_model") or hasattr(getattr(model, "model", None), "language_model")


def _signal(name: str, config: Any) -> Spec:
    """One image, sound or video of the size that a configuration says."""

    def said(*keys: str, default: int) -> Any:
        for source in (
            config,
            *(getattr(config, part, None) for part in ("vision_config", "audio_config", "backbone_config")),
        ):
            for key in keys:
                value = source.get(key) if isinstance(source, dict) else getattr(source, key, None)
                if value is not None:
                    return value
        return default

    if name.startswith("pixel_values"):
        size = said("image_size", "input_size", default=224)
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        image = (said("num_channels", "in_channels", "in_chans", default=3), height, width)
        video = "videos" in name or hasattr(config, "num_frames") or hasattr(config, "tubelet_size")
        return Spec(
            (1, said("num_frames", "frames_per_clip", default=_FRAMES_OF_VIDEO), *image) if video else (1, *image)
        )
    if name == "input_features":
        mels = said("num_mel_bins", "feature_projection_input_dim", default=80)
        frames = 2 * said("max_source_positions", default=_FRAMES // 2)
        return Spec((1, mels, frames) if hasattr(config, "max_source_positions") else (1, frames, mels))
    if name == "input_values" and hasattr(config, "num_mel_bins"):
        return Spec((1, said("max_length", default=_FRAMES), config.num_mel_bins))
    if name == "input_values":
        return Spec((1, _SAMPLES))
    return Spec((1, 8), "int64")


def _switches(model: Any) -> tuple[tuple[str, bool], ...]:
    """A model's own cache of keys and values isn't what a single forward is about."""
    takes = inspect.signature(model.forward).parameters
    return (("use_cache", False),) if "use_cache" in takes else ()
