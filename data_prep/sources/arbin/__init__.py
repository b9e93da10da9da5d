"""Arbin cyclers: raw CSV exports, as the MATR downloads have them."""
