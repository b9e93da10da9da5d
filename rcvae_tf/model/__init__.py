"""The network: layers, encoder and decoder, losses, and the Keras model that trains them."""
