"""What Streamlit runs for `allpath explore`, again after every change; its argument is that of `show`."""

import sys

from sim.explore.page import show

if __name__ == "__main__":  # processes that this one starts import the file, too
    show(sys.argv[1])
