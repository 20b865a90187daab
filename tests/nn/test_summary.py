"""`summary`: rows, columns and totals as the package torchinfo has them."""

from __future__ import annotations

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn import nn, summary

COLUMNS = ("input_size", "output_size", "num_params", "kernel_size", "mult_adds", "trainable")


@pytest.fixture
def net():
    features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(features, nn.Flatten(), nn.Linear(144, 10))


class Shared(nn.Module):
    """One layer used twice, a list that nobody calls, a parameter of its own, and a layer that is never used."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6), nn.ReLU()])
        self.scale = nn.Parameter(torch.ones(3))
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        x = self.inner(x)
        for block in self.blocks:
            x = block(x)
        return self.inner(x)


def rows(statistics):
    """Return the cells of each row, without the tree's lines."""
    lines = str(statistics).splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("===")]
    table = [line.lstrip("│├└─ ") for line in lines[rules[1] + 1 : rules[2]]]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table]


# As torchinfo 1.8.0 prints it.
TABLE = """\
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Sequential                               [2, 10]                   --
├─Sequential: 1-1                        [2, 4, 6, 6]              --
│    └─Conv2d: 2-1                       [2, 4, 6, 6]              40
│    └─BatchNorm2d: 2-2                  [2, 4, 6, 6]              8
│    └─ReLU: 2-3                         [2, 4, 6, 6]              --
├─Flatten: 1-2                           [2, 144]                  --
├─Linear: 1-3                            [2, 10]                   1,450
==========================================================================================
Total params: 1,498
Trainable params: 1,498
Non-trainable params: 0
Total mult-adds (M): 0.01
==========================================================================================
Input size (MB): 0.00
Forward/backward pass size (MB): 0.00
Params size (MB): 0.01
Estimated Total Size (MB): 0.01
=========================================================================================="""


def test_the_table(net, capsys):
    statistics = summary(net, (2, 1, 8, 8))
    assert str(statistics) == TABLE
    assert capsys.readouterr().out == f"{TABLE}\n"


def test_every_column(net):
    net[0][0].weight.requires_grad = False
    table = summary(net, (2, 1, 8, 8), col_names=(*COLUMNS, "params_percent"), verbose=0)
    assert rows(table)[2] == [
        "Conv2d: 2-1", "[2, 1, 8, 8]", "[2, 4, 6, 6]", "40", "[3, 3]", "2,880", "Partial", "2.67%"
    ]  # fmt: skip
    assert rows(table)[-1][-2:] == ["True", "96.80%"]
    assert (table.total_params, table.trainable_params, table.total_mult_adds) == (1498, 1462, 2880 + 16 + 2900)
    assert table.total_input == 2 * 64 * 4
    assert table.total_output_bytes == 2 * 4 * (2 * 144 + 2 * 144 + 20)
    assert table.total_param_bytes == 1498 * 4


def test_a_shared_layer_is_counted_once_and_containers_get_a_row():
    table = summary(Shared(), (4, 6), verbose=0)
    assert rows(table) == [
        ["Shared", "[4, 6]", "9"],  # its own three, and six of the layer that is not used
        ["Linear: 1-1", "[4, 6]", "42"],
        ["ModuleList: 1-2", "--", "--"],
        ["Linear: 2-1", "[4, 6]", "42"],
        ["ReLU: 2-2", "[4, 6]", "--"],
        ["Linear: 1-3", "[4, 6]", "(recursive)"],
    ]
    assert table.total_params == 42 + 42 + 9
    hidden = summary(Shared(), (4, 6), row_settings=("hide_recursive_layers", "depth"), verbose=0)
    assert len(rows(hidden)) == 5


def test_deep_layers_are_summed_up(net):
    table = summary(net, (2, 1, 8, 8), depth=1, col_names=("num_params", "mult_adds"), verbose=0)
    assert rows(table)[1] == ["Sequential: 1-1", "48", "2,896"]


