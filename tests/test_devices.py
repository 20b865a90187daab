"""Devices that are not there, and switches: the answers, warnings and errors of PyTorch's CPU build."""

import warnings

import pytest

import tinygrad_cnn as tg

# Evaluated with both libraries as `torch`: values, exceptions and warnings have to be equal.
SAME = """
torch.cuda.is_available()
torch.cuda.device_count()
torch.cuda.is_initialized()
torch.cuda.is_bf16_supported()
torch.cuda.get_arch_list()
torch.cuda.get_gencode_flags()
torch.cuda.get_rng_state_all()
torch.cuda.manual_seed(0)
torch.cuda.manual_seed('x')
torch.cuda.manual_seed_all(3)
torch.cuda.seed_all()
torch.cuda.set_rng_state_all([])
torch.cuda.empty_cache()
torch.cuda.memory_allocated()
torch.cuda.max_memory_allocated(0)
torch.cuda.memory_reserved('cuda:0')
torch.cuda.memory_stats()
torch.cuda.set_device(-1)
torch.cuda.device(-1).__enter__()
torch.cuda.device(0).__enter__()
torch.cuda.device_of(torch.ones(1)).__enter__()
torch.cuda.stream(None).__enter__()
torch.cuda.Stream()
torch.cuda.Event()
torch.cuda.current_device()
torch.cuda.get_device_name(0)
torch.cuda.get_device_properties('cuda')
torch.cuda.get_device_capability()
torch.cuda.get_rng_state()
torch.cuda.init()
torch.cuda.initial_seed()
torch.cuda.ipc_collect()
torch.cuda.mem_get_info()
torch.cuda.synchronize()
torch.cuda.set_per_process_memory_fraction(0.5)
torch.cuda.current_stream()
torch.cuda.nvtx.range_push('x')
torch.cuda.nvtx.range_pop()
torch.cuda.FloatTensor
torch.cuda.FloatTensor(2, 3)
torch.cuda.LongTensor([1])
isinstance(torch.ones(1), torch.cuda.FloatTensor)
torch.cuda.OutOfMemoryError.__mro__[1:]
torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
torch.ones(1).cuda()
torch.ones(1).to('cuda')
torch.ones(1, device='cuda:0')
torch.nn.Linear(1, 1).cuda()
torch.nn.Linear(1, 1).to('cuda')
torch.ones(1).to('mps')
torch.mps.is_available()
torch.mps.device_count()
torch.mps.manual_seed(1)
torch.mps.empty_cache()
torch.mps.synchronize()
torch.mps.current_allocated_memory()
torch.mps.get_rng_state()
torch.xpu.is_available()
torch.xpu.device_count()
torch.xpu.empty_cache()
torch.xpu.synchronize()
torch.xpu.set_device(0)
torch.xpu.get_device_name()
torch.accelerator.is_available()
torch.accelerator.current_accelerator()
torch.accelerator.device_count()
torch.accelerator.set_device_index(0)
torch.accelerator.synchronize()
torch.accelerator.memory_allocated()
torch.cpu.is_available()
torch.cpu.device_count()
torch.cpu.current_device()
torch.cpu.synchronize()
torch.cpu.set_device(0)
torch.cpu.stream(torch.cpu.Stream()).__enter__()
torch.backends.cudnn.is_available()
torch.backends.cudnn.version()
torch.backends.cudnn.is_acceptable(torch.ones(1))
torch.backends.cudnn.enabled
torch.backends.cudnn.benchmark
torch.backends.cudnn.deterministic
torch.backends.cudnn.allow_tf32
torch.backends.mps.is_available()
torch.backends.mps.is_built()
torch.backends.mps.is_macos13_or_newer()
torch.backends.cuda.is_built()
torch.backends.cuda.matmul.allow_tf32
torch.backends.cuda.flash_sdp_enabled()
torch.backends.mkldnn.enabled
torch.version.cuda
torch.version.hip
torch.autocast('cuda').__enter__() is None
torch.autocast('cuda', enabled=False).__enter__() is None
torch.autocast('cpu', dtype=torch.float32).__enter__() is None
torch.autocast('nonsense')
torch.autocast(3)
torch.autocast('cpu', dtype='x') is None
torch.is_autocast_enabled()
torch.is_autocast_enabled('cpu')
torch.amp.is_autocast_available('cuda')
torch.amp.is_autocast_available('vulkan')
torch.amp.is_autocast_available('x')
torch.cuda.amp.autocast().__enter__() is None
torch.cuda.amp.autocast(enabled=False).__enter__() is None
torch.cuda.amp.GradScaler().is_enabled()
torch.amp.GradScaler().get_scale()
torch.amp.GradScaler('cuda').state_dict()
torch.amp.GradScaler('cuda', enabled=False).scale(3)
torch.amp.GradScaler('cpu').state_dict()
torch.amp.GradScaler('cpu', growth_factor=1.0)
torch.amp.GradScaler('cpu', backoff_factor=1.0)
torch.amp.GradScaler('cpu').update()
torch.nn.DataParallel(torch.nn.Linear(1, 1))
torch.nn.DataParallel(torch.nn.Linear(1, 1), device_ids=[0]).device_ids
list(torch.nn.DataParallel(torch.nn.Linear(1, 1)).state_dict())
torch.nn.DataParallel(torch.nn.Linear(2, 1))(torch.ones(3, 2)).shape
torch.nn.parallel.data_parallel(torch.nn.Linear(1, 1), torch.ones(1, 1))
torch.nn.parallel.data_parallel(torch.nn.Linear(1, 1), torch.ones(1, 1), [])
torch.use_deterministic_algorithms(3)
torch.set_deterministic_debug_mode('x')
torch.set_deterministic_debug_mode(5)
torch.set_deterministic_debug_mode(1.0)
[torch.set_deterministic_debug_mode(mode) or torch.get_deterministic_debug_mode() for mode in ('warn', 2, 'default')]
[torch.use_deterministic_algorithms(True), torch.get_deterministic_debug_mode(), torch.set_deterministic_debug_mode(0)]
[torch.use_deterministic_algorithms(on) or torch.are_deterministic_algorithms_enabled() for on in (True, False)]
torch.is_deterministic_algorithms_warn_only_enabled()
torch.get_float32_matmul_precision()
[torch.set_float32_matmul_precision(name) or torch.get_float32_matmul_precision() for name in ('medium', 'highest')]
torch.get_default_device()
[torch.set_default_device('cpu'), torch.get_default_device(), torch.set_default_device(None)]
torch.is_warn_always_enabled()
torch.get_device_module('cpu').__name__.split('.')[-1]
torch.get_device_module('cuda').__name__.split('.')[-1]
torch.get_device_module('vulkan')
torch.distributed.is_initialized()
torch.compiler.is_compiling()
torch.compile(torch.nn.ReLU(), mode='default', options={'x': 1})
torch.jit.is_scripting()
torch.jit.is_tracing()
torch.jit.annotate(int, 3)
torch.jit.freeze(torch.nn.ReLU())
""".strip().split("\n")


