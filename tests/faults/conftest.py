from tests.faults.fixtures import canary, deployment, dice, site  # noqa: F401
