import pytest

import rcvae_tf
from rcvae_tf import config, run
from rcvae_tf.model import rcvae


def test_public_names_are_those_of_their_modules():
    assert rcvae_tf.RCVAE is rcvae.RCVAE
    assert rcvae_tf.ModelConfig is config.ModelConfig
    assert rcvae_tf.load_run is run.load_run
    assert all(hasattr(rcvae_tf, name) for name in rcvae_tf.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rcvae_tf' has no attribute 'Trainer'"):
        rcvae_tf.Trainer  # noqa: B018  looks the name up