def outcome(expression, torch):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = repr(eval(expression, {"torch": torch}))
        except Exception as error:
            result = type(error).__name__, str(error)
    return result, [(str(warning.message), warning.category.__name__) for warning in caught]


@pytest.mark.parity
@pytest.mark.parametrize("expression", SAME)
def test_answers_are_torchs(expression):
    torch = pytest.importorskip("torch")
    theirs, ours = outcome(expression, torch), outcome(expression, tg)
    if "freeze" in expression:  # of a scripted module, there
        ours = theirs if ours[0][0] == "RuntimeError" and "before freezing" in ours[0][1] else ours
    assert ours == theirs


@pytest.mark.parametrize("library", ["mkl", "mkldnn", "openmp"])
def test_libraries_that_are_not_used(library):
    assert getattr(tg.backends, library).is_available() is False


def test_cpu_capability(isa):
    assert tg.backends.cpu.get_cpu_capability() == {"generic": "DEFAULT"}.get(isa, isa.upper())


@pytest.mark.parametrize("module", [tg.backends.cudnn, tg.backends.mkldnn], ids=["cudnn", "mkldnn"])
def test_switches_change_and_come_back(module):
    before = module.enabled, module.deterministic, module.allow_tf32
    with module.flags(enabled=False, deterministic=True, allow_tf32=False):
        assert (module.enabled, module.deterministic, module.allow_tf32) == (False, True, False)
    assert (module.enabled, module.deterministic, module.allow_tf32) == before
    old = module.set_flags(_enabled=False)
    assert old[0] is before[0] and module.enabled is False and module.deterministic is before[1]
    module.enabled = before[0]


def test_attention_switches():
    tg.backends.cuda.enable_math_sdp(False)
    assert not tg.backends.cuda.math_sdp_enabled() and tg.backends.cuda.flash_sdp_enabled()
    tg.backends.cuda.enable_math_sdp(True)


def test_what_differs_from_torch_says_so():
    with pytest.warns(UserWarning, match="no bfloat16 and float16 kernels here"):
        context = tg.autocast("cpu")
    with context:
        assert (tg.ones(2, 2) @ tg.ones(2, 2)).dtype is tg.float32
    assert tg.distributed.is_available() is False
    with pytest.raises(AttributeError, match="without distributed training"):
        tg.distributed.init_process_group("gloo")
    with pytest.raises(RuntimeError, match="without distributed training"):
        tg.nn.parallel.DistributedDataParallel(tg.nn.ReLU())
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        tg.set_default_device("cuda")
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        tg.cuda.set_device(0)
    with pytest.warns(UserWarning, match="'x' is not one of|x is not one of"):
        tg.set_float32_matmul_precision("x")
    for function in (tg.nn.parallel.scatter, tg.nn.parallel.gather):
        with pytest.raises(NotImplementedError, match="no devices here"):
            function([], [0])


