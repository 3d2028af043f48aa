"""Operations of the table without a case, and why. A reason is a sentence; the test in C reads it."""

LEAF = "a leaf: it computes nothing"
CHANCE = "random numbers are each library's own"
FUNCTION = "it runs a function of the graph's own, which each test makes for itself"
BACKWARD = "a step of backward passes: the gradients of the others run through it"

REASONS = {
    "input": LEAF, "constant": LEAF, "number": LEAF, "variable": LEAF,
    "assign": "an effect: it changes a variable",
    "chain_mul": BACKWARD, "select_mul": BACKWARD,
    "unconcat": BACKWARD, "place": BACKWARD, "unslice": BACKWARD, "reslice": BACKWARD, "ungather": BACKWARD,
    "untile": BACKWARD, "unrepeat": BACKWARD, "unpad": BACKWARD,
    "ungather_elements": BACKWARD, "ungather_nd": BACKWARD, "undiagonal": BACKWARD, "conv_input_grad": BACKWARD, "conv_weight_grad": BACKWARD,
    "max_pool_grad": BACKWARD, "max_pool_take": BACKWARD, "average_pool_grad": BACKWARD, "resize_grad": BACKWARD,
    "normalize_grad": BACKWARD, "group_mean": BACKWARD, "batch_sums": BACKWARD,
    "result": "it names a further result of the node before it", "call": FUNCTION, "scan": FUNCTION,
    "in_mode": "it lets values pass in one mode only: PyTorch has no such word",
    "softmax_cross_entropy_grad": BACKWARD, "class_targets": BACKWARD, "label_weights": BACKWARD,
    "random_uniform": CHANCE, "random_normal": CHANCE, "random_uniform_like": CHANCE, "random_normal_like": CHANCE,
    "bernoulli": CHANCE, "randint": CHANCE, "permutation": CHANCE, "permutation_like": CHANCE,
    "random_uniform_like": CHANCE, "random_normal_like": CHANCE,
    "bernoulli": CHANCE, "randint": CHANCE, "permutation": CHANCE, "permutation_like": CHANCE, "dropout": CHANCE, "dropout_mask": CHANCE,
}
