//! What a rotation by weight looks like, whoever is first: exact statements about a sequence of picks.

/// Weights over their greatest common divisor; the period is their sum.
pub(crate) fn reduced(weights: &[u32]) -> Vec<u32> {
    let gcd = weights.iter().copied().fold(0, gcd);
    weights.iter().map(|weight| weight / gcd.max(1)).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How often each of `n` was picked.
pub(crate) fn counts(picks: &[usize], n: usize) -> Vec<u64> {
    let mut counts = vec![0; n];
    for &pick in picks {
        counts[pick] += 1;
    }
    counts
}

/// The first window of `n` picks that picks someone twice, by its start.
pub(crate) fn first_repetition(picks: &[usize], n: usize) -> Option<usize> {
    picks.windows(n).position(|window| counts(window, n).iter().any(|&count| count != 1))
}

/// How the picks lie in periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// Where the first whole period begins.
    pub(crate) offset: usize,
    /// Whole periods from there on.
    pub(crate) periods: usize,
    /// The start of the first period that is not shared exactly by weight, if there is one; it may be cut off.
    pub(crate) broken: Option<usize>,
}

/// The offset at which most whole periods are exact; with none broken if there is such an offset.
pub(crate) fn alignment(picks: &[usize], reduced: &[u32]) -> Alignment {
    best_alignment(picks, reduced, false)
}

/// As [`alignment`], where the order within a period is no matter: what is cut off at either end has to be part of a period too.
pub(crate) fn alignment_of_multisets(picks: &[usize], reduced: &[u32]) -> Alignment {
    best_alignment(picks, reduced, true)
}

fn best_alignment(picks: &[usize], reduced: &[u32], ends_count: bool) -> Alignment {
    let period: usize = reduced.iter().map(|&weight| weight as usize).sum();
    let exact = |window: &[usize]| counts(window, reduced.len()).iter().zip(reduced).all(|(&c, &w)| c == u64::from(w));
    let part = |window: &[usize]| counts(window, reduced.len()).iter().zip(reduced).all(|(&c, &w)| c <= u64::from(w));
    let at = |offset: usize| {
        let (head, rest) = picks.split_at(offset.min(picks.len()));
        let periods = rest.chunks_exact(period);
        let tail = periods.remainder();
        let kept: Vec<bool> = periods.map(exact).collect();
        let starts = kept.iter().enumerate().filter(|(_, kept)| !**kept).map(|(index, _)| offset + index * period);
        let mut broken: Vec<usize> = starts.collect();
        if ends_count && !part(head) {
            broken.insert(0, 0);
        }
        if ends_count && !part(tail) {
            broken.push(picks.len() - tail.len());
        }
        (broken.len(), Alignment { offset, periods: kept.len(), broken: broken.first().copied() })
    };
    let mut best = at(0);
    for offset in 1..period {
        if best.0 == 0 {
            break;
        }
        let candidate = at(offset);
        if candidate.0 < best.0 {
            best = candidate;
        }
    }
    best.1
}

/// At most how probable it is that so many random picks by weight are exact in every period from some offset on.
pub(crate) fn chance_of_a_random_pick(picks: usize, reduced: &[u32]) -> f64 {
    let period: u32 = reduced.iter().sum();
    let total = f64::from(period);
    let log_factorial = |n: u32| (1..=n).map(|factor| f64::from(factor).ln()).sum::<f64>();
    // The multinomial probability that one period is exact.
    let log_exact = log_factorial(period)
        + reduced.iter().map(|&w| f64::from(w) * (f64::from(w) / total).ln() - log_factorial(w)).sum::<f64>();
    let whole = |offset: u32| picks.saturating_sub(offset as usize) / period as usize;
    (0..period).map(|offset| (log_exact * whole(offset) as f64).exp()).sum::<f64>().min(1.0)
}

/// The farthest that a count in any period-long window lies from its weight, and where that window starts.
pub(crate) fn window_deviation(picks: &[usize], reduced: &[u32]) -> (u64, usize) {
    let period: usize = reduced.iter().map(|&weight| weight as usize).sum();
    if picks.len() < period {
        return (0, 0);
    }
    let mut window = counts(&picks[..period], reduced.len());
    let deviation =
        |window: &[u64]| window.iter().zip(reduced).map(|(&c, &w)| c.abs_diff(u64::from(w))).max().unwrap_or(0);
    let mut worst = (deviation(&window), 0);
    for start in 1..=picks.len() - period {
        window[picks[start - 1]] -= 1;
        window[picks[start + period - 1]] += 1;
        let here = deviation(&window);
        if here > worst.0 {
            worst = (here, start);
        }
    }
    worst
}

/// The farthest that any count lies from its quota at any prefix.
pub(crate) fn prefix_deviation(picks: &[usize], weights: &[u32]) -> f64 {
    let total = f64::from(weights.iter().sum::<u32>());
    let mut counts = vec![0_u32; weights.len()];
    let mut worst: f64 = 0.0;
    for (index, &pick) in picks.iter().enumerate() {
        counts[pick] += 1;
        for (&count, &weight) in counts.iter().zip(weights) {
            let quota = (index + 1) as f64 * f64::from(weight) / total;
            worst = worst.max((f64::from(count) - quota).abs());
        }
    }
    worst
}

