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

/// Counts of draws compared with shares, both ways: what is drawn is as seldom too even as it is too uneven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drawn {
    /// The statistic.
    pub(crate) statistic: f64,
    /// Degrees of freedom.
    pub(crate) freedom: usize,
    /// The least and the most that the statistic may be; beyond either a right draw comes with half of [`ALPHA`].
    pub(crate) bounds: (f64, f64),
    /// The probability of failing a draw in which one member gets 5 points more than its share, at least.
    pub(crate) power: f64,
}

/// Compares counts of draws with shares; none if an expected count is below 5 or there is but one.
pub(crate) fn drawn(counts: &[u64], shares: &[f64]) -> Option<Drawn> {
    let Spread { statistic, freedom, .. } = spread(counts, shares, 1.0)?;
    let total = counts.iter().sum::<u64>() as f64;
    let distribution = ChiSquared::new(freedom as f64).ok()?;
    let bounds = (quantile(&distribution, 1.0 - ALPHA / 2.0), quantile(&distribution, ALPHA / 2.0));
    // The others lose in proportion; lambda is the statistic that this makes in the mean.
    let lambda = |share: f64| total * POINTS.powi(2) * (1.0 / share + 1.0 / (1.0 - share));
    let least = shares.iter().copied().map(lambda).fold(f64::INFINITY, f64::min);
    Some(Drawn { statistic, freedom, bounds, power: power(freedom, bounds.1, least) })
}

/// The effect for which the power of a comparison of draws is published.
const POINTS: f64 = 0.05;

/// Where the upper tail is [`ALPHA`].
fn critical(distribution: &ChiSquared) -> f64 {
    quantile(distribution, ALPHA)
}

/// Where the upper tail is this, by bisection.
fn quantile(distribution: &ChiSquared, tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 10_000.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if distribution.sf(middle) > tail {
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
    use super::{drawn, spread};

    #[test]
    fn draws_are_compared_both_ways_and_with_the_power_that_is_published_for_them() {
        let even = drawn(&[3000, 3000, 3000], &[1.0 / 3.0; 3]).expect("the expected counts are large");
        assert!(even.statistic < even.bounds.0, "{even:?}");
        // Between a third and 38.3 %, about 5,100 draws show with a probability of 0.999 at this alpha.
        let power = |each: u64| drawn(&[each; 3], &[1.0 / 3.0; 3]).expect("large").power;
        assert!(power(1000) < 0.99 && power(2400) > 0.999, "{} {}", power(1000), power(2400));
        assert!(drawn(&[4, 4], &[0.5, 0.5]).is_none());
    }

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
