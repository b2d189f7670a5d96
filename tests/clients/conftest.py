"""The crowd that both stories page through is gathered once."""

import pytest


@pytest.fixture(scope="session")
def crowd(bundle):
    # Not above: the proxy's own tests are run without a bundle, and without what belongs to one.
    import people

    return people.gather(bundle)
