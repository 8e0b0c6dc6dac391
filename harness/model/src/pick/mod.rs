//! How members are picked.