def test_recurrent_layers_count_steps():
    table = summary(nn.LSTM(5, 7, 2, batch_first=True), (2, 3, 5), col_names=("output_size", "mult_adds"), verbose=0)
    parameters = 4 * 7 * (5 + 7 + 2) + 4 * 7 * (7 + 7 + 2)
    assert rows(table) == [["LSTM", "[2, 3, 7]", f"{2 * 3 * parameters:,}"]]


def test_without_input_nothing_is_run(net):
    table = summary(net, verbose=0)
    assert rows(table)[2] == ["Conv2d: 2-1", "40"]
    assert "mult-adds" not in str(table)
    with pytest.raises(ValueError, match="You must pass input_data or input_size"):
        summary(net, col_names=("output_size",))


def test_names_of_attributes_ascii_and_parameters(net):
    text = str(summary(net, (2, 1, 8, 8), row_settings=("var_names", "ascii_only"), verbose=0))
    assert "Layer (type (var_name))" in text
    assert "\n|    + BatchNorm2d (1) " in text
    assert text.isascii()
    assert "└─weight" in str(summary(net, (2, 1, 8, 8), verbose=2))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"input_size": (1, 8, 8), "batch_dim": 0}, "[1, 1, 8, 8]"),
        ({"input_size": [(3, 1, 8, 8)]}, "[3, 1, 8, 8]"),
        ({"input_data": torch.zeros(5, 1, 8, 8)}, "[5, 1, 8, 8]"),
        ({"input_data": {"input": torch.zeros(5, 1, 8, 8)}}, "[10]"),
    ],
)
def test_forms_of_the_input(net, options, shape):
    if isinstance(options.get("input_data"), dict):
        assert rows(summary(net, verbose=0, **options))[-1][1] == "[5, 10]"
    else:
        assert rows(summary(net, verbose=0, col_names=("input_size",), **options))[0][1] == shape


def test_several_inputs_of_several_dtypes():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(4, 3)

        def forward(self, numbers, x, *, factor=1):
            return self.embedding(numbers) * x * factor

    sizes, dtypes = [(2,), (2, 3)], [torch.int64, torch.float64]
    assert rows(summary(Two(), sizes, dtypes=dtypes, factor=2, verbose=0))[0][1] == "[2, 3]"


def test_nothing_is_changed(net):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    net.train()
    net[0][1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    summary(net, (2, 1, 8, 8), verbose=0)
    assert [module.training for module in net.modules()] == [True, True, True, False, True, True, True]
    assert all((before[name] == value).all() for name, value in net.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert (torch.rand(1) == expected).all()
    summary(net, (2, 1, 8, 8), mode="train", verbose=0)


def test_lazy_layers_are_counted_when_they_are_known():
    assert summary(nn.Sequential(nn.LazyLinear(3)), (2, 5), verbose=0).total_params == 18


def test_an_error_of_the_model_comes_as_it_is_and_leaves_no_hooks(net):
    with pytest.raises(RuntimeError) as caught:
        summary(net, (2, 1, 9, 9), verbose=0)
    assert "in module 2 (Linear)" in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input_size": (1, -1)}, ValueError, "not positive"),
        ({"input_size": 5}, TypeError, "must be a shape"),
        ({"col_names": ("sizes",)}, ValueError, "'sizes' is not a valid column"),
        ({"row_settings": ("names",)}, ValueError, "'names' is not a valid row setting"),
        ({"mode": "same"}, ValueError, "mode must be"),
        ({"verbose": 3}, ValueError, "Verbose must be"),
        ({"col_width": 0}, ValueError, "Column width must be greater than 0"),
        ({"input_size": (1, 1), "input_data": []}, RuntimeError, "Only one of"),
    ],
)
def test_arguments_that_do_not_fit(net, options, error, message):
    with pytest.raises(error, match=message):
        summary(net, **options)
