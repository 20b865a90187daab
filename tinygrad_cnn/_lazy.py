"""What the package imports when it is first used: its parts, and names that live in them.

One table; `tinygrad_cnn.__getattr__` reads it. Type checkers see the same names imported in `__init__.py`.
"""

PARTS = """
    accelerator amp backends compiler cpu cuda distributed func hub jit linalg mps multiprocessing nn optim profiler
    serialization utils version vision xpu
"""

NAMES = {
    "_summary": "summary",
    "amp": "GradScaler autocast",
    "amp.autocast_mode": "get_autocast_dtype is_autocast_cache_enabled is_autocast_enabled",
    "compat": "install_as_torch load_ipython_extension",
    "compiler": "compile",
    "errors": "AcceleratorError OutOfMemoryError",
    "nn.functional.recurrent": "gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell",
    "nn.functional.top_level": """
        adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout alpha_dropout_ avg_pool1d batch_norm bilinear
        binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d
        conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout dropout_ embedding
        feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_ group_norm hardshrink
        hinge_embedding_loss instance_norm kl_div layer_norm margin_ranking_loss max_pool1d max_pool1d_with_indices
        max_pool2d max_pool3d norm_except_dim pairwise_distance pdist
        pixel_shuffle pixel_unshuffle poisson_nll_loss prelu rms_norm rrelu rrelu_ selu selu_ threshold threshold_
        triplet_margin_loss
    """,
    "serialization": "load save",
    "settings": """
        are_deterministic_algorithms_enabled get_default_device get_device_module get_deterministic_debug_mode
        get_float32_matmul_precision is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled
        set_default_device set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal set_warn_always
        use_deterministic_algorithms
    """,
    "windows": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
}

# name -> the module to take it from, "" for a part of the package itself
LAZY = {
    **dict.fromkeys(PARTS.split(), ""),
    **{name: module for module, names in NAMES.items() for name in names.split()},
}
