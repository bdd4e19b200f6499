"""CvT, the Convolutional vision Transformer, as a library."""
