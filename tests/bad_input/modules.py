"""Bad input: modules, their helpers and optimizers."""

CASES = r"""
# modules
(lambda m: (setattr(m, "padding_mode", "reflect"), m(torch.zeros(1,1,2,2))))(nn.ConvTranspose2d(1, 1, 2))
    ValueError: Only `zeros` padding mode is supported for ConvTranspose2d
nn.Module().set_submodule("a", 1)
    ValueError: `module` is not an nn.Module, found <class 'int'>
nn.SyncBatchNorm(2)(torch.zeros(2))
    ValueError: expected at least 2D input (got 1D input)
nn.SyncBatchNorm(0)(torch.zeros(2,0))
    ValueError: SyncBatchNorm number of input channels should be non-zero
nn.EmbeddingBag.from_pretrained(torch.zeros(2))
    AssertionError: Embeddings parameter is expected to be 2-dimensional
nn.Parameter(torch.zeros(2)).fill
    AttributeError: 'Parameter' object has no attribute 'fill'
nn.utils.rnn.pad_sequence([torch.zeros(2), 1])
    TypeError: expected Tensor as element 1 in argument 0, but got int
nn.utils.prune.global_unstructured([(nn.Linear(1,1),"weight")], print, importance_scores=[1])
    TypeError: global_unstructured(): importance_scores must be of type dict
nn.utils.parametrizations.spectral_norm(nn.Linear(1,1), "wight")
    ValueError: Module 'Linear(in_features=1, out_features=1, bias=True)' has no parameter or buffer with name 'wight'
nn.utils.spectral_norm(nn.Linear(1,1,bias=False), "bias")
    ValueError: `SpectralNorm` cannot be applied as parameter `bias` is None
nn.Module.register_buffer(nn.Module.__new__(nn.Module), "x", None)
    AttributeError: cannot assign buffer before Module.__init__() call
nn.Module.register_parameter(nn.Module.__new__(nn.Module), "x", None)
    AttributeError: cannot assign parameter before Module.__init__() call
torch.conv_tbc(torch.zeros(5,1,2), torch.zeros(3,2,4), torch.zeros(4,1))
    RuntimeError: Bias must be 1-D
F.linear_cross_entropy(torch.zeros(2,3), torch.zeros(3), torch.zeros(2).long())
    RuntimeError: expected linear_weight with dimensionality at least 2, got 1
F.multi_head_attention_forward(*[torch.ones(1,1,2)]*3, 2, 1, None, None, None, None, False, 0.0, torch.zeros(2,2), None)
    AssertionError: use_separate_proj_weight is False but in_proj_weight is None
F.layer_norm(torch.zeros(2), (2,), eps="a")
    TypeError: layer_norm(): argument 'eps' (position 5) must be float, not str
F.pad(torch.zeros(2), (1,1), mode=1)
    TypeError: pad(): argument 'mode' (position 3) must be str, not int
F.l1_loss(torch.zeros(2), torch.zeros(2), weight=torch.zeros(2), reduction="x")
    ValueError: Invalid reduction mode: x. Expected one of 'none', 'mean', 'sum'.
F.interpolate(torch.zeros(1,1,2,2), size=(2**40,2**40))
    RuntimeError: Storage size calculation overflowed with sizes=[1, 1, 1099511627776, 1099511627776]
# optimizers
optim.Adam([torch.zeros(1)], lr=torch.zeros(1), foreach=True)
    ValueError: lr as a Tensor is not supported for capturable=False and foreach=True
optim.NAdam([torch.zeros(1)], lr=torch.zeros(2))
    ValueError: Tensor lr must be 1-element
optim.Adafactor([torch.zeros(1)], lr=torch.zeros(2))
    ValueError: Tensor lr must be 1-element
optim.SparseAdam([torch.zeros(1)], lr=torch.zeros(2))
    ValueError: Tensor lr must be 1-element
optim.RMSprop([torch.zeros(1)], eps=-1)
    ValueError: Invalid epsilon value: -1
optim.Muon([torch.zeros(1,1)], lr=torch.zeros(2))
    ValueError: Tensor lr must be 1-element
(lambda m: (m.sum().backward(), optim.Muon([m], ns_coefficients=(1,2)).step()))(nn.Parameter(torch.ones(1,1)))
    ValueError: Coefficients must be a tuple of exactly 3 values
(lambda o: (o.add_param_group({"params": torch.zeros(1)}), o.step(lambda: 0)))(optim.LBFGS([torch.zeros(1)]))
    AssertionError: Expected exactly one param_group, but got 2
"""
