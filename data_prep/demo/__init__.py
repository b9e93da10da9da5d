"""The demo data set, made by `python -m data_prep.simulate`; see README.md beside it."""
