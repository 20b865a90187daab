"""The weights that torchvision publishes: addresses, how images are prepared for them, and what they reach on ImageNet.

A line of a model: its builder, the name of its enum (without _Weights), the number of its parameters, the least size of
an image. Below it a line for each of its weights (* is the default): name (without IMAGENET1K_), file, crop, resize,
interpolation, accuracy of the first guess and within five.
"""

from __future__ import annotations

__all__ = ["TABLE"]

TABLE = """
alexnet AlexNet 61100840 63
* V1 alexnet-owt-7be5be79 224 256 bilinear 56.522 79.066
vgg11 VGG11 132863336 32
* V1 vgg11-8a719046 224 256 bilinear 69.02 88.628
vgg11_bn VGG11_BN 132868840 32
* V1 vgg11_bn-6002323d 224 256 bilinear 70.37 89.81
vgg13 VGG13 133047848 32
* V1 vgg13-19584684 224 256 bilinear 69.928 89.246
vgg13_bn VGG13_BN 133053736 32
* V1 vgg13_bn-abd245e5 224 256 bilinear 71.586 90.374
vgg16 VGG16 138357544 32
* V1 vgg16-397923af 224 256 bilinear 71.592 90.382
- FEATURES vgg16_features-amdegroot-88682ab5 224 256 bilinear nan nan
vgg16_bn VGG16_BN 138365992 32
* V1 vgg16_bn-6c64b313 224 256 bilinear 73.36 91.516
vgg19 VGG19 143667240 32
* V1 vgg19-dcbb9e9d 224 256 bilinear 72.376 90.876
vgg19_bn VGG19_BN 143678248 32
* V1 vgg19_bn-c79401a0 224 256 bilinear 74.218 91.842
resnet18 ResNet18 11689512 1
* V1 resnet18-f37072fd 224 256 bilinear 69.758 89.078
resnet34 ResNet34 21797672 1
* V1 resnet34-b627a593 224 256 bilinear 73.314 91.42
resnet50 ResNet50 25557032 1
- V1 resnet50-0676ba61 224 256 bilinear 76.13 92.862
* V2 resnet50-11ad3fa6 224 232 bilinear 80.858 95.434
resnet101 ResNet101 44549160 1
- V1 resnet101-63fe2227 224 256 bilinear 77.374 93.546
* V2 resnet101-cd907fc2 224 232 bilinear 81.886 95.78
resnet152 ResNet152 60192808 1
- V1 resnet152-394f9c45 224 256 bilinear 78.312 94.046
* V2 resnet152-f82ba261 224 232 bilinear 82.284 96.002
resnext50_32x4d ResNeXt50_32X4D 25028904 1
- V1 resnext50_32x4d-7cdf4587 224 256 bilinear 77.618 93.698
* V2 resnext50_32x4d-1a0047aa 224 232 bilinear 81.198 95.34
resnext101_32x8d ResNeXt101_32X8D 88791336 1
- V1 resnext101_32x8d-8ba56ff5 224 256 bilinear 79.312 94.526
* V2 resnext101_32x8d-110c445d 224 232 bilinear 82.834 96.228
resnext101_64x4d ResNeXt101_64X4D 83455272 1
* V1 resnext101_64x4d-173b62eb 224 232 bilinear 83.246 96.454
wide_resnet50_2 Wide_ResNet50_2 68883240 1
- V1 wide_resnet50_2-95faca4d 224 256 bilinear 78.468 94.086
* V2 wide_resnet50_2-9ba9bcbe 224 232 bilinear 81.602 95.758
wide_resnet101_2 Wide_ResNet101_2 126886696 1
- V1 wide_resnet101_2-32ee1156 224 256 bilinear 78.848 94.284
* V2 wide_resnet101_2-d733dc28 224 232 bilinear 82.51 96.02
squeezenet1_0 SqueezeNet1_0 1248424 21
* V1 squeezenet1_0-b66bff10 224 256 bilinear 58.092 80.42
squeezenet1_1 SqueezeNet1_1 1235496 17
* V1 squeezenet1_1-b8a52dc0 224 256 bilinear 58.178 80.624
densenet121 DenseNet121 7978856 29
* V1 densenet121-a639ec97 224 256 bilinear 74.434 91.972
densenet161 DenseNet161 28681000 29
* V1 densenet161-8d451a50 224 256 bilinear 77.138 93.56
densenet169 DenseNet169 14149480 29
* V1 densenet169-b2777c0a 224 256 bilinear 75.6 92.806
densenet201 DenseNet201 20013928 29
* V1 densenet201-c1103571 224 256 bilinear 76.896 93.37
googlenet GoogLeNet 6624904 15
* V1 googlenet-1378be20 224 256 bilinear 69.778 89.53
inception_v3 Inception_V3 27161264 75
* V1 inception_v3_google-0cc3c7bd 299 342 bilinear 77.294 93.45
mobilenet_v2 MobileNet_V2 3504872 1
- V1 mobilenet_v2-b0353104 224 256 bilinear 71.878 90.286
* V2 mobilenet_v2-7ebf99e0 224 232 bilinear 72.154 90.822
mobilenet_v3_large MobileNet_V3_Large 5483032 1
- V1 mobilenet_v3_large-8738ca79 224 256 bilinear 74.042 91.34
* V2 mobilenet_v3_large-5c1a4163 224 232 bilinear 75.274 92.566
mobilenet_v3_small MobileNet_V3_Small 2542856 1
* V1 mobilenet_v3_small-047dcff4 224 256 bilinear 67.668 87.402
shufflenet_v2_x0_5 ShuffleNet_V2_X0_5 1366792 1
* V1 shufflenetv2_x0.5-f707e7126e 224 256 bilinear 60.552 81.746
shufflenet_v2_x1_0 ShuffleNet_V2_X1_0 2278604 1
* V1 shufflenetv2_x1-5666bf0f80 224 256 bilinear 69.362 88.316
shufflenet_v2_x1_5 ShuffleNet_V2_X1_5 3503624 1
* V1 shufflenetv2_x1_5-3c479a10 224 232 bilinear 72.996 91.086
shufflenet_v2_x2_0 ShuffleNet_V2_X2_0 7393996 1
* V1 shufflenetv2_x2_0-8be3c8ee 224 232 bilinear 76.23 93.006
mnasnet0_5 MNASNet0_5 2218512 1
* V1 mnasnet0.5_top1_67.823-3ffadce67e 224 256 bilinear 67.734 87.49
mnasnet0_75 MNASNet0_75 3170208 1
* V1 mnasnet0_75-7090bc5f 224 232 bilinear 71.18 90.496
mnasnet1_0 MNASNet1_0 4383312 1
* V1 mnasnet1.0_top1_73.512-f206786ef8 224 256 bilinear 73.456 91.51
mnasnet1_3 MNASNet1_3 6282256 1
* V1 mnasnet1_3-a4c69d6f 224 232 bilinear 76.506 93.522
efficientnet_b0 EfficientNet_B0 5288548 1
* V1 efficientnet_b0_rwightman-7f5810bc 224 256 bicubic 77.692 93.532
efficientnet_b1 EfficientNet_B1 7794184 1
- V1 efficientnet_b1_rwightman-bac287d4 240 256 bicubic 78.642 94.186
* V2 efficientnet_b1-c27df63c 240 255 bilinear 79.838 94.934
efficientnet_b2 EfficientNet_B2 9109994 1
* V1 efficientnet_b2_rwightman-c35c1473 288 288 bicubic 80.608 95.31
efficientnet_b3 EfficientNet_B3 12233232 1
* V1 efficientnet_b3_rwightman-b3899882 300 320 bicubic 82.008 96.054
efficientnet_b4 EfficientNet_B4 19341616 1
* V1 efficientnet_b4_rwightman-23ab8bcd 380 384 bicubic 83.384 96.594
efficientnet_b5 EfficientNet_B5 30389784 1
* V1 efficientnet_b5_lukemelas-1a07897c 456 456 bicubic 83.444 96.628
efficientnet_b6 EfficientNet_B6 43040704 1
* V1 efficientnet_b6_lukemelas-24a108a5 528 528 bicubic 84.008 96.916
efficientnet_b7 EfficientNet_B7 66347960 1
* V1 efficientnet_b7_lukemelas-c5b4e57e 600 600 bicubic 84.122 96.908
efficientnet_v2_s EfficientNet_V2_S 21458488 33
* V1 efficientnet_v2_s-dd5fe13b 384 384 bilinear 84.228 96.878
efficientnet_v2_m EfficientNet_V2_M 54139356 33
* V1 efficientnet_v2_m-dc08266a 480 480 bilinear 85.112 97.156
efficientnet_v2_l EfficientNet_V2_L 118515272 33
* V1 efficientnet_v2_l-59c71312 480 480 bicubic 85.808 97.788
regnet_y_400mf RegNet_Y_400MF 4344144 1
- V1 regnet_y_400mf-c65dace8 224 256 bilinear 74.046 91.716
* V2 regnet_y_400mf-e6988f5f 224 232 bilinear 75.804 92.742
regnet_y_800mf RegNet_Y_800MF 6432512 1
- V1 regnet_y_800mf-1b27b58c 224 256 bilinear 76.42 93.136
* V2 regnet_y_800mf-58fc7688 224 232 bilinear 78.828 94.502
regnet_y_1_6gf RegNet_Y_1_6GF 11202430 1
- V1 regnet_y_1_6gf-b11a554e 224 256 bilinear 77.95 93.966
* V2 regnet_y_1_6gf-0d7bc02a 224 232 bilinear 80.876 95.444
regnet_y_3_2gf RegNet_Y_3_2GF 19436338 1
- V1 regnet_y_3_2gf-b5a9779c 224 256 bilinear 78.948 94.576
* V2 regnet_y_3_2gf-9180c971 224 232 bilinear 81.982 95.972
regnet_y_8gf RegNet_Y_8GF 39381472 1
- V1 regnet_y_8gf-d0d0e4a8 224 256 bilinear 80.032 95.048
* V2 regnet_y_8gf-dc2b1b54 224 232 bilinear 82.828 96.33
regnet_y_16gf RegNet_Y_16GF 83590140 1
- V1 regnet_y_16gf-9e6ed7dd 224 256 bilinear 80.424 95.24
* V2 regnet_y_16gf-3e4a00f9 224 232 bilinear 82.886 96.328
- SWAG_E2E_V1 regnet_y_16gf_swag-43afe44d 384 384 bicubic 86.012 98.054
- SWAG_LINEAR_V1 regnet_y_16gf_lc_swag-f3ec0043 224 224 bicubic 83.976 97.244
regnet_y_32gf RegNet_Y_32GF 145046770 1
- V1 regnet_y_32gf-4dee3f7a 224 256 bilinear 80.878 95.34
* V2 regnet_y_32gf-8db6d4b5 224 232 bilinear 83.368 96.498
- SWAG_E2E_V1 regnet_y_32gf_swag-04fdfa75 384 384 bicubic 86.838 98.362
- SWAG_LINEAR_V1 regnet_y_32gf_lc_swag-e1583746 224 224 bicubic 84.622 97.48
regnet_y_128gf RegNet_Y_128GF 644812894 1
* SWAG_E2E_V1 regnet_y_128gf_swag-c8ce3e52 384 384 bicubic 88.228 98.682
- SWAG_LINEAR_V1 regnet_y_128gf_lc_swag-cbe8ce12 224 224 bicubic 86.068 97.844
regnet_x_400mf RegNet_X_400MF 5495976 1
- V1 regnet_x_400mf-adf1edd5 224 256 bilinear 72.834 90.95
* V2 regnet_x_400mf-62229a5f 224 232 bilinear 74.864 92.322
regnet_x_800mf RegNet_X_800MF 7259656 1
- V1 regnet_x_800mf-ad17e45c 224 256 bilinear 75.212 92.348
* V2 regnet_x_800mf-94a99ebd 224 232 bilinear 77.522 93.826
regnet_x_1_6gf RegNet_X_1_6GF 9190136 1
- V1 regnet_x_1_6gf-e3633e7f 224 256 bilinear 77.04 93.44
* V2 regnet_x_1_6gf-a12f2b72 224 232 bilinear 79.668 94.922
regnet_x_3_2gf RegNet_X_3_2GF 15296552 1
- V1 regnet_x_3_2gf-f342aeae 224 256 bilinear 78.364 93.992
* V2 regnet_x_3_2gf-7071aa85 224 232 bilinear 81.196 95.43
regnet_x_8gf RegNet_X_8GF 39572648 1
- V1 regnet_x_8gf-03ceed89 224 256 bilinear 79.344 94.686
* V2 regnet_x_8gf-2b70d774 224 232 bilinear 81.682 95.678
regnet_x_16gf RegNet_X_16GF 54278536 1
- V1 regnet_x_16gf-2007eb11 224 256 bilinear 80.058 94.944
* V2 regnet_x_16gf-ba3796d7 224 232 bilinear 82.716 96.196
regnet_x_32gf RegNet_X_32GF 107811560 1
- V1 regnet_x_32gf-9d47f8d0 224 256 bilinear 80.622 95.248
* V2 regnet_x_32gf-6eb8fdc6 224 232 bilinear 83.014 96.288
convnext_tiny ConvNeXt_Tiny 28589128 32
* V1 convnext_tiny-983f1562 224 236 bilinear 82.52 96.146
convnext_small ConvNeXt_Small 50223688 32
* V1 convnext_small-0c510722 224 230 bilinear 83.616 96.65
convnext_base ConvNeXt_Base 88591464 32
* V1 convnext_base-6075fbad 224 232 bilinear 84.062 96.87
convnext_large ConvNeXt_Large 197767336 32
* V1 convnext_large-ea097f82 224 232 bilinear 84.414 96.976
"""
