"""Operations: one file a family, each operation one class with `forward` on NumPy arrays beside `backward` on Tensors.

`tinygrad_cnn.functions` lists the public functions, `tinygrad_cnn.methods` those that are methods of Tensor.
"""
