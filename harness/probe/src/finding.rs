//! One trait, declared and measured.

use serde::Serialize;

use crate::labs::Nothing;
use crate::seen::Reading;
use crate::traits::Trait;
use crate::words::in_words;

/// One trait, declared and measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub of: Trait,
    /// What the manifest declares, as it stands there; none if it declares nothing.
    pub declared: Option<String>,
    /// What was measured, as it would stand there; none if nothing was, or if no value describes it.
    pub measured: Option<String>,
    /// How the two go together.
    pub standing: Standing,
    /// What was seen, or why nothing was measured.
    pub evidence: String,
    /// Whether nothing was measured because the machine was too busy.
    pub late: bool,
}

/// How what is declared and what was measured go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// They are the same.
    Agrees,
    /// They are not.
    Differs,
    /// Nothing was measured, or nothing that tells.
    NotMeasured,
}

/// What was measured of a trait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured<T> {
    /// The value that describes it; none if no value of the trait does.
    pub(crate) value: Option<T>,
    /// Values that describe it as well.
    pub(crate) or: Vec<T>,
    /// What was seen.
    pub(crate) evidence: String,
}

impl<T> Measured<T> {
    /// It is this.
    pub(crate) fn is(value: T, evidence: impl Into<String>) -> Measured<T> {
        Measured { value: Some(value), or: Vec::new(), evidence: evidence.into() }
    }

    /// It is this, or one of those.
    pub(crate) fn one_of(value: T, or: Vec<T>, evidence: impl Into<String>) -> Measured<T> {
        Measured { value: Some(value), or, evidence: evidence.into() }
    }

    /// No value of the trait describes it.
    pub(crate) fn no_value(evidence: impl Into<String>) -> Measured<T> {
        Measured { value: None, or: Vec::new(), evidence: evidence.into() }
    }
}

/// Compares a trait of one value. `alike` says whether what is declared, its first argument, describes what was measured.
pub(crate) fn compare<T: Serialize>(
    of: Trait,
    declared: &T,
    reading: Reading<Measured<T>>,
    alike: impl Fn(&T, &T) -> bool,
) -> Finding {
    let words = Some(in_words(declared));
    let measured = match reading {
        Ok(measured) => measured,
        Err(nothing) => return Finding { late: is_late(&nothing), ..not_measured(of, words, nothing.why()) },
    };
    let evidence = measured.evidence;
    let Some(value) = measured.value else {
        return Finding { of, declared: words, measured: None, standing: Standing::Differs, evidence, late: false };
    };
    let described = std::iter::once(&value).chain(&measured.or).any(|value| alike(declared, value));
    let values: Vec<String> = std::iter::once(&value).chain(&measured.or).map(in_words).collect();
    let (standing, evidence) = match (described, measured.or.is_empty()) {
        (false, _) => (Standing::Differs, evidence),
        (true, true) => (Standing::Agrees, evidence),
        (true, false) if values.len() > 3 => (Standing::NotMeasured, evidence),
        (true, false) => (Standing::NotMeasured, format!("{evidence}: this does not tell {}", values.join(" from "))),
    };
    let measured = if values.len() > 3 { values[0].clone() } else { values.join(" or ") };
    Finding { of, declared: words, measured: Some(measured), standing, evidence, late: false }
}

/// Whether a balancer has something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Has {
    /// Whether it has.
    pub(crate) it: bool,
    /// What was seen.
    pub(crate) evidence: String,
}

impl Has {
    pub(crate) fn if_so(it: bool, evidence: impl Into<String>) -> Has {
        Has { it, evidence: evidence.into() }
    }
}

