"""Metadata and options lie in setup.cfg."""

from setuptools import setup

setup()
