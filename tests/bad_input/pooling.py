"""Bad input: pooling."""

CASES = r"""
# pooling
F.max_pool2d(torch.zeros(5), 2)
    RuntimeError: non-empty 3D or 4D (batch mode) tensor expected for input
F.max_pool2d(torch.zeros(1,1,1,5,5), 2)
    RuntimeError: non-empty 3D or 4D (batch mode) tensor expected for input
F.max_pool2d(torch.zeros(1,1,5,5), 0)
    RuntimeError: stride should not be zero
F.max_pool2d(torch.zeros(1,1,5,5), -1)
    RuntimeError: kernel size should be greater than zero, but got kH: -1 kW: -1
F.max_pool2d(torch.zeros(1,1,5,5), 6)
    RuntimeError
F.max_pool2d(torch.zeros(1,1,5,5), (2,2,2))
    RuntimeError: max_pool2d: kernel_size must either be a single int, or a tuple of two ints
F.max_pool2d(torch.zeros(1,1,5,5), 2.5)
    TypeError: max_pool2d(): argument 'kernel_size' (position 2) must be tuple of ints, not float
F.max_pool2d(torch.zeros(1,1,5,5), 2, stride=-1)
    RuntimeError: stride should be greater than zero, but got dH: -1 dW: -1
F.max_pool2d(torch.zeros(1,1,5,5), 2, padding=2)
    RuntimeError: pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation=1
F.max_pool2d(torch.zeros(1,1,5,5), 2, padding=-1)
    RuntimeError: pad must be non-negative, but got pad: -1
F.max_pool2d(torch.zeros(1,1,5,5), 2, dilation=0)
    RuntimeError: dilation should be greater than zero, but got dilationH: 0 dilationW: 0
F.max_pool2d(torch.zeros(1,1,5,5), 2, dilation=10)
    RuntimeError: Given input size: (1x5x5). Calculated output size: (1x-2x-2). Output size is too small
F.max_pool2d(torch.zeros(1,1,5,5), 2**31)
    RuntimeError: value cannot be converted to type int without overflow
F.max_pool2d(torch.zeros(1,1,5,5), 2**63)
    ValueError
F.max_pool2d(torch.zeros(1,1,0,5), 2)
    RuntimeError: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[1, 1, 0, 5]
F.max_pool2d(torch.zeros(0,5,5), 2)
    RuntimeError: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[0, 5, 5]
F.max_pool2d(torch.zeros(1,1,5,5,dtype=torch.bool), 2)
    NotImplementedError: "max_pool2d" not implemented for 'Bool'
F.max_pool2d(np.zeros((1,1,5,5)), 2)
    TypeError
F.max_pool2d(None, 2)
    TypeError: max_pool2d(): argument 'input' (position 1) must be Tensor, not NoneType
F.max_pool2d(torch.zeros(1,1,5,5))
    TypeError
F.avg_pool2d(torch.zeros(5), 2)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got -3)
F.avg_pool2d(torch.zeros(1,1,5,5), 0)
    RuntimeError: stride should not be zero
F.avg_pool2d(torch.zeros(1,1,5,5), -1)
    RuntimeError: kernel size should be greater than zero, but got kH: -1 kW: -1
F.avg_pool2d(torch.zeros(1,1,5,5), 6)
    RuntimeError
F.avg_pool2d(torch.zeros(1,1,5,5), 2, stride=-2)
    RuntimeError: stride should be greater than zero, but got dH: -2 dW: -2
F.avg_pool2d(torch.zeros(1,1,5,5), 2, padding=2)
    RuntimeError: pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation=1
F.avg_pool2d(torch.zeros(1,1,5,5), 2, padding=-1)
    RuntimeError: pad must be non-negative, but got pad: -1
F.avg_pool2d(torch.zeros(1,1,5,5), 2, divisor_override=0)
    RuntimeError: divisor must be not zero
F.avg_pool2d(torch.zeros(1,1,5,5), 2, divisor_override=2**63)
    ValueError
F.avg_pool2d(torch.zeros(1,1,5,5,dtype=torch.bool), 2)
    NotImplementedError: "avg_pool2d" not implemented for 'Bool'
F.avg_pool2d(torch.zeros(1,1,5,5,dtype=torch.uint8), 2)
    NotImplementedError: "avg_pool2d" not implemented for 'Byte'
F.avg_pool2d(torch.zeros(1,1,0,5), 2)
    RuntimeError: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[1, 1, 0, 5]
F.adaptive_avg_pool2d(torch.zeros(5,5), 2)
    RuntimeError: adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got [5, 5]
F.adaptive_avg_pool2d(torch.zeros(1,1,5,5), -1)
    RuntimeError: adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {-1, -1}
F.adaptive_avg_pool2d(torch.zeros(1,1,5,5), (1,2,3))
    RuntimeError: adaptive_avg_pool2d: output_size must be 2
F.adaptive_avg_pool2d(torch.zeros(1,1,5,5), 2**31)
    RuntimeError: Storage size calculation overflowed with sizes=[1, 1, 2147483648, 2147483648]
F.adaptive_avg_pool2d(torch.zeros(1,1,5,5), 2.0)
    TypeError: object of type 'float' has no len()
F.adaptive_avg_pool2d(torch.zeros(1,1,0,5), 2)
    RuntimeError: adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but input...
F.adaptive_avg_pool2d(torch.zeros(1,1,5,5,dtype=torch.int64), 2)
    NotImplementedError: "adaptive_avg_pool2d" not implemented for 'Long'
F.adaptive_max_pool2d(torch.zeros(5,5), 2)
    RuntimeError: adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: [5, 5]
F.adaptive_max_pool2d(torch.zeros(1,1,5,5), -1)
    RuntimeError: Trying to create tensor with negative dimension -1: [1, 1, -1, -1]
F.adaptive_max_pool2d(torch.zeros(1,1,5,5), (1,2,3))
    RuntimeError: adaptive_max_pool2d(): internal error: output_size.size() must be 2
F.adaptive_max_pool2d(torch.zeros(1,1,0,5), 2)
    RuntimeError: adaptive_max_pool2d(): Expected input to have non-zero size for non-batch dimensions, but input...
F.adaptive_max_pool2d(torch.zeros(1,1,5,5,dtype=torch.int64), 2)
    NotImplementedError: "adaptive_max_pool2d" not implemented for 'Long'
nn.MaxPool2d()
    TypeError
nn.MaxPool2d(2, return_indices=True)(torch.zeros(3))
    RuntimeError: non-empty 3D or 4D (batch mode) tensor expected for input
nn.MaxPool2d('a')(torch.zeros(1,1,5,5))
    TypeError: max_pool2d(): argument 'kernel_size' (position 2) must be tuple of ints, not str
nn.AvgPool2d(2, divisor_override=0)(torch.zeros(1,1,5,5))
    RuntimeError: divisor must be not zero
"""
