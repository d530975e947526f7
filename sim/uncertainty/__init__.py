"""Uncertainty of parameters: their distributions, and draws from them."""
