"""Uncertainty of parameters: draws from their distributions, what they add to results, which ones matter."""
