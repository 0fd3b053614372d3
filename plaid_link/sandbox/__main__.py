"""`python -m plaid_link.sandbox`: the local Plaid server without Django."""

import argparse

from .process import add_arguments, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="plaid_sandbox", description=__doc__)
    add_arguments(parser)
    serve(parser.parse_args())
