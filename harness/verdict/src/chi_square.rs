//! The chi-square test's upper tail, and what it would notice.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The probability of failing a spread that is right.
pub(crate) const ALPHA: f64 = 1e-6;

/// A spread compared with the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The statistic, already divided by the dispersion.
    pub(crate) statistic: f64,
    /// Degrees of freedom.
    pub(crate) freedom: usize,
    /// The probability of a statistic at least as large, if the spread is right.
    pub(crate) p: f64,
    /// The statistic from which on p is below [`ALPHA`].
    pub(crate) critical: f64,
    /// The probability of failing a spread in which the first member gets half its share.
    pub(crate) power: f64,
}

/// Compares counts with shares; none if an expected count is below 5 or there is but one.
///
/// `dispersion` is by how much more than multinomial the counts of a right implementation vary.
pub(crate) fn spread(counts: &[u64], shares: &[f64], dispersion: f64) -> Option<Spread> {
    let total = counts.iter().sum::<u64>() as f64;
    if counts.len() < 2 || shares.iter().any(|share| share * total < 5.0) {
        return None;
    }
    let freedom = counts.len() - 1;
    let distribution = ChiSquared::new(freedom as f64).ok()?;
    let statistic =
        counts.iter().zip(shares).map(|(&count, share)| (count as f64 - share * total).powi(2) / (share * total));
    let statistic = statistic.sum::<f64>() / dispersion;
    let critical = critical(&distribution);
    // Half of the first share is handed to the others in proportion; lambda is the statistic that this makes in the mean.
    let first = shares[0];
    let grown = first / 2.0 / (1.0 - first);
    let lambda = total * (first / 4.0 + (1.0 - first) * grown.powi(2)) / dispersion;
    Some(Spread {
        statistic,
        freedom,
        p: distribution.sf(statistic),
        critical,
        power: power(freedom, critical, lambda),
    })
}

/// Where the upper tail is [`ALPHA`], by bisection.
fn critical(distribution: &ChiSquared) -> f64 {
    let (mut low, mut high) = (0.0, 10_000.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if distribution.sf(middle) > ALPHA {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The upper tail of the noncentral chi-square distribution: a Poisson mixture of central ones.
fn power(freedom: usize, critical: f64, lambda: f64) -> f64 {
    let mean = lambda / 2.0;
    // Poisson weights more than 12 standard deviations from the mean add nothing that shows.
    let reach = 12.0 * mean.sqrt() + 40.0;
    let mut log_weight = -mean;
    let mut tail = 0.0;
    let mut j = 0_u32;
    while f64::from(j) <= mean + reach {
        if f64::from(j) >= mean - reach
            && let Ok(central) = ChiSquared::new(freedom as f64 + 2.0 * f64::from(j))
        {
            tail += log_weight.exp() * central.sf(critical);
        }
        j += 1;
        log_weight += mean.ln() - f64::from(j).ln();
    }
    tail.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_upper_tail_is_that_of_the_tables() {
        // The 1e-6 quantiles of chi-square with 1 and 4 degrees of freedom are 23.93 and 33.38.
        let two = spread(&[200, 200], &[0.5, 0.5], 1.0).expect("the expected counts are large");
        assert!((two.critical - 23.928).abs() < 0.01, "{}", two.critical);
        assert!(two.statistic.abs() < 1e-9 && (two.p - 1.0).abs() < 1e-9);
        let five = spread(&[80; 5], &[0.2; 5], 1.0).expect("the expected counts are large");
        assert!((five.critical - 33.377).abs() < 0.01, "{}", five.critical);
        // Half of a fifth of 400: lambda is 25 in 4 degrees of freedom.
        assert!((0.30..0.32).contains(&five.power), "{}", five.power);
    }

    #[test]
    fn a_lopsided_spread_is_far_out() {
        let lopsided = spread(&[292, 108], &[0.5, 0.5], 1.0).expect("the expected counts are large");
        assert!(lopsided.p < 1e-12 && lopsided.power > 0.99, "{lopsided:?}");
        assert!(spread(&[3, 4], &[0.5, 0.5], 1.0).is_none());
    }
}
