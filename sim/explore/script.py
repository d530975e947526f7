"""What Streamlit runs for `allpath explore`, again after every change; its argument is that of `show`."""

import sys

from sim.explore.page import show

show(sys.argv[1])
