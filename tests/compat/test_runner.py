"""`python -m tinygrad_cnn script.py`: a script sees what `python script.py` shows it, and torch is ours."""

from __future__ import annotations

import sys

import pytest

from tests.compat.programs import run, run_script, with_pytorch, write

SHOW = """
    import sys
    print(__name__, __file__, __package__, __spec__, __doc__, __builtins__.__name__, __loader__.name)
    print(sys.argv, sys.path[0])
    print(sys.modules["__main__"].__dict__ is globals())
    print(sorted(set(globals()) - {"__annotations__"}))  # of every __main__ before Python 3.14
"""


def test_a_script_sees_what_python_shows_it(tmp_path):
    write(tmp_path, "deep/show.py", SHOW)
    expected = run("deep/show.py", "1", "--two", "-m", folder=tmp_path)
    assert run("-m", "tinygrad_cnn", "--force", "deep/show.py", "1", "--two", "-m", folder=tmp_path) == expected


def test_a_module_and_a_line_of_code_run_as_python_runs_them(tmp_path):
    write(tmp_path, "package/__init__.py", "")
    write(
        tmp_path, "package/show.py", "import sys, torch; print(__name__, __spec__.name, sys.argv[1:], torch.__name__)"
    )
    output, _ = run("-m", "tinygrad_cnn", "--force", "-m", "package.show", "1", folder=tmp_path)
    assert output == "__main__ package.show ['1'] tinygrad_cnn\n"
    code = "import sys, torch; print(__name__, sys.argv, torch.__name__)"
    output, _ = run("-m", "tinygrad_cnn", "--force", "-c", code, "1", folder=tmp_path)
    assert output == "__main__ ['-c', '1'] tinygrad_cnn\n"


def test_a_script_imports_its_neighbours(tmp_path):
    write(tmp_path, "project/net.py", "from torch import nn\nnet = nn.Linear(2, 3)\n")
    write(tmp_path, "project/main.py", "import torch, net\nprint(isinstance(net.net, torch.nn.Module))\n")
    assert run("-m", "tinygrad_cnn", "--force", "project/main.py", folder=tmp_path)[0] == "True\n"


def test_the_traceback_shows_the_script_alone(tmp_path):
    text = """
        import torch
        def forward(x):
            return x.missing()
        forward(torch.ones(2))
    """
    _, errors = run_script(tmp_path, text, status=1)
    assert [line.strip() for line in errors.splitlines() if line.lstrip().startswith("File ")] == [
        f'File "{tmp_path}/script.py", line 5, in <module>',
        f'File "{tmp_path}/script.py", line 4, in forward',
    ]
    assert errors.endswith("AttributeError: 'Tensor' object has no attribute 'missing'\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from torch import xyz", "ImportError: cannot import name 'xyz' from 'torch': tinygrad_cnn stands in"),
        ("from torch.optim.sgd import xyz", "ImportError: cannot import name 'xyz' from 'torch.optim.sgd': "),
        ("import torch.xyz", "ModuleNotFoundError: No module named 'torch.xyz': tinygrad_cnn stands in"),
        ("import torchvision.xyz", "ModuleNotFoundError: No module named 'torchvision.xyz': "),
        (
            "import torch; torch.nn.functional.xyz",
            "AttributeError: module 'torch.nn.functional' has no attribute 'xyz': ",
        ),
        ("import torch; torch.nn.Xyz", "README"),
    ],
)
def test_a_missing_name_says_where_to_ask_and_shows_no_frame_of_ours(tmp_path, line, message):
    _, errors = run_script(tmp_path, line, status=1)
    assert message in errors.splitlines()[-1]
    assert errors.count("File ") == 1


def test_a_missing_name_can_be_asked_for(tmp_path):
    text = """
        import importlib.util
        import torch
        try:
            from torch import xyz
        except ImportError:
            xyz = None
        print(hasattr(torch, "xyz"), getattr(torch.nn, "Xyz", 7), importlib.util.find_spec("torch.xyz"))
        print(importlib.util.find_spec("torch.nn.functional") is not None, importlib.util.find_spec("torch").name)
    """
    assert run_script(tmp_path, text)[0] == "False 7 None\nTrue tinygrad_cnn\n"


@pytest.mark.parametrize(("raised", "status"), [("SystemExit(3)", 3), ("KeyboardInterrupt", 130), ("ValueError", 1)])
def test_exit_status(tmp_path, raised, status):
    run_script(tmp_path, f"raise {raised}", status=status)


def test_errors_of_the_command_line(tmp_path):
    assert "usage" in run("-m", "tinygrad_cnn", folder=tmp_path, status=2)[1]
    assert "usage" in run("-m", "tinygrad_cnn", "--help", folder=tmp_path)[0]
    assert "--wrong is unknown" in run("-m", "tinygrad_cnn", "--wrong", folder=tmp_path, status=1)[1]
    _, errors = run("-m", "tinygrad_cnn", "--force", "absent.py", folder=tmp_path, status=2)
    assert errors == "python -m tinygrad_cnn: can't open file 'absent.py': [Errno 2] No such file or directory\n"
    _, errors = run_script(tmp_path, "x = = 1", status=1)
    assert errors.startswith(f'  File "{tmp_path}/script.py", line 1\n')


def test_pytorch_is_hidden_only_by_force(tmp_path):
    environment = with_pytorch(tmp_path)
    write(tmp_path, "script.py", "import torch\nprint(torch.__version__)\n")
    _, errors = run("-m", "tinygrad_cnn", "script.py", folder=tmp_path, environment=environment, status=1)
    assert "PyTorch is installed here" in errors
    assert "--force" in errors
    output, _ = run("-m", "tinygrad_cnn", "--force", "script.py", folder=tmp_path, environment=environment)
    assert output == "2.13.0+tinygrad.cnn\n"


WORKERS = """
    import torch
    from torch.utils.data import DataLoader, Dataset
    class Squares(Dataset):
        def __len__(self):
            return 6
        def __getitem__(self, index):
            import torch.nn.functional as F
            return F.relu(torch.tensor(float(index) ** 2))
    def main():
        print([batch.tolist() for batch in DataLoader(Squares(), batch_size=3, num_workers=2{more})])
    {guard}main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loaders_with_workers(tmp_path, method):
    if method == "fork" and sys.platform != "linux":
        pytest.skip("workers start by fork on Linux only")
    guard, more = ("", "") if method == "fork" else ('if __name__ == "__main__": ', ", multiprocessing_context='spawn'")
    output, _ = run_script(tmp_path, WORKERS.replace("{guard}", guard).replace("{more}", more))
    assert output == "[[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]\n"