/// The farthest that any count lies from its quota at any prefix, from the pick of the first period on from which that is least, and
/// which pick that is. A rotation that is cut off in the middle of a period is behind or ahead from the start.
pub(crate) fn smoothness(picks: &[usize], reduced: &[u32]) -> (f64, usize) {
    let period: usize = reduced.iter().map(|&weight| weight as usize).sum();
    let total = period as f64;
    // How far each count is ahead of its quota after so many picks.
    let mut ahead = vec![0.0; reduced.len()];
    let mut course = Vec::with_capacity(picks.len() + 1);
    course.push(ahead.clone());
    for &pick in picks {
        ahead[pick] += 1.0;
        for (ahead, &weight) in ahead.iter_mut().zip(reduced) {
            *ahead -= f64::from(weight) / total;
        }
        course.push(ahead.clone());
    }
    let (mut most, mut least) = (ahead.clone(), ahead);
    let mut best = (f64::INFINITY, 0);
    for (start, here) in course.iter().enumerate().rev() {
        for (index, &ahead) in here.iter().enumerate() {
            most[index] = most[index].max(ahead);
            least[index] = least[index].min(ahead);
        }
        if start < period {
            let off = here.iter().enumerate().map(|(index, ahead)| (most[index] - ahead).max(ahead - least[index]));
            let off = off.fold(0.0, f64::max);
            if off <= best.0 {
                best = (off, start);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{
        alignment, alignment_of_multisets, chance_of_a_random_pick, first_repetition, prefix_deviation, reduced,
        smoothness, window_deviation,
    };

    #[test]
    fn a_rotation_may_begin_anywhere() {
        assert_eq!(first_repetition(&[1, 2, 0, 1, 2, 0], 3), None);
        assert_eq!(first_repetition(&[1, 2, 0, 1, 0, 2], 3), Some(2));
        let picks = [2, 0, 0, 1, 0, 2, 0, 0, 1, 0, 2];
        let found = alignment(&picks, &[3, 1, 1]);
        assert_eq!((found.offset, found.periods, found.broken), (0, 2, None));
        // With the first two picks cut off the same rotation begins inside a period, and every offset is as good.
        assert_eq!(alignment(&picks[2..], &[3, 1, 1]).broken, None);
    }

    #[test]
    fn exact_periods_need_not_repeat_the_same_order() {
        let picks = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0];
        assert_eq!(alignment(&picks, &[2, 1]).broken, None);
        assert_eq!(alignment(&picks, &[2, 1]).offset, 0);
        let late = [0, 1, 0, 0, 0, 0, 1];
        assert_eq!(alignment(&late, &[2, 1]).offset, 1);
        assert_eq!(window_deviation(&late, &[2, 1]), (1, 2));
    }

    #[test]
    fn where_the_order_varies_what_is_cut_off_has_to_be_part_of_a_period() {
        let picks = [2, 0, 1, 2, 2, 1, 0, 0, 1];
        let found = alignment_of_multisets(&picks, &[1, 1, 1]);
        assert_eq!((found.offset, found.periods, found.broken), (1, 2, None));
        // Two of the same at the start, or at the end, are no part of a period of three.
        assert_eq!(alignment(&[2, 2, 0, 1, 2, 0, 1, 2], &[1, 1, 1]).broken, None);
        assert_eq!(alignment_of_multisets(&[2, 2, 0, 1, 2, 0, 1, 2], &[1, 1, 1]).broken, None);
        assert_eq!(alignment_of_multisets(&[2, 2, 2, 0, 1, 2, 0, 1], &[1, 1, 1]).broken, Some(0));
        assert_eq!(alignment_of_multisets(&[0, 1, 2, 0, 1, 2, 1, 1], &[1, 1, 1]).broken, Some(6));
    }

    #[test]
    fn few_periods_may_be_exact_by_chance() {
        let close = |chance: f64, wanted: f64| assert!((chance / wanted - 1.0).abs() < 1e-6, "{chance}");
        // A period of two is exact in two of four cases; six picks hold three of them at offset 0 and two at offset 1.
        close(chance_of_a_random_pick(6, &[1, 1]), 0.125 + 0.25);
        // 6 of 27, and 5!/3! * 0.6^3 * 0.2^2.
        close(chance_of_a_random_pick(3, &[1, 1, 1]), 1.0);
        close(chance_of_a_random_pick(30, &[1, 1, 1]), (6_f64 / 27.0).powi(10) + 2.0 * (6_f64 / 27.0).powi(9));
        close(chance_of_a_random_pick(50, &[3, 1, 1]), 0.1728_f64.powi(10) + 4.0 * 0.1728_f64.powi(9));
    }

    #[test]
    fn a_rotation_is_as_smooth_as_from_its_best_start() {
        let close = |picks: &[usize], wanted: (f64, usize)| {
            let (off, from) = smoothness(picks, &[5, 1, 1]);
            assert!((off - wanted.0).abs() < 1e-9 && from == wanted.1, "{off} from {from}");
        };
        let smooth = [0, 0, 1, 0, 2, 0, 0];
        let cycle = |skipped: usize| smooth.into_iter().cycle().skip(skipped).take(28).collect::<Vec<_>>();
        close(&cycle(0), (4.0 / 7.0, 0));
        close(&cycle(2), (4.0 / 7.0, 5));
        close(&[0, 0, 0, 0, 0, 1, 2].repeat(4), (6.0 / 7.0, 2));
        let blocks = [vec![0; 20], vec![1; 20]].concat().repeat(3);
        assert!((smoothness(&blocks, &[20, 20]).0 - 5.0).abs() < 1e-9);
    }

    #[test]
    fn weights_are_compared_without_their_common_divisor() {
        assert_eq!(reduced(&[10, 4, 6]), [5, 2, 3]);
        assert!((prefix_deviation(&[0, 0, 1], &[2, 1]) - 2.0 / 3.0).abs() < 1e-9);
    }
}
