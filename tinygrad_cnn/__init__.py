"""PyTorch's way of writing convolutional networks on a small compiled C core: `import tinygrad_cnn as torch`.

What a tensor is and does is imported at once; `nn`, `optim`, `utils`, `vision` and the like when they are first used,
so that importing the package costs little more than importing NumPy.
"""

# The imports are the exports.
# ruff: noqa: F401, F403
import importlib as _importlib
import typing as _typing

# autograd comes first: it loads tensor.py after grad_mode, in the order that both need.
from . import autograd  # isort: skip
from math import e, inf, nan, pi  # isort: skip

from . import config as __config__
from . import dtypes, methods, random
from ._arguments import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from ._lazy import LAZY as _LAZY
from ._version import __version__
from .autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
from .autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .config import (
    get_num_interop_threads,
    get_num_threads,
    set_num_interop_threads,
    set_num_threads,
    show_config,
)
from .creation import (
    empty,
    empty_permuted,
    empty_strided,
    full,
    ones,
    scalar_tensor,
    zeros,
)
from .data import as_tensor, asarray, from_dlpack, from_numpy, frombuffer, tensor
from .dtypes import (
    Size,
    bfloat16,
    bool,
    can_cast,
    device,
    double,
    dtype,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from .functions import *
from .legacy import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    set_default_tensor_type,
)
from .like import empty_like, full_like, ones_like, zeros_like
from .limits import finfo, iinfo
from .metadata import (
    is_complex,
    is_conj,
    is_distributed,
    is_floating_point,
    is_inference,
    is_neg,
    is_nonzero,
    is_same_size,
    is_signed,
    is_storage,
    is_tensor,
    numel,
    typename,
)
from .printing import set_printoptions
from .random import (
    Generator,
    bernoulli,
    binomial,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from .resizing import resize_as_
from .sequences import arange, eye, linspace, logspace, range
from .tensor import Tensor

if _typing.TYPE_CHECKING:
    from . import (
        accelerator,
        amp,
        backends,
        compiler,
        cpu,
        cuda,
        distributed,
        func,
        hub,
        jit,
        linalg,
        mps,
        multiprocessing,
        nn,
        optim,
        profiler,
        serialization,
        utils,
        version,
        vision,
        xpu,
    )
    from ._summary import summary
    from .amp import GradScaler, autocast
    from .amp.autocast_mode import get_autocast_dtype, is_autocast_cache_enabled, is_autocast_enabled
    from .compat import install_as_torch, load_ipython_extension
    from .compiler import compile
    from .errors import AcceleratorError, OutOfMemoryError
    from .nn.functional.recurrent import *
    from .nn.functional.top_level import *
    from .serialization import load, save
    from .settings import *
    from .windows import *

newaxis = None
methods.install()


def __getattr__(name: str) -> _typing.Any:
    """Import a part of the package when it is first used."""
    where = _LAZY.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not where:
        return _importlib.import_module(f".{name}", __name__)
    value = globals()[name] = getattr(_importlib.import_module(f".{where}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
