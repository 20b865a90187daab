"""Bad input: the other layers and the losses."""

CASES = r"""
# linear
F.linear(torch.zeros(2,3), torch.zeros(4,5))
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)
F.linear(torch.zeros(3), torch.zeros(4,5))
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 5x4)
F.linear(torch.zeros(()), torch.zeros(4,5))
    RuntimeError: both arguments to linear need to be at least 1D, but they are 0D and 2D
F.linear(torch.zeros(2,3), torch.zeros(4,3), torch.zeros(5))
    RuntimeError: The expanded size of the tensor (4) must match the existing size (5) at non-singleton dimension...
F.linear(torch.zeros(2,3), torch.zeros(4,3,3))
    RuntimeError: t() expects a tensor with <= 2 dimensions, but self is 3D
F.linear(torch.zeros(2,3), torch.zeros(5))
    RuntimeError: size mismatch, got input (2), mat (2x3), vec (5)
F.linear(torch.zeros(2,3,dtype=torch.float64), torch.zeros(4,3))
    RuntimeError: expected m1 and m2 to have the same dtype, but got: double != float
F.linear(torch.zeros(2,3,dtype=torch.float64), torch.zeros(4,3), torch.zeros(4))
    RuntimeError: mat1 and mat2 must have the same dtype, but got Double and Float
F.linear(torch.ones(2,3,dtype=torch.bool), torch.ones(4,3,dtype=torch.bool))
    NotImplementedError: "addmm_impl_cpu_" not implemented for 'Bool'
F.cross_entropy(torch.zeros(2,3), torch.zeros(2,3), label_smoothing=2.0)
    RuntimeError: label_smoothing must be between 0.0 and 1.0. Got: 2
F.linear(np.zeros((2,3)), torch.zeros(4,3))
    TypeError
nn.Linear(3, -1)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1, 3]
nn.Linear(-3, 1)
    RuntimeError: Trying to create tensor with negative dimension -3: [1, -3]
nn.Linear(2**32, 2**31)
    RuntimeError: Storage size calculation overflowed with sizes=[2147483648, 4294967296]
nn.Linear(2.5, 1)
    TypeError: empty(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of...
nn.Linear('a', 1)
    TypeError: empty(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of...
nn.Linear(3, 4)(torch.zeros(2,5))
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)
nn.Linear(3, 4)(torch.zeros(2,3,dtype=torch.int64))
    RuntimeError
nn.Linear(3, 4)(1.0)
    TypeError: linear(): argument 'input' (position 1) must be Tensor, not float
nn.Linear(3, 4, dtype=torch.int32)
    RuntimeError: Only Tensors of floating point and complex dtype can require gradients
nn.Linear(3)
    TypeError: Linear.__init__() missing 1 required positional argument: 'out_features'
# flatten
nn.Flatten(5)(torch.zeros(2,3))
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 5)
nn.Flatten(2, 1)(torch.zeros(2,3,4))
    RuntimeError: flatten() has invalid args: start_dim cannot come after end_dim
nn.Flatten()(torch.zeros(()))
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)
torch.zeros(2,3).flatten(2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
torch.zeros(2,3).flatten(1, 0)
    RuntimeError: flatten() has invalid args: start_dim cannot come after end_dim
# embedding_bag
F.embedding_bag(torch.tensor([0,1]), torch.zeros(4,3,dtype=torch.int64), torch.tensor([0]))
    RuntimeError: Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloa...
F.embedding_bag(torch.zeros(1,2).long(), torch.zeros(4,3), mode='sum', per_sample_weights=torch.ones(1,2).double())
    RuntimeError: Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_s...
# dropout
nn.Dropout(1.5)
    ValueError: dropout probability has to be between 0 and 1, but got 1.5
nn.Dropout(-0.1)
    ValueError: dropout probability has to be between 0 and 1, but got -0.1
nn.Dropout('a')
    TypeError: '<' not supported between instances of 'str' and 'int'
F.dropout(torch.zeros(3), 1.5)
    ValueError: dropout probability has to be between 0 and 1, but got 1.5
F.dropout(torch.zeros(3), nan)
    RuntimeError: dropout probability has to be between 0 and 1, but got nan
F.dropout(torch.zeros(3, dtype=torch.int64), 0.5)
    RuntimeError: result type Float can't be cast to the desired output type Long
F.dropout(torch.zeros(3), p=None)
    TypeError: '<' not supported between instances of 'NoneType' and 'float'
# batch norm
nn.BatchNorm2d(3)(torch.zeros(2,3))
    ValueError: expected 4D input (got 2D input)
nn.BatchNorm2d(3)(torch.zeros(2,4,5,5))
    RuntimeError: running_mean should contain 4 elements not 3
nn.BatchNorm2d(3)(torch.zeros(1,3,1,1))
    ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 3, 1, 1])
nn.BatchNorm2d(3)(torch.zeros(2,3,2,2,dtype=torch.float64))
    RuntimeError
nn.BatchNorm2d(3)(torch.zeros(2,3,2,2,dtype=torch.int64))
    NotImplementedError: "batch_norm" not implemented for 'Long'
nn.BatchNorm2d(-1)
    RuntimeError: Trying to create tensor with negative dimension -1: [-1]
nn.BatchNorm2d(2.5)
    TypeError: empty(): argument 'size' (position 1) must be tuple of ints, not float
nn.BatchNorm2d(3, eps=-1.0)(torch.zeros(2,3,2,2))
    ValueError
nn.BatchNorm2d(3, momentum='a')(torch.zeros(2,3,2,2))
    TypeError: batch_norm(): argument 'momentum' (position 7) must be float, not str
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(4), torch.zeros(4))
    RuntimeError: running_mean should contain 3 elements not 4
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(4))
    RuntimeError: running_var should contain 3 elements not 4
F.batch_norm(torch.zeros(2,3,2,2), None, None)
    RuntimeError: running_mean must be defined in evaluation mode
F.batch_norm(torch.zeros(2,3,2,2), None, torch.zeros(3), training=True)
    ValueError: running_mean and running_var must either both be None or neither be None
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(3), weight=torch.zeros(4))
    RuntimeError: weight should contain 3 elements not 4
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(3), bias=torch.zeros(4))
    RuntimeError: bias should contain 3 elements not 4
F.batch_norm(torch.zeros(3), torch.zeros(3), torch.zeros(3))
    RuntimeError
F.batch_norm(torch.zeros(()), torch.zeros(3), torch.zeros(3))
    RuntimeError
# softmax
F.softmax(torch.zeros(2,3), 2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
F.softmax(torch.zeros(2,3), 'a')
    TypeError
F.softmax(torch.zeros(2,3,dtype=torch.int64), 1)
    NotImplementedError: "softmax_lastdim_kernel_impl" not implemented for 'Long'
F.softmax(torch.zeros(()), 1)
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)
F.log_softmax(torch.zeros(2,3), 2)
    IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)
F.log_softmax(torch.zeros(2,3,dtype=torch.int64), 1)
    NotImplementedError: "log_softmax_lastdim_kernel_impl" not implemented for 'Long'
# activation
F.relu(np.zeros(3))
    TypeError
F.relu(None)
    TypeError: relu(): argument 'input' (position 1) must be Tensor, not NoneType
F.relu(torch.tensor([True]))
    RuntimeError: Boolean inputs not supported for relu
torch.relu_(torch.zeros(3, requires_grad=True))
    RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.
# losses
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,3]))
    IndexError: Target 3 is out of bounds.
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1,2]))
    ValueError: Expected input batch_size (2) to match target batch_size (3).
F.cross_entropy(torch.zeros(3), torch.tensor(3))
    IndexError: Target 3 is out of bounds.
F.cross_entropy(torch.zeros(()), torch.tensor(1))
    RuntimeError: Expected floating point type for target with class probabilities, got Long
F.cross_entropy(torch.zeros(2,3), torch.tensor([0.0,1.0]))
    RuntimeError: expected target dtype to be Long or Byte, but got Float
F.cross_entropy(torch.zeros(2,3), torch.zeros(2,4))
    RuntimeError: 0D or 1D target tensor expected, multi-target not supported
F.cross_entropy(torch.zeros(2,3), torch.zeros(2,3,dtype=torch.int64))
    RuntimeError: Expected floating point type for target with class probabilities, got Long
F.cross_entropy(torch.zeros(2,3,dtype=torch.int64), torch.tensor([0,1]))
    NotImplementedError: "log_softmax_lastdim_kernel_impl" not implemented for 'Long'
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), weight=torch.ones(4))
    RuntimeError: weight tensor should be defined either for all 3 classes or no classes but got weight tensor of...
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), weight=torch.ones(3,dtype=torch.float64))
    RuntimeError: expected scalar type Float but found Double
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), weight=[1,2,3])
    TypeError: cross_entropy_loss(): argument 'weight' (position 3) must be Tensor, not list
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), label_smoothing=1.5)
    RuntimeError: label_smoothing must be between 0.0 and 1.0. Got: 1.5
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), reduction='avg')
    ValueError: avg is not a valid value for reduction
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), reduction=None)
    ValueError: None is not a valid value for reduction
F.cross_entropy(torch.zeros(2,3), [0,1])
    TypeError: cross_entropy_loss(): argument 'target' (position 2) must be Tensor, not list
F.cross_entropy(torch.zeros(2,3,4), torch.zeros(2,5,dtype=torch.int64))
    RuntimeError: Expected target size [2, 4], got [2, 5]
F.cross_entropy(torch.zeros(2,3,4,4), torch.zeros(2,4,3,dtype=torch.int64))
    RuntimeError: size mismatch (got input: [2, 3, 4, 4] , target: [2, 4, 3]
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), ignore_index=2**63)
    ValueError
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), ignore_index=1.5)
    TypeError: cross_entropy_loss(): argument 'ignore_index' (position 5) must be int, not float
F.nll_loss(torch.zeros(2,3), torch.tensor([0,3]))
    IndexError: Target 3 is out of bounds.
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1,2]))
    ValueError: Expected input batch_size (2) to match target batch_size (3).
F.nll_loss(torch.zeros(2,3), torch.zeros(2,3))
    RuntimeError: 0D or 1D target tensor expected, multi-target not supported
F.nll_loss(torch.zeros(2,3), torch.zeros(2))
    RuntimeError: expected target dtype to be Long or Byte, but got Float
F.nll_loss(torch.zeros(3), torch.tensor(7))
    IndexError: Target 7 is out of bounds.
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1]), weight=torch.ones(2))
    RuntimeError: weight tensor should be defined either for all 3 classes or no classes but got weight tensor of...
F.nll_loss(torch.zeros(2,3,4,4), torch.full((2,4,5),0))
    RuntimeError: size mismatch (got input: [2, 3, 4, 4] , target: [2, 4, 5]
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1]), reduction='x')
    ValueError: x is not a valid value for reduction
F.nll_loss(torch.zeros(()), torch.tensor(0))
    ValueError: Expected 1 or more dimensions (got 0)
F.mse_loss(torch.zeros(2,3), torch.zeros(2,4))
    RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1
F.mse_loss(torch.zeros(2,3), torch.zeros(2,3), reduction='x')
    ValueError: x is not a valid value for reduction
F.mse_loss(torch.zeros(2,3), 1.0)
    AttributeError: 'float' object has no attribute 'size'
F.mse_loss(torch.zeros(2,dtype=torch.int64), torch.zeros(2,dtype=torch.int64))
    NotImplementedError: "mse_cpu" not implemented for 'Long'
nn.CrossEntropyLoss(reduction='x')(torch.zeros(2,3), torch.tensor([0,1]))
    ValueError: x is not a valid value for reduction
nn.CrossEntropyLoss(label_smoothing=2.0)(torch.zeros(2,3), torch.tensor([0,1]))
    RuntimeError
nn.CrossEntropyLoss()(torch.zeros(2,3))
    TypeError: CrossEntropyLoss.forward() missing 1 required positional argument: 'target'
nn.MSELoss()(torch.zeros(2,3), torch.zeros(3,3))
    RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
F.one_hot(torch.tensor([0,3]), 3)
    RuntimeError: Class values must be smaller than num_classes.
F.one_hot(torch.tensor([0,-1]), 3)
    RuntimeError: Class values must be non-negative.
F.one_hot(torch.tensor([0.0]), 3)
    RuntimeError: one_hot is only applicable to index tensor of type LongTensor.
F.one_hot(torch.zeros(0,dtype=torch.int64))
    RuntimeError: Can not infer total number of classes from empty tensor.
F.one_hot(torch.tensor([0,1]), 2**62)
    RuntimeError: Storage size calculation overflowed with sizes=[2, 4611686018427387904]
# more of the same
F.conv2d(torch.zeros(1,1,5,5), torch.zeros(1,1,3,3), [0.0])
    TypeError
F.linear(torch.zeros(2,3), [[1.0]])
    TypeError: linear(): argument 'weight' (position 2) must be Tensor, not list
F.linear(torch.zeros(2,3), torch.zeros(4,3), [1.0])
    TypeError: linear(): argument 'bias' (position 3) must be Tensor, not list
F.batch_norm(torch.zeros(2,3,2,2), [0.0]*3, [1.0]*3)
    TypeError: batch_norm(): argument 'running_mean' (position 4) must be Tensor, not list
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(3), weight=[1.0]*3)
    TypeError: batch_norm(): argument 'weight' (position 2) must be Tensor, not list
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(3), eps='a')
    TypeError
F.batch_norm(torch.zeros(2,3,2,2), torch.zeros(3), torch.zeros(3), momentum=None)
    TypeError: batch_norm(): argument 'momentum' (position 7) must be float, not NoneType
F.batch_norm(None, torch.zeros(3), torch.zeros(3))
    TypeError: batch_norm(): argument 'input' (position 1) must be Tensor, not NoneType
F.batch_norm([1.0], torch.zeros(3), torch.zeros(3))
    TypeError: batch_norm(): argument 'input' (position 1) must be Tensor, not list
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1]), weight=[1,2,3])
    TypeError: nll_loss_nd(): argument 'weight' (position 3) must be Tensor, not list
F.nll_loss([1.0], torch.tensor([0,1]))
    TypeError: nll_loss_nd(): argument 'input' (position 1) must be Tensor, not list
F.nll_loss(torch.zeros(2,3), [0,1])
    TypeError: nll_loss_nd(): argument 'target' (position 2) must be Tensor, not list
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1]), weight=torch.ones(3,dtype=torch.float64))
    RuntimeError: expected scalar type Float but found Double
F.nll_loss(torch.zeros(2,3,dtype=torch.int64), torch.tensor([0,1]))
    NotImplementedError: "nll_loss_out_frame" not implemented for 'Long'
F.nll_loss(torch.zeros(2,3), torch.tensor([0,1]), ignore_index='a')
    TypeError: nll_loss_nd(): argument 'ignore_index' (position 5) must be int, not str
F.cross_entropy([1.0], torch.tensor(0))
    TypeError: cross_entropy_loss(): argument 'input' (position 1) must be Tensor, not list
F.cross_entropy(None, None)
    TypeError: cross_entropy_loss(): argument 'input' (position 1) must be Tensor, not NoneType
F.cross_entropy(torch.zeros(2,3), torch.tensor([0,1]), label_smoothing='a')
    TypeError: cross_entropy_loss(): argument 'label_smoothing' (position 6) must be float, not str
F.cross_entropy(torch.zeros(2,3), torch.zeros(2,3), weight=torch.ones(4))
    RuntimeError
F.cross_entropy(torch.zeros(2,3), torch.zeros(2,3), ignore_index=1)
    RuntimeError: ignore_index is not supported for floating point target
F.mse_loss(torch.zeros(2), None)
    AttributeError: 'NoneType' object has no attribute 'size'
F.mse_loss(torch.zeros(2), torch.zeros(2), weight=[1.0, 2.0])
    AttributeError
F.one_hot([0,1])
    TypeError: one_hot(): argument 'input' (position 1) must be Tensor, not list
F.one_hot(torch.tensor([0]), 'a')
    TypeError: one_hot(): argument 'num_classes' (position 2) must be int, not str
F.pad([1.0], (1,1))
    TypeError: pad(): argument 'input' (position 1) must be Tensor, not list
F.pad(torch.zeros(2), None)
    TypeError: pad(): argument 'pad' (position 2) must be tuple of ints, not NoneType
F.pad(torch.zeros(2), (1,1), value='a')
    TypeError
F.pad(torch.zeros(2), (1,))
    RuntimeError: Padding length must be divisible by 2
F.adaptive_avg_pool2d(torch.zeros(1,1,4,4), None)
    TypeError: object of type 'NoneType' has no len()
F.adaptive_avg_pool2d(torch.zeros(1,1,4,4), 'a')
    TypeError: adaptive_avg_pool2d(): argument 'output_size' (position 2) must be tuple of ints, but found element...
F.adaptive_avg_pool2d(torch.zeros(1,1,4,4), (None,'a'))
    TypeError
F.avg_pool2d(None, 2)
    TypeError: avg_pool2d(): argument 'input' (position 1) must be Tensor, not NoneType
F.avg_pool2d(torch.zeros(1,1,4,4), None)
    TypeError: avg_pool2d(): argument 'kernel_size' (position 2) must be tuple of ints, not NoneType
F.avg_pool2d(torch.zeros(1,1,4,4), 2, divisor_override='a')
    TypeError
F.max_pool2d(torch.zeros(1,1,4,4), 2, ceil_mode='a')
    TypeError: max_pool2d(): argument 'ceil_mode' (position 6) must be bool, not str
F.dropout([1.0], 0.5)
    TypeError: dropout(): argument 'input' (position 1) must be Tensor, not list
F.dropout(None)
    TypeError: dropout(): argument 'input' (position 1) must be Tensor, not NoneType
F.dropout(torch.zeros(3), 'a')
    TypeError: '<' not supported between instances of 'str' and 'float'
nn.Flatten()([1.0])
    AttributeError: 'list' object has no attribute 'flatten'
nn.ReLU()(None)
    TypeError: relu(): argument 'input' (position 1) must be Tensor, not NoneType
nn.Softmax(5)(torch.zeros(3))
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 5)
nn.Softmax('a')(torch.zeros(3))
    TypeError
nn.LogSoftmax(5)(torch.zeros(3))
    IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 5)
nn.NLLLoss()(torch.zeros(3))
    TypeError: NLLLoss.forward() missing 1 required positional argument: 'target'
nn.NLLLoss(weight=[1.0])(torch.zeros(1,1), torch.tensor([0]))
    TypeError: cannot assign 'list' object to buffer 'weight' (torch Tensor or None required)
nn.CrossEntropyLoss(weight='a')(torch.zeros(1,1), torch.tensor([0]))
    TypeError: cannot assign 'str' object to buffer 'weight' (torch Tensor or None required)
nn.AdaptiveAvgPool2d(2)(torch.zeros(3))
    RuntimeError: adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got [3]
nn.AdaptiveMaxPool2d(2)(torch.zeros(3))
    RuntimeError: adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: [3]
nn.Conv2d(1, 0, 3)(torch.zeros(1,1,5,5))
    RuntimeError: Given groups=1, expected weight to be at least 1 at dimension 0, but got weight of size [0, 1, 3,...
nn.Conv2d(1, 1, 3, groups='a')
    TypeError: '<=' not supported between instances of 'str' and 'int'
nn.Conv2d(1, 1, None)
    TypeError: empty(): argument 'size' failed to unpack the object at pos 3 with error "type must be tuple of...
nn.Conv2d(None, 1, 3)
    TypeError: unsupported operand type(s) for %: 'NoneType' and 'int'
torch.flatten([1.0])
    TypeError: flatten(): argument 'input' (position 1) must be Tensor, not list
torch.flatten(torch.zeros(2,2), 'a')
    TypeError
torch.save({}, 5)
    AttributeError: expected 'f' to be string, path, or a file-like object with a 'write' attribute
"""