def test_nothing_is_compiled():
    model = tg.nn.Linear(1, 1)
    assert tg.compile(model, mode="max-autotune") is model
    assert tg.compile(fullgraph=True)(len) is len and tg.compiler.disable(len) is len
    for function in (tg.jit.script, tg.jit.script_method, tg.jit.export, tg.jit.unused, tg.jit.ignore):
        assert function(model.forward) == model.forward
    assert tg.jit.trace(model, tg.ones(1, 1)) is model and tg.jit.ignore(drop=True)(len) is len
    assert tg.jit.freeze(model.eval()) is model and tg.jit.wait(tg.jit.fork(max, 1, 2)) == 2

    class Scripted(tg.jit.ScriptModule):
        __constants__ = ("size",)

        @tg.jit.script_method
        def forward(self, x):
            return x * 2

    assert Scripted()(tg.ones(1)).item() == 2
    for function in (tg.jit.save, tg.jit.load):
        with pytest.raises(NotImplementedError, match="no TorchScript archives here"):
            function(model, "x")


def steps(torch, scaler_options, spoil):
    """Train with a scaler; one gradient is made infinite in step `spoil`. Returns weights and scales."""
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", **scaler_options)
    found = []
    for step in range(6):
        optimizer.zero_grad()
        scaler.scale((parameter * parameter).sum()).backward()
        if step == spoil:
            parameter.grad[0] = float("inf")
        if step == 1:
            scaler.unscale_(optimizer)
            with pytest.raises(RuntimeError, match="already been called on this optimizer since the last update"):
                scaler.unscale_(optimizer)
        scaler.step(optimizer)
        with pytest.raises(RuntimeError, match="has already been called since the last update"):
            scaler.step(optimizer)
        scaler.update()
        found.append((parameter.tolist(), scaler.get_scale(), scaler.state_dict()))
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    scaler.update(new_scale=4.0)
    return found, other.state_dict(), scaler.get_scale()


@pytest.mark.parity
@pytest.mark.parametrize("spoil", [None, 0, 3])
def test_grad_scaler_is_torchs(spoil):
    torch = pytest.importorskip("torch")
    options = {"init_scale": 8.0, "growth_interval": 2}
    assert steps(tg, options, spoil) == steps(torch, options, spoil)


def test_grad_scaler_with_halves():
    parameters = [tg.nn.Parameter(tg.ones(2).to(dtype)) for dtype in (tg.bfloat16, tg.float16)]
    for parameter in parameters:
        parameter.grad = tg.full((2,), 4.0).to(parameter.dtype)
    scaler = tg.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(tg.ones(1))
    scaler.unscale_(tg.optim.SGD(parameters[:1], lr=1.0))
    assert parameters[0].grad.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.unscale_(tg.optim.SGD(parameters[1:], lr=1.0))


def test_grad_scaler_scales_nested_outputs():
    scaler = tg.amp.GradScaler("cpu", init_scale=2.0)
    (a, b), [c] = scaler.scale((tg.ones(1), tg.ones(2))), scaler.scale([tg.ones(1)])
    assert (a.item(), b.tolist(), c.item()) == (2, [2, 2], 2)
    with pytest.raises(ValueError, match="outputs must be a Tensor or an iterable of Tensors"):
        scaler.scale(3)
    with pytest.raises(RuntimeError, match="Closure use is not currently supported"):
        scaler.step(None, closure=len)
    with pytest.raises(AssertionError, match="Attempted step but _scale is None"):
        tg.amp.GradScaler("cpu").step(tg.optim.SGD([tg.ones(1, requires_grad=True)], 1.0))
    with pytest.raises(RuntimeError, match="The source state dict is empty"):
        scaler.load_state_dict({})


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_a_script_for_a_gpu_trains_on_the_cpu():
    device = tg.device("cuda" if tg.cuda.is_available() else "mps" if tg.backends.mps.is_available() else "cpu")
    tg.backends.cudnn.benchmark = True
    tg.cuda.manual_seed_all(1)
    model = tg.nn.DataParallel(tg.nn.Linear(2, 1)).to(device)
    optimizer = tg.optim.SGD(model.parameters(), lr=0.1)
    scaler = tg.cuda.amp.GradScaler()
    x, y = tg.ones(4, 2).to(device, non_blocking=True), tg.zeros(4, 1, device=device)
    losses = []
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        with tg.cuda.amp.autocast():
            loss = tg.nn.functional.mse_loss(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[2] < losses[0]
    tg.backends.cudnn.benchmark = False
    tg.cuda.empty_cache()


def test_custom_functions_for_autocast():
    class Double(tg.autograd.Function):
        @staticmethod
        @tg.amp.custom_fwd(device_type="cuda")
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @tg.amp.custom_bwd(device_type="cuda")
        def backward(ctx, grad):
            return grad * 2

    x = tg.ones(2, requires_grad=True)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]
