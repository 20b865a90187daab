"""Bad input: modules, optimizers, loaders and autograd."""

CASES = r"""
# autograd
torch.zeros(2, requires_grad=True).backward()
    RuntimeError: grad can be implicitly created only for scalar outputs
torch.zeros(2).backward()
    RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn
torch.zeros(2, requires_grad=True).sum().backward(torch.zeros(3))
    RuntimeError: Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of...
(torch.zeros(2, requires_grad=True)*2).backward('a')
    TypeError: gradients can be either Tensors or None, but got str
torch.autograd.grad(torch.zeros(1), torch.zeros(1))
    RuntimeError
torch.autograd.grad(torch.zeros(1, requires_grad=True).sum(), torch.zeros(1, requires_grad=True))
    RuntimeError: The differentiated Tensor at index 0 appears to not have been used in the graph. Set...
torch.autograd.grad((torch.zeros(1, requires_grad=True)*1).sum(), [])
    RuntimeError: `inputs` argument to `grad()` cannot be empty.
# autograd misuse
torch.zeros(3, requires_grad=True).__iadd__(1)
    RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.
torch.zeros(3, requires_grad=True).__setitem__(0, 1.0)
    RuntimeError: a view of a leaf Variable that requires grad is being used in an in-place operation.
(torch.zeros(3, requires_grad=True)*2).__setattr__('requires_grad', False)
    RuntimeError: you can only change requires_grad flags of leaf variables. If you want to use a computed variable...
torch.zeros(3).__setattr__('grad', 5)
    TypeError: assigned grad expected to be a Tensor or None but got grad of type int
torch.zeros(3).__setattr__('grad', torch.zeros(2))
    RuntimeError: attempting to assign a gradient of size '[2]' to a tensor of size '[3]'. Please ensure that the...
torch.zeros(3).__setattr__('grad', torch.zeros(3, dtype=torch.float64))
    RuntimeError
torch.zeros(3).__setattr__('data', 5)
    TypeError: Variable data has to be a tensor, but got int
torch.zeros(3).register_hook(print)
    RuntimeError: cannot register a hook on a tensor that doesn't require gradient
torch.zeros(3).retain_grad()
    RuntimeError: can't retain_grad on Tensor that has requires_grad=False
torch.autograd.grad(torch.zeros(3,requires_grad=True)*2, [torch.zeros(3,requires_grad=True)])
    RuntimeError: grad can be implicitly created only for scalar outputs
torch.autograd.grad([], [])
    RuntimeError: `inputs` argument to `grad()` cannot be empty.
torch.autograd.grad(1, 2)
    TypeError: 'int' object is not iterable
torch.autograd.backward(torch.zeros(1))
    RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn
torch.autograd.Function.apply(torch.zeros(1))
    NotImplementedError: You must implement the forward function for custom autograd.Function.
torch.autograd.gradcheck(lambda x: x, torch.zeros(1))
    ValueError
torch.autograd.gradcheck(5, torch.zeros(1, requires_grad=True, dtype=torch.float64))
    TypeError: 'int' object is not callable
# optimizers
torch.optim.SGD([], lr=0.1)
    ValueError: optimizer got an empty parameter list
torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=-0.1)
    ValueError: Invalid learning rate: -0.1
torch.optim.SGD([torch.zeros(2, requires_grad=True)], momentum=-1)
    ValueError: Invalid momentum value: -1
torch.optim.SGD([torch.zeros(2, requires_grad=True)], weight_decay=-1)
    ValueError: Invalid weight_decay value: -1
torch.optim.SGD([torch.zeros(2, requires_grad=True)], nesterov=True)
    ValueError: Nesterov momentum requires a momentum and zero dampening
torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr='a')
    TypeError: '<' not supported between instances of 'str' and 'float'
torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=None)
    TypeError: '<' not supported between instances of 'NoneType' and 'float'
torch.optim.SGD(torch.zeros(2, requires_grad=True), lr=0.1)
    TypeError: params argument given to the optimizer should be an iterable of Tensors or dicts, but got...
torch.optim.SGD([1.0], lr=0.1)
    TypeError: optimizer can only optimize Tensors, but one of the params is float
torch.optim.SGD([torch.zeros(2, requires_grad=True)*2], lr=0.1)
    ValueError: can't optimize a non-leaf Tensor
torch.optim.SGD([{'a': 1}], lr=0.1)
    KeyError: 'params'
torch.optim.SGD([{'params': {torch.zeros(1)}}], lr=0.1)
    TypeError: optimizer parameters need to be organized in ordered collections, but the ordering of tensors in...
torch.optim.SGD(None, lr=0.1)
    TypeError: 'NoneType' object is not iterable
torch.optim.SGD(5, lr=0.1)
    TypeError: 'int' object is not iterable
torch.optim.Adam([])
    ValueError: optimizer got an empty parameter list
torch.optim.Adam([torch.zeros(2, requires_grad=True)], lr=-1)
    ValueError: Invalid learning rate: -1
torch.optim.Adam([torch.zeros(2, requires_grad=True)], betas=(1.0, 0.9))
    ValueError: Invalid beta parameter at index 0: 1.0
torch.optim.Adam([torch.zeros(2, requires_grad=True)], betas=(0.9,))
    IndexError: tuple index out of range
torch.optim.Adam([torch.zeros(2, requires_grad=True)], betas=0.9)
    TypeError: 'float' object is not subscriptable
torch.optim.Adam([torch.zeros(2, requires_grad=True)], eps=-1)
    ValueError: Invalid epsilon value: -1
torch.optim.Adam([torch.zeros(2, requires_grad=True)], weight_decay=-1)
    ValueError: Invalid weight_decay value: -1
torch.optim.Adam([torch.zeros(2, requires_grad=True)], lr=nan)
    ValueError: Invalid learning rate: nan
torch.optim.AdamW([])
    ValueError: optimizer got an empty parameter list
torch.optim.AdamW([torch.zeros(2, requires_grad=True)], betas=(0.9, nan))
    ValueError: Invalid beta parameter at index 1: nan
torch.optim.AdamW([torch.zeros(2, requires_grad=True)], eps=-1)
    ValueError: Invalid epsilon value: -1
torch.optim.lr_scheduler.StepLR(1, 2)
    TypeError: int is not an Optimizer
torch.optim.lr_scheduler.StepLR(SGD(), 0).step()
    ZeroDivisionError: integer
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1)
    ValueError: You must define either total_steps OR (epochs AND steps_per_epoch)
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1, total_steps=0)
    ValueError: Expected positive integer total_steps, but got 0
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1, epochs=0, steps_per_epoch=1)
    ValueError: Expected positive integer epochs, but got 0
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1, epochs=1, steps_per_epoch=-1)
    ValueError: Expected positive integer steps_per_epoch, but got -1
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1, total_steps=5, pct_start=1.5)
    ValueError: Expected float between 0 and 1 pct_start, but got 1.5
torch.optim.lr_scheduler.OneCycleLR(SGD(), 0.1, total_steps=5, anneal_strategy='x')
    ValueError: anneal_strategy must be one of 'cos' or 'linear', instead got x
torch.optim.lr_scheduler.OneCycleLR(SGD(), [0.1, 0.2], total_steps=5)
    ValueError: max_lr must have the same length as optimizer.param_groups. max_lr has 2 values, param_groups has 1.
SGD().load_state_dict({})
    KeyError: 'param_groups'
SGD().load_state_dict({'state': {}, 'param_groups': []})
    ValueError: loaded state dict has a different number of parameter groups
SGD().load_state_dict({'state': {}, 'param_groups': [{'params': [0,1]}]})
    ValueError: loaded state dict contains a parameter group that doesn't match the size of optimizer's group
SGD().add_param_group(1)
    TypeError: param_group must be a dict, but got <class 'int'>
SGD().add_param_group({'params': SGD().param_groups})
    TypeError: optimizer can only optimize Tensors, but one of the params is dict
SGD().step(5)
    TypeError: 'int' object is not callable
# more of optimizers
torch.optim.SGD([torch.zeros(2,requires_grad=True)], lr=torch.tensor([0.1,0.2]))
    ValueError: Tensor lr must be 1-element
torch.optim.Adam([torch.zeros(2,requires_grad=True)], betas=('a','b'))
    TypeError: '<=' not supported between instances of 'float' and 'str'
torch.optim.Adam([torch.zeros(2,requires_grad=True)], eps=nan)
    ValueError: Invalid epsilon value: nan
torch.optim.AdamW([torch.zeros(2,requires_grad=True)], weight_decay=-1)
    ValueError: Invalid weight_decay value: -1
torch.optim.lr_scheduler.StepLR(None, 1)
    TypeError: NoneType is not an Optimizer
torch.optim.lr_scheduler.StepLR(SGD(), 2, last_epoch=3)
    KeyError: "param 'initial_lr' is not specified in param_groups[0] when resuming scheduler with last_epoch >=...
torch.optim.lr_scheduler.OneCycleLR(SGD(), 'a', total_steps=3)
    TypeError: unsupported operand type(s) for /: 'str' and 'float'
torch.optim.lr_scheduler.LambdaLR(SGD(), 5)
    TypeError: 'int' object is not callable
SGD().load_state_dict(5)
    AttributeError: 'int' object has no attribute 'copy'
# data loader
data.DataLoader([1,2,3], batch_size=0)
    ValueError: batch_size should be a positive integer value, but got batch_size=0
data.DataLoader([1,2,3], batch_size=None, shuffle=True, drop_last=True)
    ValueError: batch_size=None option disables auto-batching and is mutually exclusive with drop_last
data.DataLoader([1,2,3], shuffle=True, sampler=[0,1])
    ValueError: sampler option is mutually exclusive with shuffle
data.DataLoader([1,2,3], batch_sampler=[[0]], batch_size=2)
    ValueError: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last
data.DataLoader([1,2,3], num_workers=-1)
    ValueError: num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.
data.DataLoader([1,2,3], timeout=-1)
    ValueError: timeout option should be non-negative
data.DataLoader([1,2,3], prefetch_factor=2)
    ValueError: prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable...
data.DataLoader([1,2,3], persistent_workers=True)
    ValueError: persistent_workers option needs num_workers > 0
data.DataLoader([], shuffle=True)
    ValueError: num_samples should be a positive integer value, but got num_samples=0
list(data.DataLoader(5))
    TypeError: object of type 'int' has no len()
list(data.DataLoader([torch.zeros(2), torch.zeros(3)], batch_size=2))
    RuntimeError: stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1
list(data.DataLoader([object()], batch_size=1))
    TypeError: default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class...
list(data.DataLoader([(1,2),(1,)], batch_size=2))
    RuntimeError: each element in list of batch should be of equal size
list(data.DataLoader([1,2,3], sampler=[0,7]))
    IndexError: list index out of range
list(data.DataLoader([{'a':1},{'b':1}], batch_size=2))
    KeyError: 'a'
data.DataLoader()
    TypeError: DataLoader.__init__() missing 1 required positional argument: 'dataset'
data.TensorDataset(torch.zeros(2), torch.zeros(3))
    AssertionError: Size mismatch between tensors
data.TensorDataset(1)
    AttributeError
data.TensorDataset(torch.zeros(2))[5]
    IndexError: index 5 is out of bounds for dimension 0 with size 2
data.Subset([1,2], [5])[0]
    IndexError: list index out of range
data.random_split([1,2,3], [1,1])
    ValueError: Sum of input lengths does not equal the length of the input dataset!
data.RandomSampler([1], num_samples=0)
    ValueError: num_samples should be a positive integer value, but got num_samples=0
data.RandomSampler([1], replacement=5)
    TypeError: replacement should be a boolean value, but got replacement=5
data.BatchSampler([1], 0, False)
    ValueError: batch_size should be a positive integer value, but got batch_size=0
data.BatchSampler([1], 2, 5)
    ValueError: drop_last should be a boolean value, but got drop_last=5
data.SequentialSampler()
    TypeError: SequentialSampler.__init__() missing 1 required positional argument: 'data_source'
# modules, state dicts
nn.Sequential(1)
    TypeError: int is not a Module subclass
nn.Sequential(nn.ReLU(), None)(torch.zeros(1))
    TypeError: 'NoneType' object is not callable
nn.Sequential('a')
    TypeError: str is not a Module subclass
nn.ModuleList([1])
    TypeError: int is not a Module subclass
nn.ModuleList(5)
    TypeError: ModuleList.extend should be called with an iterable, but got int
nn.ModuleList([nn.ReLU()])[1]
    IndexError: index 1 is out of range
nn.ModuleList([nn.ReLU()])(torch.zeros(1))
    NotImplementedError: Module [ModuleList] is missing the required "forward" function
nn.Sequential(nn.ReLU())[1]
    IndexError: index 1 is out of range
nn.Sequential(nn.ReLU())['a']
    TypeError: 'str' object cannot be interpreted as an integer
nn.Module()(1)
    NotImplementedError: Module [Module] is missing the required "forward" function
nn.Module().register_parameter('a.b', None)
    KeyError: 'parameter name can\'t contain "."'
nn.Module().register_parameter('', None)
    KeyError: 'parameter name can\'t be empty string ""'
nn.Module().register_parameter('a', torch.zeros(1))
    TypeError: cannot assign 'torch.FloatTensor' object to parameter 'a' (torch.nn.Parameter or None required)
nn.Module().register_parameter(5, None)
    TypeError: parameter name should be a string. Got int
nn.Module().register_buffer('a', 5)
    TypeError: cannot assign 'int' object to buffer 'a' (torch Tensor or None required)
nn.Module().register_buffer('a.b', None)
    KeyError: 'buffer name can\'t contain "."'
nn.Module().add_module('a', 5)
    TypeError: int is not a Module subclass
nn.Module().add_module('a.b', None)
    KeyError: 'module name can\'t contain ".", got: a.b'
nn.Module(5)
    TypeError: Module.__init__() takes 1 positional argument but 2 were given
nn.Linear(2,3).load_state_dict({})
    RuntimeError: Error(s) in loading state_dict for Linear: Missing key(s) in state_dict: "weight", "bias".
nn.Linear(2,3).load_state_dict({'weight': torch.zeros(3,2), 'bias': torch.zeros(3), 'extra': torch.zeros(1)})
    RuntimeError: Error(s) in loading state_dict for Linear: Unexpected key(s) in state_dict: "extra".
nn.Linear(2,3).load_state_dict({'weight': torch.zeros(2,3), 'bias': torch.zeros(4)})
    RuntimeError: Error(s) in loading state_dict for Linear: size mismatch for weight: copying a param with shape...
nn.Linear(2,3).load_state_dict({'weight': 5, 'bias': torch.zeros(3)})
    RuntimeError: Error(s) in loading state_dict for Linear: While copying the parameter named "weight", expected...
nn.Linear(2,3).load_state_dict([1])
    TypeError: Expected state_dict to be dict-like, got <class 'list'>.
nn.Sequential(nn.Linear(2,3), nn.BatchNorm2d(3)).load_state_dict({'0.weight': torch.zeros(1)})
    RuntimeError: Error(s) in loading state_dict for Sequential: Missing key(s) in state_dict: "0.bias", "1.weight",...
nn.Linear(2,3).to(torch.int64)
    TypeError: nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int64
nn.Linear(2,3).to('cuda')
    AssertionError: Torch not compiled with CUDA enabled
nn.Linear(2,3).train('a')
    ValueError: training mode is expected to be boolean
nn.Linear(2,3).get_submodule('x')
    AttributeError: Linear has no attribute `x`
nn.Linear(2,3).__setattr__('weight', torch.zeros(3,2))
    TypeError: cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None expected)
nn.Linear(2,3).apply(5)
    TypeError: 'int' object is not callable
nn.Linear(2,3).register_forward_hook(5)(torch.zeros(2))
    TypeError: 'RemovableHandle' object is not callable
nn.Parameter(5)
    AttributeError: 'int' object has no attribute 'detach'
nn.Parameter('a')
    AttributeError: 'str' object has no attribute 'detach'
nn.Parameter(torch.zeros(2, dtype=torch.int64))
    RuntimeError: Only Tensors of floating point and complex dtype can require gradients
# init
nn.init.kaiming_uniform_(torch.zeros(3))
    ValueError: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions
nn.init.xavier_uniform_(torch.zeros(3))
    ValueError: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions
nn.init.kaiming_uniform_(torch.zeros(3,3), mode='x')
    ValueError: Mode x not supported, please use one of ['fan_in', 'fan_out']
nn.init.kaiming_uniform_(torch.zeros(3,3), nonlinearity='x')
    ValueError: Unsupported nonlinearity x
nn.init.uniform_(torch.zeros(3), 1.0, 0.0)
    RuntimeError: uniform_ expects to return a [from, to) range, but found from=1 > to=0
nn.init.normal_(torch.zeros(3), 0.0, -1.0)
    RuntimeError: normal expects std >= 0.0, but found std -1
nn.init.calculate_gain('x')
    ValueError: Unsupported nonlinearity x
"""
