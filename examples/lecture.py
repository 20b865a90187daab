"""The lecture on convolutional networks, step by step: every figure of it computed, window by window.

    python examples/lecture.py              all steps
    python examples/lecture.py --step 3     one of them

Each step prints the image, the kernel and what happens where the kernel stands, and lets the library do the same; the
two must agree, or the script stops. A cell in [brackets] is under the kernel, a zero from padding is shown as a dot.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn

IMAGE = [
    [1, 1, 1, 0, 0],
    [0, 1, 1, 1, 0],
    [0, 0, 1, 1, 1],
    [0, 0, 1, 1, 0],
    [0, 1, 1, 0, 0],
]
KERNEL = [
    [1, 0, 1],
    [0, 1, 0],
    [1, 0, 1],
]
LARGER_IMAGE = [
    [int(digit) for digit in row]
    for row in ["1110000", "0110101", "0011000", "1100001", "0011000", "0000111", "0001101"]
]

Matrix = list[list[float]]


def pad(image: Matrix, padding: int) -> Matrix:
    """Return the image (H, W) with `padding` rows and columns of zeros around it."""
    width = len(image[0]) + 2 * padding
    empty = [[0.0] * width for _ in range(padding)]
    return empty + [[0.0] * padding + list(row) + [0.0] * padding for row in image] + [list(row) for row in empty]


def windows(image: Matrix, size: int, stride: int) -> Iterator[tuple[int, int, Matrix]]:
    """Yield (top, left, window) for every position of a square window on the image, row by row."""
    for top in range(0, len(image) - size + 1, stride):
        for left in range(0, len(image[0]) - size + 1, stride):
            yield top, left, [row[left : left + size] for row in image[top : top + size]]


def slide(image: Matrix, size: int, stride: int, reduce: Callable[[Matrix], float], padding: int = 0) -> Matrix:
    """Return what `reduce` makes of every window, as a matrix."""
    padded = pad(image, padding)
    results: dict[int, list[float]] = {}
    for top, _, window in windows(padded, size, stride):
        results.setdefault(top, []).append(reduce(window))
    return list(results.values())


def weigh(kernel: Matrix) -> Callable[[Matrix], float]:
    """Return the function that multiplies a window with the kernel cell by cell and adds up."""
    return lambda window: sum(
        cell * weight
        for row, weights in zip(window, kernel, strict=True)
        for cell, weight in zip(row, weights, strict=True)
    )


def number(value: float) -> str:
    """Return a number as the lecture writes it."""
    return f"{value:g}" if abs(value - round(value, 4)) < 1e-9 else f"{value:.4f}"


def show(name: str, matrix: Matrix) -> None:
    """Print a matrix under its name."""
    print(f"{name} ({len(matrix)} x {len(matrix[0])})")
    width = max(len(number(value)) for row in matrix for value in row)
    for row in matrix:
        print("    " + " ".join(f"{number(value):>{width}}" for value in row))


def show_position(image: Matrix, padding: int, top: int, left: int, size: int, result: str) -> None:
    """Print the padded image with the window at (top, left) in brackets, and what comes of it."""
    padded = pad(image, padding)
    print(f"  row {top - padding}, column {left - padding}:")
    for y, row in enumerate(padded):
        cells = []
        for x, value in enumerate(row):
            outside = not (padding <= y < len(padded) - padding and padding <= x < len(row) - padding)
            text = "." if outside else number(value)
            inside = top <= y < top + size and left <= x < left + size
            cells.append(f"[{text}]" if inside else f" {text} ")
        print("      " + "".join(cells) + (f"   {result}" if y == top + size // 2 else ""))


def product(window: Matrix, kernel: Matrix) -> str:
    """Return the sum that a window gives, written out: only the cells where the kernel is not 0."""
    terms = [
        f"{number(cell)}*{number(weight)}"
        for row, weights in zip(window, kernel, strict=True)
        for cell, weight in zip(row, weights, strict=True)
        if weight
    ]
    return f"{' + '.join(terms)} = {number(weigh(kernel)(window))}"


def as_image(matrix: Matrix) -> torch.Tensor:
    """Return a matrix as PyTorch wants images: (N, C, H, W), here one image with one channel."""
    return torch.tensor([[matrix]], dtype=torch.float32)


def as_matrix(tensor: torch.Tensor) -> Matrix:
    """Return the only image of a (1, 1, H, W) tensor."""
    return tensor[0, 0].tolist()


def agree(by_hand: Matrix, tensor: torch.Tensor) -> None:
    """Stop unless the library's result is the one computed by hand."""
    if not torch.allclose(as_image(by_hand), tensor):
        raise SystemExit(f"by hand {by_hand}, but the library gives {as_matrix(tensor)}")


def convolve(image: Matrix, stride: int, padding: int) -> Matrix:
    """Show a convolution of the image with the lecture's kernel position by position; return the result."""
    show("image", image)
    show("kernel", KERNEL)
    print(f"stride {stride}, padding {padding}; the kernel stands at")
    for top, left, window in windows(pad(image, padding), 3, stride):
        show_position(image, padding, top, left, 3, product(window, KERNEL))
    result = slide(image, 3, stride, weigh(KERNEL), padding)
    show("result", result)
    agree(result, F.conv2d(as_image(image), as_image(KERNEL), stride=stride, padding=padding))
    return result


