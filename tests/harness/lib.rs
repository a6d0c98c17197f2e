//! Starts workerd with the built Worker, speaks to it and compares goldens.
