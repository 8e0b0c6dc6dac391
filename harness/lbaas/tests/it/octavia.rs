//! Octavia's flavour of LBaaS version 2.