def step_convolution() -> Matrix:
    """1. A 3x3 kernel on a 5x5 image."""
    return convolve(IMAGE, stride=1, padding=0)


def step_output_size() -> list[int]:
    """2. How large the result is: (N - F) / stride + 1."""
    sizes = []
    print("N is the size of the image, F that of the kernel; what does not fit is left out (rounded down)")
    for stride in (1, 2, 3):
        exact = (7 - 3) / stride + 1
        measured = F.conv2d(torch.zeros(1, 1, 7, 7), as_image(KERNEL), stride=stride).shape[-1]
        sizes.append(measured)
        print(f"  N = 7, F = 3, stride {stride}: (7 - 3) / {stride} + 1 = {number(exact)} -> {measured} x {measured}")
    print("with padding P on both sides it is (N + 2P - F) / stride + 1: N = 7, F = 3, P = 1, stride 1 keeps 7")
    return sizes


def step_padding() -> Matrix:
    """3. Padding 1 around a 7x7 image, stride 3."""
    return convolve(LARGER_IMAGE, stride=3, padding=1)


def step_layer() -> torch.Tensor:
    """4. The layer: Conv2d learns its kernel. Images are NCHW: number, channels, height, width."""
    torch.manual_seed(0)
    layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=(3, 3), stride=(2, 2), padding=1)
    print(layer)
    images = torch.stack([as_image(LARGER_IMAGE)[0]] * 4)
    result = layer(images)
    print(f"weight {tuple(layer.weight.shape)} = (out_channels, in_channels, height, width)")
    print(f"bias {tuple(layer.bias.shape)} = (out_channels,)")
    print(f"images {tuple(images.shape)} = (N, C, H, W) -> {tuple(result.shape)}")
    kernel, bias = as_matrix(layer.weight.detach()), layer.bias.item()
    by_hand = slide(LARGER_IMAGE, 3, 2, lambda window: weigh(kernel)(window) + bias, padding=1)
    agree(by_hand, result[:1].detach())
    return result


FEATURES: Matrix = [
    [1, -3, 2, 1],
    [4, 6, -6, 8],
    [3, -1, 1, 0],
    [1, -2, 2, 4],
]


def step_relu() -> Matrix:
    """5. ReLU: what is negative becomes 0."""
    show("before", FEATURES)
    result = [[max(value, 0) for value in row] for row in FEATURES]
    show("after", result)
    agree(result, nn.ReLU()(as_image(FEATURES)))
    return result


def step_pooling() -> dict[str, Matrix]:
    """6. Pooling: of each 2x2 window one number. Maximum, minimum, average."""
    kinds: dict[str, tuple[nn.Module, Callable[[Matrix], float]]] = {
        "maximum": (nn.MaxPool2d(kernel_size=2), lambda window: max(map(max, window))),
        "minimum": (nn.MinPool2d(kernel_size=2), lambda window: min(map(min, window))),
        "average": (nn.AvgPool2d(kernel_size=2), lambda window: sum(map(sum, window)) / 4),
    }
    show("image", FEATURES)
    results = {}
    for name, (layer, reduce) in kinds.items():
        print(f"{name}: {layer}")
        for top, left, window in windows(FEATURES, 2, 2):
            cells = ", ".join(number(value) for row in window for value in row)
            show_position(FEATURES, 0, top, left, 2, f"{name} of {cells} = {number(reduce(window))}")
        results[name] = slide(FEATURES, 2, 2, reduce)
        show("result", results[name])
        agree(results[name], layer(as_image(FEATURES)))
    return results


def step_linear() -> torch.Tensor:
    """7. The fully connected layer: every output sees every number of the flattened maps."""
    torch.manual_seed(0)
    pooled = nn.MaxPool2d(kernel_size=2)(as_image(FEATURES))
    flat = nn.Flatten()(pooled)
    layer = nn.Linear(in_features=4, out_features=3)
    print(layer)
    result = layer(flat)
    print(f"(1, 1, 2, 2) flattened {tuple(flat.shape)} -> {tuple(result.shape)}")
    values, weights, bias = flat[0].tolist(), layer.weight.tolist(), layer.bias.tolist()
    for output, (row, offset) in enumerate(zip(weights, bias, strict=True)):
        terms = " + ".join(f"{number(value)}*({weight:.3f})" for value, weight in zip(values, row, strict=True))
        total = sum(value * weight for value, weight in zip(values, row, strict=True)) + offset
        print(f"  output {output}: {terms} + ({offset:.3f}) = {total:.3f}")
        if abs(total - result[0, output].item()) > 1e-5:
            raise SystemExit(f"by hand {total}, but the library gives {result[0, output].item()}")
    return result


STEPS: list[Callable[[], object]] = [
    step_convolution,
    step_output_size,
    step_padding,
    step_layer,
    step_relu,
    step_pooling,
    step_linear,
]


def main() -> None:
    """Run all steps, or the one asked for."""
    parser = argparse.ArgumentParser(description="The lecture on convolutional networks, computed step by step.")
    parser.add_argument("--step", type=int, choices=range(1, len(STEPS) + 1), help="only this step")
    chosen = parser.parse_args().step
    for index, step in enumerate(STEPS, 1):
        if chosen in (None, index):
            title = (step.__doc__ or "").strip()
            print(f"\n{title}\n{'-' * len(title)}")
            step()


if __name__ == "__main__":
    main()
