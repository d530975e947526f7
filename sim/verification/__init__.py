"""Black-box verification of a scenario: what must hold of any model, whatever its numbers."""
