"""Models of which the results are known exactly, as scenarios, and their exact results."""
