//! A command line in words, as a shell takes it apart, without anything else that a shell does.

/// The words; quotes keep blanks, a backslash keeps the next character, and what stands between double braces is one.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut in_braces = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if close == open => quote = None,
            (None, open @ ('\'' | '"')) => {
                quote = Some(open);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let kept = characters.next().ok_or("the command ends with a backslash")?;
                word.get_or_insert_default().push(kept);
            }
            (None, blank) if blank.is_whitespace() && !in_braces => words.extend(word.take()),
            (_, plain) => word.get_or_insert_default().push(plain),
        }
        let so_far = word.as_deref().unwrap_or_default();
        in_braces = so_far.rfind("{{") > so_far.rfind("}}");
    }
    if let Some(open) = quote {
        return Err(format!("the command has a {open} that is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_taken_apart_as_a_shell_does() {
        let check = |line: &str, expected: &[&str]| {
            let words = split(line).expect("nothing is left open");
            assert_eq!(words, expected);
        };
        check("python3 lb.py", &["python3", "lb.py"]);
        check("  a 'b c'\t\"d 'e'\" ", &["a", "b c", "d 'e'"]);
        check(r#"a\ b "c\"d" 'e\f' """#, &["a b", "c\"d", r"e\f", ""]);
        check("--conf={{ conf }} x", &["--conf={{ conf }}", "x"]);
        assert!(split("a 'b").is_err() && split("a \\").is_err());
    }
}
