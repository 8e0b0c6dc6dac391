//! Whatever a file holds, checking it ends, does not panic, and can be shown.

use lblab_scenario::{builtin, check_bytes};
use proptest::prelude::*;

fn survives(bytes: &[u8]) {
    match check_bytes("arbitrary.yaml", bytes) {
        Ok(plan) => assert!(!plan.steps.is_empty()),
        Err(diagnostics) => {
            assert!(diagnostics.iter().count() > 0);
            assert!(diagnostics.render(true).len() >= diagnostics.render(false).len());
        }
    }
}

/// A shipped scenario with some of its bytes replaced, removed or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let scenarios: Vec<&'static str> = builtin().map(|(_, text)| text).collect();
    let edit = (any::<prop::sample::Index>(), 0..4_u8, any::<u8>(), "[a-z0-9 :{}\\[\\],&*!-]{0,6}");
    (prop::sample::select(scenarios), prop::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, kind, byte, word) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..(at + usize::from(byte) % 24).min(bytes.len()))),
                2 => drop(bytes.splice(at..at, word.into_bytes())),
                _ => {
                    let line: Vec<u8> = bytes[at..].iter().copied().take_while(|&byte| byte != b'\n').collect();
                    bytes.splice(at..at, line);
                }
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn random_punctuation_is_survived(text in "[-a-c0-2 :{}\\[\\],&*!|>?#'\"\n\t%@`~<]{0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn mutated_scenarios_are_survived(bytes in mutated()) {
        survives(&bytes);
    }
}

#[test]
fn deep_and_wide_files_end_quickly() {
    for unit in [
        "[",
        "{a: ",
        "- ",
        "? ",
        "&a [",
        "- - ",
        "*a ",
        "\"",
        "'",
        "|\n ",
        "a:\n ",
        "!!a ",
        "%YAML 1.2\n",
        "---\n",
        ": ",
    ] {
        let text = unit.repeat((1 << 17) / unit.len());
        survives(text.as_bytes());
    }
}
