"""Views, joining, splitting, rearranging, conversions: parity with PyTorch, shared memory, derivatives, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.ops.compare import check, check_error, gradients, sample

VIEWS = [
    ("view", lambda T, x: x.contiguous().view(6, 4)),
    ("view_infer", lambda T, x: x.contiguous().view(-1)),
    ("reshape", lambda T, x: x.reshape(4, 6)),
    ("reshape_tuple", lambda T, x: T.reshape(x, (2, -1))),
    ("reshape_same", lambda T, x: x.reshape(x.shape)),
    ("reshape_as", lambda T, x: x.reshape_as(T.ones(12, 2))),
    ("view_as", lambda T, x: x.contiguous().view_as(T.ones(12, 2))),
    ("flatten", lambda T, x: x.flatten()),
    ("flatten1", lambda T, x: T.flatten(x, 1)),
    ("flatten_part", lambda T, x: x.flatten(0, 1)),
    ("unflatten", lambda T, x: x.unflatten(2, (2, -1))),
    ("ravel", lambda T, x: x.ravel()),
    ("squeeze", lambda T, x: x.unsqueeze(1).squeeze()),
    ("squeeze_dim", lambda T, x: x.unsqueeze(-1).squeeze(-1)),
    ("squeeze_none", lambda T, x: x.squeeze(0)),
    ("squeeze_dims", lambda T, x: x[None, :, None].squeeze((0, 2))),
    ("unsqueeze", lambda T, x: T.unsqueeze(x, 1)),
    ("unsqueeze_negative", lambda T, x: x.unsqueeze(dim=-2)),
    ("permute", lambda T, x: x.permute(2, 0, 1)),
    ("permute_tuple", lambda T, x: T.permute(x, (0, -1, 1))),
    ("transpose", lambda T, x: x.transpose(0, -1)),
    ("swapaxes", lambda T, x: T.swapaxes(x, 0, 1)),
    ("t", lambda T, x: x[0].t()),
    ("T", lambda T, x: x[0].T),
    ("mT", lambda T, x: x.mT),
    ("movedim", lambda T, x: x.movedim(0, -1)),
    ("movedim_tuple", lambda T, x: T.movedim(x, (0, 1), (2, 0))),
    ("expand", lambda T, x: x[:, :1].expand(2, 5, 4)),
    ("expand_lead", lambda T, x: x.expand(3, -1, -1, -1)),
    ("expand_as", lambda T, x: x[:1].expand_as(x)),
    ("broadcast_to", lambda T, x: T.broadcast_to(x, (2, 2, 3, 4))),
    ("broadcast_tensors", lambda T, x: T.broadcast_tensors(x, x[0, :1])),
    ("select", lambda T, x: x.select(1, -1)),
    ("narrow", lambda T, x: T.narrow(x, 2, 1, 2)),
    ("narrow_negative", lambda T, x: x.narrow(2, -2, 1)),
    ("diagonal", lambda T, x: x.diagonal(0, 1, 2)),
    ("diagonal_offset", lambda T, x: T.diagonal(x, 1)),
    ("unbind", lambda T, x: x.unbind(1)),
    ("split", lambda T, x: x.split(2, 2)),
    ("split_rest", lambda T, x: T.split(x, 2, dim=1)),
    ("split_sizes", lambda T, x: x.split([1, 3], dim=-1)),
    ("chunk", lambda T, x: T.chunk(x, 3, -1)),
    ("swap_reshape", lambda T, x: x.transpose(0, 1).reshape(6, 4)),
    ("view_after_slice", lambda T, x: x.contiguous()[:, 1:].view(2, 2, 2, 2)),
    ("meshgrid", lambda T, x: T.meshgrid(x[0, 0], x[0, :, 0], indexing="ij")),
    ("meshgrid_xy", lambda T, x: T.meshgrid(x[0, 0], x[0, :, 0], x[:, 0, 0], indexing="xy")),
]
COPIES = [
    ("cat", lambda T, x: T.cat([x, x * 2], 1)),
    ("cat_last", lambda T, x: T.cat((x, x[..., :1]), dim=-1)),
    ("cat_axis", lambda T, x: T.cat([x, x], axis=0)),
    ("cat_empty", lambda T, x: T.cat([T.zeros(0), x])),
    ("concat_promotes", lambda T, x: T.concat([x, x.detach().long()])),
    ("stack", lambda T, x: T.stack([x, x + 1], 1)),
    ("stack_last", lambda T, x: T.stack((x, x), dim=-1)),
    ("hstack", lambda T, x: T.hstack([x, x])),
    ("vstack", lambda T, x: T.vstack([x[0, 0], x[0, 1]])),
    ("flip", lambda T, x: x.flip(0, 2)),
    ("flip_tuple", lambda T, x: T.flip(x, (1,))),
    ("roll", lambda T, x: x.roll(1)),
    ("roll_dims", lambda T, x: T.roll(x, (1, -2), (0, 2))),
    ("repeat", lambda T, x: x.repeat(2, 1, 3)),
    ("repeat_lead", lambda T, x: x.repeat(2, 1, 1, 2)),
    ("tile", lambda T, x: T.tile(x, (2,))),
    ("repeat_interleave", lambda T, x: x.repeat_interleave(2, 1)),
    ("repeat_interleave_flat", lambda T, x: T.repeat_interleave(x, 3)),
    ("repeat_interleave_tensor", lambda T, x: x.repeat_interleave(T.tensor([1, 0, 2]), dim=1)),
    ("tril", lambda T, x: x.tril()),
    ("triu", lambda T, x: T.triu(x, 1)),
    ("tril_negative", lambda T, x: T.tril(x, -1)),
    ("diag", lambda T, x: T.diag(x[0])),
    ("diag_make", lambda T, x: T.diag(x[0, 0], -1)),
    ("clone", lambda T, x: x.clone()),
    ("contiguous", lambda T, x: x.permute(2, 1, 0).contiguous()),
    ("to_double", lambda T, x: x.to(T.float64)),
    ("double", lambda T, x: x.double()),
    ("float", lambda T, x: x.float()),
    ("to_other", lambda T, x: x.to(T.zeros(1, dtype=T.float64))),
    ("to_cpu", lambda T, x: x.to("cpu", T.double)),
    ("to_kw", lambda T, x: x.to(dtype=T.float64, non_blocking=True, copy=True)),
    ("type_as", lambda T, x: x.type_as(T.ones(1).double())),
    ("sum_to_size", lambda T, x: x.sum_to_size(3, 1)),
    ("sum_to_size_self", lambda T, x: x.sum_to_size((2, 3, 4))),
]
CONSTANT = [
    (name, lambda T, x, name=name: getattr((x * 3).detach(), name)()) for name in ("long", "int", "byte", "bool")
] + [
    ("view_dtype", lambda T, x: x.detach().contiguous().view(T.int32)),
    ("view_wider", lambda T, x: x.detach().contiguous().view(T.float64)),
]
ALL = VIEWS + COPIES
SMOOTH = [case for case in ALL if case[0] != "float"]  # float32 is too coarse for finite differences


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ALL + CONSTANT], ids=[case[0] for case in ALL + CONSTANT])
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "strided"])
def test_parity(call, dense):
    pytest.importorskip("torch")
    array = sample("f:2,3,4", 2)
    check(call, [np.abs(array) if call in [case[1] for case in CONSTANT] else array], dense=dense)


@pytest.mark.parametrize("call", [case[1] for case in SMOOTH], ids=[case[0] for case in SMOOTH])
def test_derivatives(call):
    gradients(call, ["f:2,3,4"])


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [case[1] for case in VIEWS + COPIES if case[0] not in ("view_dtype",)],
    ids=[case[0] for case in VIEWS + COPIES],
)
def test_integers(call):
    pytest.importorskip("torch")
    for kind in "iyb":
        if kind == "b" and call in [case[1] for case in COPIES]:
            continue
        check(call, [sample(f"{kind}:2,3,4", 2)])


def test_empty_tensors_that_cat_leaves_out_have_an_empty_gradient():
    """As in PyTorch, which gives them one whatever the rank of the others."""
    import tinygrad_cnn as torch

    for shape in ((3,), (2, 3), (2, 3, 1)):
        nothing, x = torch.zeros(0, requires_grad=True), torch.ones(shape, requires_grad=True)
        torch.cat([nothing, x], -1).sum().backward()
        assert nothing.grad.shape == (0,)
        assert x.grad.tolist() == torch.ones(shape).tolist()
        out = torch.cat([nothing, x.detach()], -1)
        assert out.requires_grad and out.shape == shape


SHARE = [
    case for case in VIEWS if not any(word in case[0] for word in ("swap_reshape", "meshgrid", "broadcast_tensors"))
]


@pytest.mark.parametrize("call", [case[1] for case in SHARE], ids=[case[0] for case in SHARE])
def test_views_share_memory_and_version(call):
    x = tc.tensor(sample("f:2,3,4"))
    result = call(tc, x)
    for view in result if isinstance(result, tuple) else [result]:
        assert np.shares_memory(view._array, x._array)
        before = x._version
        if view._array.flags.writeable:
            view.zero_()
            assert x._version > before
            assert (view == 0).all()


def test_reshape_copies_only_where_it_must():
    x = tc.arange(24.0).view(2, 3, 4)
    assert np.shares_memory(x.transpose(0, 1).reshape(3, 2, 2, 2)._array, x._array)
    assert np.shares_memory(x[:, 1:].reshape(2, 8)._array, x._array)
    assert not np.shares_memory(x.transpose(0, 1).reshape(6, 4)._array, x._array)
    assert x.reshape(2, 3, 4).tolist() == x.tolist()


def test_write_to_expanded_memory_is_refused():
    x = tc.zeros(1).expand(3)
    for change in (lambda: x.add_(1), lambda: x.copy_(tc.ones(3))):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            change()


ERRORS = [
    ("view_stride", lambda T: T.ones(2, 3).t().view(6)),
    ("view_size", lambda T: T.ones(2, 3).view(7)),
    ("reshape_size", lambda T: T.ones(2, 3).reshape(7)),
    ("two_unknown", lambda T: T.ones(3).view(-1, -1)),
    ("unknown", lambda T: T.ones(3).view(-1, 2)),
    ("zero_unknown", lambda T: T.ones(0).view(0, -1)),
    ("permute", lambda T: T.ones(3).permute(0, 1)),
    ("permute_twice", lambda T: T.ones(3, 2).permute(0, 0)),
    ("transpose", lambda T: T.ones(3).transpose(0, 5)),
    ("squeeze", lambda T: T.ones(3).squeeze(4)),
    ("unsqueeze", lambda T: T.ones(3).unsqueeze(4)),
    ("expand", lambda T: T.ones(3).expand(2, 2)),
    ("expand_lead", lambda T: T.ones(3).expand(-1, 3)),
    ("expand_less", lambda T: T.ones(2, 3).expand(3)),
    ("narrow", lambda T: T.ones(3).narrow(0, 2, 2)),
    ("select", lambda T: T.ones(3).select(0, 3)),
    ("t", lambda T: T.ones(2, 2, 2).t()),
    ("flatten", lambda T: T.ones(2, 3).flatten(1, 0)),
    ("unflatten", lambda T: T.ones(2, 3).unflatten(1, (2, 2))),
    ("cat_rank", lambda T: T.cat([T.ones(2), T.ones(2, 2)])),
    ("cat_size", lambda T: T.cat([T.ones(3, 2), T.ones(2, 3)])),
    ("cat_nothing", lambda T: T.cat([])),
    ("cat_scalar", lambda T: T.cat([T.ones(())])),
    ("cat_dim", lambda T: T.cat([T.ones(2)], 1)),
    ("cat_tensor", lambda T: T.cat(T.ones(2))),
    ("stack_size", lambda T: T.stack([T.ones(3), T.ones(2)])),
    ("stack_nothing", lambda T: T.stack([])),
    ("split_sum", lambda T: T.ones(3).split([1, 1])),
    ("split_zero", lambda T: T.ones(3).split(0)),
    ("chunk_zero", lambda T: T.ones(3).chunk(0)),
    ("repeat", lambda T: T.ones(2, 2).repeat(2)),
    ("roll", lambda T: T.ones(2).roll((1, 2), 0)),
    ("tril", lambda T: T.ones(2).tril()),
    ("diag", lambda T: T.diag(T.ones(1, 1, 1))),
    ("movedim", lambda T: T.ones(2, 2).movedim(0, (0, 1))),
    ("unbind", lambda T: T.ones(()).unbind()),
    ("to", lambda T: T.ones(2).to("nowhere")),
    ("copy", lambda T: T.ones(3).copy_(T.ones(4))),
    ("cuda", lambda T: T.ones(2).to("cuda")),
    ("broadcast_tensors", lambda T: T.broadcast_tensors(T.ones(2), T.ones(3))),
]


@pytest.mark.parity
@pytest.mark.parametrize("call", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_errors(call):
    pytest.importorskip("torch")
    check_error(call)


@pytest.mark.parity
def test_names_of_nodes():
    torch = pytest.importorskip("torch")
    calls = [
        lambda x: x.view(4, 3),
        lambda x: x.reshape(4, 3),
        lambda x: x.t(),
        lambda x: x.permute(1, 0),
        lambda x: x.transpose(0, 1),
        lambda x: x[0],
        lambda x: x[1:],
        lambda x: x[None],
        lambda x: x.unsqueeze(0),
        lambda x: x[:1].squeeze(),
        lambda x: x[:1].squeeze(0),
        lambda x: x.expand(2, 3, 4),
        lambda x: x + 1,
        lambda x: 1 - x,
        lambda x: x - 1,
        lambda x: x * x,
        lambda x: 1 / x,
        lambda x: x**2,
        lambda x: 2**x,
        lambda x: x**x,
        lambda x: x.clamp(0),
        lambda x: x.max(),
        lambda x: x.max(0)[0],
        lambda x: x.amax(),
        lambda x: x.sum(),
        lambda x: x.sum(0),
        lambda x: x.mean(),
        lambda x: x.mean(0),
        lambda x: x.var(),
        lambda x: x.std(),
        lambda x: x.prod(),
        lambda x: x.prod(0),
        lambda x: x[[0, 1]],
        lambda x: x.double(),
        lambda x: x.clone(),
        lambda x: x.relu(),
        lambda x: -x,
        lambda x: x.exp(),
        lambda x: x.sort()[0],
        lambda x: x.gather(0, x.long() * 0),
        lambda x: x.flip(0),
        lambda x: x.roll(1, 0),
        lambda x: x.cumsum(0),
        lambda x: x.tril(),
        lambda x: x.masked_fill(x > 0, 0),
        lambda x: x @ x.t(),
        lambda x: x.diagonal(),
        lambda x: x.abs(),
        lambda x: x.index_select(0, x[0, :1].long() * 0),
        lambda x: x[0][0],
        lambda x: x.sigmoid(),
        lambda x: x.log(),
    ]
    for call in calls:
        names = [call(T.ones(3, 4, requires_grad=True)).grad_fn.name() for T in (tc, torch)]
        assert names[0] == names[1]
