"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict against PyTorch's."""

from __future__ import annotations

from collections import OrderedDict

import pytest

from tests.nn.twin import check_twin


def seq(torch):
    return torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 3))


def mlist(torch):
    return torch.nn.ModuleList([torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.ReLU(), torch.nn.Linear(2, 3)])


def mdict(torch):
    return torch.nn.ModuleDict({"b": torch.nn.ReLU(), "a": torch.nn.Linear(1, 2)})


def plist(torch):
    return torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2, 3)), torch.zeros(1), "text"])


def pdict(torch):
    return torch.nn.ParameterDict({"b": torch.nn.Parameter(torch.ones(2, 3)), "a": torch.zeros(1), "c": 5})


def after(make, change):
    """A case: make the container, change it, show it."""

    def code(torch):
        container = make(torch)
        result = change(torch, container)
        return repr(container), list(container._modules), repr(result)

    return code


def _delete(container, key):
    del container[key]


CASES = {
    "repr": after(seq, lambda t, c: len(c)),
    "ordered_dict": lambda t: t.nn.Sequential(OrderedDict([("one", t.nn.ReLU()), ("two", t.nn.Tanh())])),
    "index": after(seq, lambda t, c: (c[0], c[-1])),
    "index_out": after(seq, lambda t, c: c[3]),
    "index_out_negative": after(seq, lambda t, c: c[-4]),
    "slice": after(seq, lambda t, c: c[1:]),
    "slice_step": after(seq, lambda t, c: c[::2]),
    "set": after(seq, lambda t, c: c.__setitem__(1, t.nn.Tanh())),
    "delete": after(seq, lambda t, c: _delete(c, 0)),
    "delete_slice": after(seq, lambda t, c: _delete(c, slice(0, 2))),
    "pop": after(seq, lambda t, c: c.pop(1)),
    "append": after(seq, lambda t, c: c.append(t.nn.Tanh())),
    "append_wrong": after(seq, lambda t, c: c.append(3)),
    "extend": after(seq, lambda t, c: c.extend(seq(t))),
    "insert": after(seq, lambda t, c: c.insert(1, t.nn.Tanh())),
    "insert_negative": after(seq, lambda t, c: c.insert(-1, t.nn.Tanh())),
    "insert_end": after(seq, lambda t, c: c.insert(3, t.nn.Tanh())),
    "insert_out": after(seq, lambda t, c: c.insert(5, t.nn.Tanh())),
    "insert_wrong": after(seq, lambda t, c: c.insert(0, 3)),
    "add": after(seq, lambda t, c: c + seq(t)),
    "add_wrong": after(seq, lambda t, c: c + [1]),
    "iadd": after(seq, lambda t, c: c.__iadd__(seq(t))),
    "mul": after(seq, lambda t, c: c * 2),
    "rmul": after(seq, lambda t, c: 2 * c),
    "mul_wrong": after(seq, lambda t, c: c * 1.5),
    "mul_zero": after(seq, lambda t, c: c * 0),
    "imul": after(seq, lambda t, c: c.__imul__(3)),
    "iterate": after(seq, lambda t, c: list(c)),
    "empty": lambda t: (repr(t.nn.Sequential()), repr(t.nn.ModuleList()), repr(t.nn.ModuleDict())),
    "list_repr": after(mlist, lambda t, c: len(c)),
    "list_index": after(mlist, lambda t, c: (c[1], c[-1])),
    "list_index_out": after(mlist, lambda t, c: c[9]),
    "list_slice": after(mlist, lambda t, c: c[1:3]),
    "list_set": after(mlist, lambda t, c: c.__setitem__(0, t.nn.Tanh())),
    "list_delete": after(mlist, lambda t, c: _delete(c, 1)),
    "list_delete_slice": after(mlist, lambda t, c: _delete(c, slice(0, None, 2))),
    "list_append": after(mlist, lambda t, c: c.append(t.nn.Tanh())),
    "list_extend": after(mlist, lambda t, c: c.extend([t.nn.Tanh()])),
    "list_extend_wrong": after(mlist, lambda t, c: c.extend(5)),
    "list_insert": after(mlist, lambda t, c: c.insert(0, t.nn.Tanh())),
    "list_pop": after(mlist, lambda t, c: c.pop(-1)),
    "list_add": after(mlist, lambda t, c: c + [t.nn.Tanh()]),
    "list_iadd": after(mlist, lambda t, c: c.__iadd__([t.nn.Tanh()])),
    "list_call": after(mlist, lambda t, c: c(1)),
    "dict_repr": after(mdict, lambda t, c: (len(c), list(c), list(c.keys()), "a" in c)),
    "dict_pairs": lambda t: t.nn.ModuleDict([["x", t.nn.ReLU()], ("y", t.nn.Tanh())]),
    "dict_items": after(mdict, lambda t, c: [*c.items(), *c.values()]),
    "dict_get": after(mdict, lambda t, c: c["a"]),
    "dict_missing": after(mdict, lambda t, c: c["zz"]),
    "dict_set": after(mdict, lambda t, c: c.__setitem__("a", t.nn.Tanh())),
    "dict_set_wrong": after(mdict, lambda t, c: c.__setitem__("a", 1)),
    "dict_delete": after(mdict, lambda t, c: _delete(c, "a")),
    "dict_pop": after(mdict, lambda t, c: c.pop("b")),
    "dict_clear": after(mdict, lambda t, c: c.clear()),
    "dict_update": after(mdict, lambda t, c: c.update(mdict(t))),
    "dict_update_wrong": after(mdict, lambda t, c: c.update(5)),
    "dict_update_element": after(mdict, lambda t, c: c.update([5])),
    "dict_update_length": after(mdict, lambda t, c: c.update([(1, 2, 3)])),
    "plist": after(plist, lambda t, c: ([n for n, _ in c.named_parameters()], len(c))),
    "plist_slice": after(plist, lambda t, c: c[:2]),
    "plist_index_out": after(plist, lambda t, c: c[3]),
    "plist_append": after(plist, lambda t, c: c.append(t.ones(1))),
    "plist_extend_tensor": after(plist, lambda t, c: c.extend(t.ones(1))),
    "plist_set": after(plist, lambda t, c: c.__setitem__(1, t.ones(4))),
    "plist_call": after(plist, lambda t, c: c(1)),
    "pdict": after(pdict, lambda t, c: ([n for n, _ in c.named_parameters()], len(c), list(c.keys()))),
    "pdict_get": after(pdict, lambda t, c: (c["c"], c.get("zz"), c.get("zz", 1), "a" in c)),
    "pdict_missing": after(pdict, lambda t, c: c["zz"]),
    "pdict_key": after(pdict, lambda t, c: c[3]),
    "pdict_pop": after(pdict, lambda t, c: c.pop("c")),
    "pdict_popitem": after(pdict, lambda t, c: c.popitem()[0]),
    "pdict_setdefault": after(pdict, lambda t, c: c.setdefault("d", 7)),
    "pdict_update": after(pdict, lambda t, c: c.update({"z": 1, "y": 2})),
    "pdict_update_wrong": after(pdict, lambda t, c: c.update(3)),
    "pdict_or": after(pdict, lambda t, c: c | t.nn.ParameterDict({"x": t.ones(1)})),
    "pdict_copy": after(pdict, lambda t, c: c.copy()),
    "pdict_clear": after(pdict, lambda t, c: c.clear()),
    "pdict_fromkeys": after(pdict, lambda t, c: c.fromkeys(["q", "r"], 1)),
    "pdict_reversed": after(pdict, lambda t, c: list(reversed(c))),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name])


@pytest.mark.parity
def test_sequential_computes():
    pytest.importorskip("torch")

    def code(torch):
        torch.manual_seed(3)
        return seq(torch)(torch.ones(4, 1))

    check_twin(code, rtol=1e-6)
