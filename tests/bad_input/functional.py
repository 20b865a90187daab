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
# fold
F.fold(torch.zeros(1,4,4).int(), (3,3), 2)
    NotImplementedError: "col2im_out_cpu" not implemented for 'Int'
# linear
F.linear(torch.zeros(2,3), torch.zeros(3), torch.zeros(1))
    RuntimeError: mat2 must be a matrix, got 1-D tensor
F.bilinear(torch.zeros(2,3), torch.zeros(2,2,3), torch.zeros(4,3,3))
    RuntimeError: bilinear(): input dimensions do not match: got 2 and 3
"""
