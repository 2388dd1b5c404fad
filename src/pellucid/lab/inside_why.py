"""What each kind of layer is for, in a few sentences of the lecture's words, and who told it first."""

from collections.abc import Mapping

_MEAN = (
    "The mean of the numbers under the window. Fewer numbers go on, and a small shift of the picture changes "
    "little."
)
_SAME = "The number is not changed, only put in another place."

WHY: Mapping[str, tuple[str, str]] = {
    "Convolution": (
        "A filter lies on a part of what comes in. Each number under it is multiplied with the filter's"
        " weight there; the products and the bias are added. The same weights slide over every place, "
        "so a pattern is found wherever it is.",
        "LeCun et al. 1998, Gradient-based learning applied to document recognition, section II",
    ),
    "Maximum": (
        "The largest number under the window goes on, the others do not. What counts is that a pattern "
        "was found, not exactly where: a small shift of the picture changes little.",
        "Scherer, Mueller and Behnke 2010, Evaluation of pooling operations in convolutional architectures",
    ),
    "Pooling": (_MEAN, "LeCun et al. 1998, section II"),
    "AdaptivePooling": (_MEAN, "Lin, Chen and Yan 2014, Network in network, section 3.2"),
    "GlobalPooling": (_MEAN, "Lin, Chen and Yan 2014, Network in network, section 3.2"),
    "Dense": (
        "Each unit has a weight for every number that comes in. It multiplies them, and adds the "
        "products and its bias: how much speaks for what the unit stands for.",
        "",
    ),
    "Normalisation": (
        "Training wrote down the channel's mean and variance. The number is moved and scaled by them, "
        "and then by gamma and beta, which were learnt. When the network answers, all four are fixed, "
        "so this is one product and one sum.",
        "Ioffe and Szegedy 2015, Batch normalization, algorithm 2",
    ),
    "Elementwise": (
        "A function of one number that is no straight line. Without it, layers one after the other "
        "could do no more than a single one.",
        "",
    ),
    "Softmax": (
        "Each number's exponential, divided by the sum of all of them: what comes out is positive and "
        "adds up to 1, so it can be read as probabilities.",
        "Bridle 1990, Probabilistic interpretation of feedforward classification network outputs",
    ),
    "Addition": (
        "What went into the block is added to what came out of it. So the block learns only what is to "
        "be changed, and learning reaches the layers before it.",
        "He et al. 2016, Deep residual learning for image recognition, section 3.2",
    ),
    "Multiplication": ("Two numbers are multiplied: one says how much of the other goes on.", ""),
    "Concatenation": ("Maps of several layers are laid behind one another; no number is changed.", ""),
    "Reshaping": (_SAME, ""),
    "Permutation": (_SAME, ""),
    "Padding": ("Rows and columns are laid around the map, so that a filter can lie on its edge.", ""),
    "Passing": ("When the network answers, this layer changes nothing; it acts in training.", ""),
}
"""By the name of the operation: the sentences, and the source, which may be empty."""
