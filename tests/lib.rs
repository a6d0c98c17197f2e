//! Nothing of its own: the test targets below are what this package is for.
