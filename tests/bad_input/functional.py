"""Bad input: functions of layers."""

CASES = r"""
# convolution
F.conv_transpose2d(torch.zeros(1,2,5,5), torch.zeros(2,2,3,3), padding=9)
    RuntimeError: Given input size per channel: (5 x 5). Calculated output size per channel: (-11 x -11). Output...
F.conv_transpose2d(torch.zeros(1,2,5,5), torch.zeros(2,2,3,3), dilation=0)
    RuntimeError: dilation should be greater than zero, but got dilation_height: 0, dilation_width: 0
torch.conv_tbc(torch.zeros(5,1,2), torch.zeros(3,2,4), torch.zeros(4,1))
    RuntimeError: Bias must be 1-D
# pooling
F.fractional_max_pool2d(torch.zeros(1,1,5,5), 2, output_ratio=(0.5,0.5,0.5))
    ValueError: fractional_max_pool2d requires output_ratio to either be a single Int or tuple of Ints.
F.max_unpool3d(torch.zeros(1,1,2,2,2), torch.zeros(1,1,2,2,2).long(), 2, 0)
    RuntimeError: strides should be greater than zero, but got stride: [0, 0, 0]
# attention
F.scaled_dot_product_attention(torch.zeros(1,3,2,4), torch.zeros(1,2,2,4), torch.zeros(1,2,2,4), enable_gqa=True)
    RuntimeError: Number of heads in key and value must divide the number of heads in...
# embedding
F.embedding_bag(torch.tensor([[1, 5]]), torch.zeros(3, 2), mode="max")
    RuntimeError: embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be 5
F.embedding_bag(torch.tensor([[1, -1]]), torch.zeros(3, 2))
    RuntimeError: Index 1 of input takes value -1 which is not in the valid range [0, 3)
F.embedding(torch.tensor([0]), torch.zeros(3,2), max_norm="1")
    TypeError: embedding_renorm_(): argument 'max_norm' (position 3) must be float, not str
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3,2), torch.tensor([0]))
    ValueError: if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length...
F.embedding_bag(torch.zeros(1,0).long(), torch.zeros(3,2))
    RuntimeError: step must be nonzero
F.embedding_bag(torch.zeros(1,1,1).long(), torch.zeros(3,2))
    ValueError: input has to be 1D or 2D Tensor, but got Tensor of dimension 3
F.embedding_bag(torch.tensor([0]), torch.zeros(3,2), torch.tensor([[0]]))
    ValueError: offsets has to be a 1D Tensor
F.embedding_bag(torch.tensor([0]), torch.zeros(3,2), torch.zeros(0).long(), include_last_offset=True)
    RuntimeError: include_last_offset: number of offset...
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3,2), mode="min")
    ValueError: mode has to be one of sum, mean or max
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3,2).int())
    RuntimeError: Expected tensor for argument #1 'weight' to have one of the following scalar types: Half,...
nn.Embedding.from_pretrained(torch.zeros(3))
    AssertionError: Embeddings parameter is expected to be 2-dimensional
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3,2), mode="max", scale_grad_by_freq=True)
    ValueError: max mode does not support scaling the gradient by the frequency
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3,2), per_sample_weights=torch.zeros(2,2))
    ValueError: embedding_bag: If per_sample_weights (torch.Size([2, 2])) is not None, then it must have the same...
F.embedding_bag(torch.tensor([[0]]), torch.zeros(3))
    ValueError: weight has to be a 2D Tensor, but got Tensor of dimension 1
nn.Embedding(3, 2, padding_idx=3)
    AssertionError: Padding_idx must be within num_embeddings
nn.Embedding(3, 2, _weight=torch.zeros(2,2))
    AssertionError: Shape of weight does not match num_embeddings and embedding_dim
# fold
F.fold(torch.zeros(1,4,4).int(), (3,3), 2)
    NotImplementedError: "col2im_out_cpu" not implemented for 'Int'
# linear
F.linear(torch.zeros(2,3), torch.zeros(3), torch.zeros(1))
    RuntimeError: mat2 must be a matrix, got 1-D tensor
F.bilinear(torch.zeros(2,3), torch.zeros(2,2,3), torch.zeros(4,3,3))
    RuntimeError: bilinear(): input dimensions do not match: got 2 and 3
nn.Bilinear(0, 2, 3)
    ValueError: in1_features must be > 0, but got (in1_features=0)
# padding, losses, pooling
torch.constant_pad_nd(torch.zeros(2), (1,1), "a")
    TypeError: constant_pad_nd(): argument 'value' (position 3) must be Number, not str
torch.constant_pad_nd(torch.zeros(2), (1,), 0)
    RuntimeError: Length of pad must be even but instead it equals 1
torch.constant_pad_nd(torch.zeros(2), (1,1,1,1), 0)
    RuntimeError: Length of pad should be no more than twice the number of dimensions of the input. Pad length is...
F.pad(torch.zeros(2, dtype=torch.uint8), (1,1), value=300)
    RuntimeError: value cannot be converted to type uint8_t without overflow
F.pad(torch.zeros(1,2,2).bool(), (1,1), mode="reflect")
    NotImplementedError: "reflection_pad1d" not implemented for 'Bool'
F.pad(torch.zeros(1,1,3,3), (-2,-1,-2,-1), mode="replicate")
    RuntimeError: input (H: 3, W: 3 ) is too small. Calculated output H: 0 W: 0
F.pad(torch.zeros(1,1,3,3), (-4,0,0,0), mode="replicate")
    RuntimeError: Trying to create tensor with negative dimension -1: [1, 1, 3, -1]
F.cross_entropy(torch.zeros(3), torch.tensor([0,1]))
    ValueError: For 1D input, 1D target must have size 1, but got target size: 2
F.nll_loss(torch.zeros(1,3,2,2), torch.zeros(1,2).long())
    RuntimeError: only batches of spatial targets supported (3D tensors) but got targets of dimension: 2
F.mse_loss(torch.zeros(2), torch.zeros(2), weight=torch.zeros(3))
    ValueError: Weights and input must have the same size.
nn.CircularPad2d(1)(torch.zeros(3))
    ValueError: expected 3D or 4D input (got 1D input)
torch.median(torch.tensor([True]))
    NotImplementedError: "median_cpu" not implemented for 'Bool'
torch.median(torch.tensor([True]), 0)
    NotImplementedError: "median_out" not implemented for 'Bool'
"""
