//! The test binary; what it does is in the library, so that other crates' tests are not told apart from it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lblab_conformance::main()
}