/// Compares a trait that is a list. What the balancer cannot even be set up for it does not have.
pub(crate) fn compare_list<T: Serialize + PartialEq + Copy>(
    of: Trait,
    declared: &[T],
    readings: Vec<(T, Reading<Has>)>,
) -> Finding {
    let (mut has, mut wrong, mut unknown, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let late = readings.iter().any(|(_, reading)| reading.as_ref().is_err_and(is_late));
    for (item, reading) in readings {
        let word = in_words(&item);
        let is_declared = declared.contains(&item);
        match reading {
            Ok(Has { it, evidence }) => {
                has.extend(it.then_some(item));
                let told = format!("{word}: {evidence}");
                if it == is_declared { seen.push(told) } else { wrong.push(told) }
            }
            Err(Nothing::Refused(why)) if is_declared => wrong.push(format!("{word}: {why}")),
            Err(Nothing::Refused(_)) => {}
            Err(Nothing::Unknown(why) | Nothing::Late(why)) => unknown.push(format!("{word}: {why}")),
        }
    }
    let words = Some(in_words(&declared));
    let (standing, evidence) = match (wrong.is_empty(), unknown.is_empty()) {
        (false, _) => (Standing::Differs, wrong),
        (true, false) => (Standing::NotMeasured, unknown),
        (true, true) => (Standing::Agrees, seen),
    };
    let measured = (standing != Standing::NotMeasured).then(|| in_words(&has));
    Finding { of, declared: words, measured, standing, evidence: evidence.join("; "), late }
}

fn is_late(nothing: &Nothing) -> bool {
    matches!(nothing, Nothing::Late(_))
}

/// A trait of which nothing was measured.
pub(crate) fn not_measured(of: Trait, declared: Option<String>, why: &str) -> Finding {
    Finding { of, declared, measured: None, standing: Standing::NotMeasured, evidence: why.to_owned(), late: false }
}

#[cfg(test)]
mod tests {
    use lblab_model::{HashClass, Method};

    use super::{Finding, Has, Measured, Standing, compare, compare_list};
    use crate::labs::Nothing;
    use crate::traits::Trait;

    fn hash(declared: HashClass, measured: Result<Measured<HashClass>, Nothing>) -> Finding {
        compare(Trait::Hash, &declared, measured, PartialEq::eq)
    }

    #[test]
    fn a_value_agrees_only_if_no_other_one_describes_what_was_seen() {
        let standing = |measured| hash(HashClass::Consistent, measured).standing;
        assert_eq!(standing(Ok(Measured::is(HashClass::Consistent, ""))), Standing::Agrees);
        assert_eq!(standing(Ok(Measured::is(HashClass::Map, ""))), Standing::Differs);
        assert_eq!(standing(Ok(Measured::no_value(""))), Standing::Differs);
        let even = Measured::one_of(HashClass::Rendezvous, vec![HashClass::Consistent], "0 of 40 moved");
        assert_eq!(standing(Ok(even.clone())), Standing::NotMeasured);
        assert_eq!(hash(HashClass::Map, Ok(even.clone())).standing, Standing::Differs);
        let told = hash(HashClass::Consistent, Ok(even));
        assert_eq!(told.evidence, "0 of 40 moved: this does not tell rendezvous from consistent");
        assert_eq!(standing(Err(Nothing::Unknown("it was late".to_owned()))), Standing::NotMeasured);
    }

    #[test]
    fn a_list_differs_by_what_is_missing_and_by_what_is_there_undeclared() {
        let check = |declared: &[Method], standing, measured: Option<&str>, evidence: &str| {
            let readings = vec![
                (Method::RoundRobin, Ok(Has::if_so(true, "in turn"))),
                (Method::LeastConnections, Ok(Has::if_so(false, "blind"))),
                (Method::SourceIp, Err(Nothing::Refused("no such method".to_owned()))),
            ];
            let finding = compare_list(Trait::Methods, declared, readings);
            let expected = (standing, measured.map(str::to_owned), evidence.to_owned());
            assert_eq!((finding.standing, finding.measured, finding.evidence), expected);
        };
        let has = Some("[ROUND_ROBIN]");
        check(&[Method::RoundRobin], Standing::Agrees, has, "ROUND_ROBIN: in turn; LEAST_CONNECTIONS: blind");
        check(&[], Standing::Differs, has, "ROUND_ROBIN: in turn");
        let both = [Method::RoundRobin, Method::LeastConnections];
        check(&both, Standing::Differs, has, "LEAST_CONNECTIONS: blind");
        let all = [Method::RoundRobin, Method::SourceIp];
        check(&all, Standing::Differs, has, "SOURCE_IP: no such method");
        let unknown = vec![(Method::RoundRobin, Err(Nothing::Unknown("late".to_owned())))];
        let finding = compare_list(Trait::Methods, &[], unknown);
        assert_eq!((finding.standing, finding.measured), (Standing::NotMeasured, None));
    }
}
