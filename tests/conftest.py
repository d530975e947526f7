"""Settings of all tests: hypothesis without a clock and with a fixed seed, so that no test flakes."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
