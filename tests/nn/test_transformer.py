"""Transformers against PyTorch: text, state, results, gradients, masks, what inference skips, messages."""

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin


def numbers(t, *shape, seed=0.0):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(shape) * 0.7 + seed).sin()


def made(t, name, *args, **options):
    t.manual_seed(3)
    return getattr(t.nn, name)(*args, **options).double()


def encoder(t, layers=2, norm=True, training=True, **options):
    layer = made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0, **options)
    last = t.nn.LayerNorm(4).double() if norm else None
    return t.nn.TransformerEncoder(layer, layers, last).train(training)


def learned(t, module, *inputs, **options):
    """Text, names, result, gradients by inputs and parameters."""
    inputs = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
    y = module(*inputs, **options)
    wanted = [*inputs, *module.parameters()]
    return [repr(module), list(module.state_dict()), y, *t.autograd.grad((y * y.sin()).sum(), wanted)]


def whole(t, **options):
    return made(t, "Transformer", 4, 2, 1, 2, 6, 0.0, **options)


def padding(t):
    return t.tensor([[False, False, True], [False, True, True]])


def skipped(t, mask=None, norm=False, keep=None, training=False, **options):
    """A stack of layers without gradients, with a padding mask."""
    with t.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's nested tensors announce themselves
        module = encoder(t, norm=norm, training=training, batch_first=True, **options)
        return module(numbers(t, 2, 3, 4), mask, padding(t) if keep is None else keep)


CASES = {
    "encoder_layer": lambda t: learned(t, made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0), numbers(t, 3, 2, 4)),
    "norm_first": lambda t: learned(
        t, made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0, "gelu", 0.1, True, True), numbers(t, 3, 2, 4)
    ),
    "no_bias": lambda t: learned(t, made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0, bias=False), numbers(t, 3, 2, 4)),
    "unbatched": lambda t: learned(t, made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0), numbers(t, 3, 4)),
    "masks": lambda t: learned(
        t,
        made(t, "TransformerEncoderLayer", 4, 2, 6, 0.0, batch_first=True),
        numbers(t, 2, 3, 4),
        src_mask=t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64),
        src_key_padding_mask=numbers(t, 2, 3),
    ),
    "decoder_layer": lambda t: learned(
        t, made(t, "TransformerDecoderLayer", 4, 2, 6, 0.0), numbers(t, 3, 2, 4), numbers(t, 5, 2, 4)
    ),
    "decoder_layer_first": lambda t: learned(
        t,
        made(t, "TransformerDecoderLayer", 4, 2, 6, 0.0, t.tanh, 0.1, True, True),
        numbers(t, 2, 3, 4),
        numbers(t, 2, 5, 4),
        tgt_key_padding_mask=padding(t),
    ),
    "encoder": lambda t: learned(t, encoder(t), numbers(t, 3, 2, 4)),
    "encoder_causal": lambda t: learned(
        t, encoder(t, norm=False), numbers(t, 3, 2, 4), t.nn.Transformer.generate_square_subsequent_mask(3).double()
    ),
    "whole": lambda t: learned(t, whole(t), numbers(t, 3, 2, 4), numbers(t, 5, 2, 4)),
    "whole_causal": lambda t: learned(
        t,
        whole(t, batch_first=True, norm_first=True),
        numbers(t, 2, 3, 4),
        numbers(t, 2, 5, 4),
        tgt_mask=t.nn.Transformer.generate_square_subsequent_mask(5).double(),
        src_key_padding_mask=padding(t).double() * -1e9,
        memory_key_padding_mask=padding(t),
    ),
    "own_encoder": lambda t: (
        whole(t, custom_encoder=t.nn.Identity(), custom_decoder=encoder(t)).encoder.__class__.__name__
    ),
    "initial": lambda t: dict(whole(t).state_dict()),
    "subsequent": lambda t: t.nn.Transformer.generate_square_subsequent_mask(3),
    "skips_padding": lambda t: skipped(t),
    "skips_padding_norm": lambda t: skipped(t, norm=True),
    "padding_anywhere": lambda t: skipped(t, keep=t.tensor([[False, True, False]] * 2)),
    "padding_training": lambda t: skipped(t, training=True),
    "warns_norm_first": lambda t: repr(encoder(t, batch_first=True, norm_first=True)),
    "warns_odd": lambda t: repr(t.nn.TransformerEncoder(t.nn.TransformerEncoderLayer(3, 3, 4, batch_first=True), 1)),
    "warns_activation": lambda t: (
        t.nn.TransformerEncoder(
            t.nn.TransformerEncoderLayer(4, 2, 4, activation=t.tanh, batch_first=True), 1
        ).num_layers
    ),
    "activation": lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="tanh"),
    "batch": lambda t: whole(t)(numbers(t, 3, 2, 4), numbers(t, 5, 1, 4)),
    "features": lambda t: whole(t)(numbers(t, 3, 2, 4), numbers(t, 5, 2, 3)),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-7, atol=1e-9)


def test_no_place_sees_those_after_it():
    module = encoder(tg, training=False, batch_first=True)
    mask = tg.nn.Transformer.generate_square_subsequent_mask(4).double()
    x = numbers(tg, 1, 4, 4)
    changed = x.clone()
    changed[:, 2:] += 1
    before, after = (module(one, mask).detach().numpy() for one in (x, changed))
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-12)
    assert not np.allclose(before[:, 2:], after[:, 2:])
