"""Bad input: convolution and padding."""

CASES = r"""
# F.conv2d
F.conv2d(torch.zeros(5,5), torch.zeros(1,1,3,3))
    RuntimeError: Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [5, 5]
F.conv2d(torch.zeros(1,1,1,5,5), torch.zeros(1,1,3,3))
    RuntimeError: Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [1, 1, 1, 5, 5]
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,3,3))
    RuntimeError
F.conv2d(torch.zeros(()), torch.zeros(1,1,3,3))
    RuntimeError: Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: []
F.conv2d(torch.zeros(1,2,5,5), torch.zeros(1,1,3,3))
    RuntimeError: Given groups=1, weight of size [1, 1, 3, 3], expected input[1, 2, 5, 5] to have 1 channels, but...
F.conv2d(torch.zeros(2,5,5), torch.zeros(1,1,3,3))
    RuntimeError
F.conv2d(torch.zeros(1,4,5,5), torch.zeros(3,2,3,3), groups=2)
    RuntimeError: Given groups=2, expected weight to be divisible by 2 at dimension 0, but got weight of size [[3,...
F.conv2d(torch.zeros(1,4,5,5), torch.zeros(4,4,3,3), groups=0)
    RuntimeError: non-positive groups is not supported
F.conv2d(torch.zeros(1,4,5,5), torch.zeros(4,4,3,3), groups=2.5)
    TypeError
F.conv2d(torch.zeros(1,1,2,2), torch.zeros(1,1,3,3))
    RuntimeError: Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be...
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), stride=0)
    RuntimeError: non-positive stride is not supported
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), stride=(1,2,3))
    RuntimeError: expected stride to be a single integer value or a list of 2 values to match the convolution...
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), stride=2**64)
    ValueError
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), padding=-1)
    RuntimeError: negative padding is not supported
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), padding='full')
    RuntimeError: Invalid padding string: 'full'
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), padding='same', stride=2)
    RuntimeError: padding='same' is not supported for strided convolutions
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), padding=(1,1,1))
    RuntimeError: expected padding to be a single integer value or a list of 2 values to match the convolution...
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), torch.zeros(2))
    RuntimeError: Given weight of size [1, 1, 3, 3], expected bias to be 1-dimensional with 1 elements, but got...
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), torch.zeros(1, dtype=torch.float64))
    RuntimeError: Input type (float) and bias type (double) should be the same
F.conv2d(torch.zeros(1,1,5,5, dtype=torch.bool), torch.zeros(1,1,3,3, dtype=torch.bool))
    NotImplementedError: "slow_conv2d_cpu" not implemented for 'Bool'
F.conv2d(np.zeros((1,1,5,5)), torch.zeros(1,1,3,3))
    TypeError
F.conv2d([[1.0]], torch.zeros(1,1,3,3))
    TypeError
F.conv2d(None, torch.zeros(1,1,3,3))
    TypeError
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(0,1,3,3))
    RuntimeError: Given groups=1, expected weight to be at least 1 at dimension 0, but got weight of size [0, 1, 3,...
# nn.Conv2d
nn.Conv2d(1, 1, -1)
    RuntimeError: Trying to create tensor with negative dimension -1: [1, 1, -1, -1]
nn.Conv2d(-1, 1, 3)
    RuntimeError: Trying to create tensor with negative dimension -1: [1, -1, 3, 3]
nn.Conv2d(3, 4, 3, groups=2)
    ValueError: in_channels must be divisible by groups
nn.Conv2d(4, 3, 3, groups=2)
    ValueError: out_channels must be divisible by groups
nn.Conv2d(4, 4, 3, groups=0)
    ValueError: groups must be a positive integer
nn.Conv2d(1, 1, 3, padding='full')
    ValueError
nn.Conv2d(1, 1, 3, padding='same', stride=2)
    ValueError: padding='same' is not supported for strided convolutions
nn.Conv2d(1, 1, (3, 3, 3))(torch.zeros(1,1,5,5))
    RuntimeError
nn.Conv2d(1, 1, 'x')
    TypeError: empty(): argument 'size' failed to unpack the object at pos 3 with error "type must be tuple of...
nn.Conv2d('1', 1, 3)
    TypeError: not all arguments converted during string formatting
nn.Conv2d(1, 1, 3, stride=0)(torch.zeros(1,1,5,5))
    RuntimeError: non-positive stride is not supported
nn.Conv2d(1, 1, 3, padding=-1)(torch.zeros(1,1,5,5))
    RuntimeError: negative padding is not supported
nn.Conv2d(1, 1, 3, padding=4, padding_mode='reflect')(torch.zeros(1,1,3,3))
    RuntimeError: Argument #4: Padding size should be less than the corresponding input dimension, but got: padding...
nn.Conv2d(1, 1, 3, padding=4, padding_mode='circular')(torch.zeros(1,1,3,3))
    RuntimeError: Padding value causes wrapping around more than once.
nn.Conv2d(1, 1, 3, padding=1, padding_mode='replicate')(torch.zeros(1,1,0,3))
    RuntimeError: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions...
nn.Conv2d(1, 1, 3, dtype=torch.int64)
    RuntimeError: Only Tensors of floating point and complex dtype can require gradients
nn.Conv2d(1, 1, 3, device='cuda')
    AssertionError: Torch not compiled with CUDA enabled
nn.Conv2d(1, 1, 3)('text')
    TypeError
nn.Conv2d(1, 1, 3)()
    TypeError
nn.Conv2d(1, 1, 3)(torch.zeros(1,2,5,5))
    RuntimeError: Given groups=1, weight of size [1, 1, 3, 3], expected input[1, 2, 5, 5] to have 1 channels, but...
nn.Conv2d()
    TypeError
# padding
F.pad(torch.zeros(2,3), (1,))
    RuntimeError: Padding length must be divisible by 2
F.pad(torch.zeros(2,3), (1,1,1,1,1,1))
    RuntimeError: Padding length should be less than or equal to two times the input dimension but got padding...
F.pad(torch.zeros(2,3), (-2,-2))
    RuntimeError
F.pad(torch.zeros(2,3), (1.5,0))
    TypeError: pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type float at pos 0
F.pad(torch.zeros(2,3), (1,1), mode='mirror')
    NotImplementedError: Unrecognised padding mode mirror
F.pad(torch.zeros(1,1,3,3), (3,0,0,0), mode='reflect')
    RuntimeError: Argument #4: Padding size should be less than the corresponding input dimension, but got: padding...
F.pad(torch.zeros(1,1,3,3), (4,0,0,0), mode='circular')
    RuntimeError: Padding value causes wrapping around more than once.
F.pad(torch.zeros(1,1,0,3), (1,1,1,1), mode='replicate')
    RuntimeError: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions...
F.pad(torch.zeros(1,1,3,3), (1,1,1,1), mode='reflect', value=1.0)
    RuntimeError: Padding mode "reflect" doesn't take in value argument
F.pad(torch.zeros(1,1,3,3), (1,1,1,1,1,1), mode='reflect')
    RuntimeError
F.pad(torch.zeros(3,3), (1,1,1,1), mode='reflect')
    NotImplementedError: Padding size 4 is not supported for 2D input tensor. Supported combinations for...
F.pad(torch.zeros(1,1,3,3), 'abc')
    TypeError: pad(): argument 'pad' (position 2) must be tuple of ints, not str
"""
