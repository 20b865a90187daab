"""Bad input: models, transforms and data sets of torchvision."""

CASES = r"""
# models
models.resnet.BasicBlock(4, 4, dilation=2)
    NotImplementedError: Dilation > 1 not supported in BasicBlock
models.ConvNeXt([])
    ValueError: The block_setting should not be empty
models.ConvNeXt([1])
    TypeError: The block_setting should be List[CNBlockConfig]
models.EfficientNet([], 0.2)
    ValueError: The inverted_residual_setting should not be empty
models.EfficientNet([1], 0.2)
    TypeError: The inverted_residual_setting should be List[MBConvConfig]
models.efficientnet.MBConv(models.efficientnet.MBConvConfig(1, 3, 3, 4, 4, 1), 0.2, nn.BatchNorm2d)
    ValueError: illegal stride value
models.GoogLeNet(init_weights=False, blocks=[1])
    ValueError: blocks length should be 3 instead of 1
models.Inception3(init_weights=False, inception_blocks=[1])
    ValueError: length of inception_blocks should be 7 instead of 1
models.MNASNet(0.0)
    ValueError: alpha should be greater than 0.0 instead of 0.0
models.mnasnet._InvertedResidual(4, 4, 3, 3, 2)
    ValueError: stride should be 1 or 2 instead of 3
models.mnasnet._InvertedResidual(4, 4, 4, 1, 2)
    ValueError: kernel_size should be 3 or 5 instead of 4
models.mnasnet._stack(4, 4, 3, 1, 2, 0, 0.1)
    ValueError: repeats should be >= 1, instead got 0
models.mnasnet.MNASNet(1.0)._load_from_state_dict({}, "", {"version": 3}, True, [], [], [])
    ValueError: version should be set to 1 or 2 instead of 3
models.mobilenetv2.InvertedResidual(4, 4, 3, 2)
    ValueError: stride should be 1 or 2 instead of 3
models.MobileNetV2(inverted_residual_setting=[])
    ValueError: inverted_residual_setting should be non-empty or a 4-element list, got []
(lambda m: m.InvertedResidual(m.InvertedResidualConfig(4, 3, 4, 4, 0, "RE", 3, 1, 1), print))(models.mobilenetv3)
    ValueError: illegal stride value
models.MobileNetV3([], 4)
    ValueError: The inverted_residual_setting should not be empty
models.MobileNetV3([1], 4)
    TypeError: The inverted_residual_setting should be List[InvertedResidualConfig]
models.regnet.BlockParams.from_init_params(2, 4, 4, 0.5, 4)
    ValueError: Invalid RegNet settings
models.shufflenetv2.InvertedResidual(4, 4, 4)
    ValueError: illegal stride value
models.shufflenetv2.InvertedResidual(4, 6, 1)
    ValueError: Invalid combination of stride 1, inp 4 and oup 6 values. If stride == 1 then inp should be equal to...
models.ShuffleNetV2([1], [1,2,3,4,5])
    ValueError: expected stages_repeats as list of 3 positive ints
models.ShuffleNetV2([1,2,3], [1])
    ValueError: expected stages_out_channels as list of 5 positive ints
models.SqueezeNet("2_0")
    ValueError: Unsupported SqueezeNet version 2_0: 1_0 or 1_1 expected
models.get_weight("ResNet19_Weights.DEFAULT")
    ValueError: The weight enum 'ResNet19_Weights' for the specific method couldn't be retrieved.
models.get_weight("ResNet18")
    ValueError: Invalid weight name provided: 'ResNet18'.
models.register_model("resnet18")(print)
    AttributeError: module 'torchvision.models' has no attribute 'register_model'
models._utils.IntermediateLayerGetter(nn.Sequential(nn.ReLU()), {"9": "x"})
    ValueError: return_layers are not present in model
# transforms
T.RandomPerspective()(1)
    TypeError: Unexpected type <class 'int'>
T.autoaugment._apply_op(torch.zeros(3,4,4,dtype=torch.uint8), "Spin", 1.0, T.InterpolationMode.NEAREST, None)
    ValueError: The provided operator Spin is not recognized.
T.Normalize((1,),(1,))(torch.zeros(2))
    TypeError: Tensor is not a torch image.
TF.to_pil_image(np.zeros((2,2,5)))
    ValueError: pic should not have > 4 channels. Got 5 channels.
TF.pad(1, 1)
    TypeError: img should be PIL Image. Got <class 'int'>
TF.adjust_brightness(torch.zeros(5,2,2), 1)
    TypeError: Input image tensor permitted channel values are [1, 3], but found 5
TF.gaussian_blur(1, 3)
    TypeError: img should be PIL Image or Tensor. Got <class 'int'>
v2.MixUp(num_classes=2, labels_getter=lambda x: 1)(torch.zeros(2,3,4,4), torch.zeros(2).long())
    ValueError: The labels must be a tensor, but got <class 'int'> instead.
v2.ToDtype({int: None})(torch.zeros(2))
    ValueError: No dtype was specified for type <class 'torch....
# pictures and data sets
datasets.STL10("/nowhere")
    RuntimeError: Dataset not found or corrupted. You can use download=True to download it
datasets.DatasetFolder.make_dataset("/nowhere", None, (".x",))
    ValueError: The class_to_idx parameter cannot be None.
# operations
torchvision.ops.stochastic_depth(torch.zeros(2), 2, "row")
    ValueError: drop probability has to be between 0 and 1, but got 2
torchvision.ops.stochastic_depth(torch.zeros(2), 0.5, "all")
    ValueError: mode has to be either 'batch' or 'row', but got all
"""
