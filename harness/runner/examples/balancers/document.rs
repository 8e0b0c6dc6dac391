//! The figures as a page of the documentation, and as rows of the table of `ci/bench.sh`.

use std::fmt::Write as _;
use std::fs;

use crate::Result;
use crate::figures::Figures;

/// What lblab may add to a deployment, in ms.
const MOST_ADDED: f64 = 20.0;
/// What a container may take to its first answer, in ms.
const CONTAINER: f64 = 500.0;

const HEAD: &str = "\
# What the balancers cost

`make bench` writes this page. Each balancer is deployed in a lab of its own, in front of three members with an HTTP monitor where
it has one; the balancers take turns, round by round, and each cell is the median over the rounds.

- **First 200**: from the start of the balancer's command to the first answer 200 through the VIP. A client asks again and again
  from before the start, so this is not what the balancer says of itself. In a container the time is added that passes from asking
  the engine for it until it takes commands.
- **Memory**: of all its processes then; what they share with others counts in part (PSS).
- **Kept, new**: requests a second through the VIP, relative to the same client straight to a member in the same lab a moment
  before; 32 connections that are kept, and a new connection for each request. Client, balancer and members share the machine's
  processors, as they do in every lab, so this compares balancers and is no balancer's own limit.
- **lblab adds**: the time that a deployment takes beyond its programs' own: from its beginning to the start of the first command
  (files, sockets, settings), and from the first answer 200 to its end (noticing that the balancer is ready). A check of the
  configuration by the balancer's own program is its own time.

";

/// The page.
pub fn text(figures: &[Figures], missing: &[String], rounds: u32) -> Result<String> {
    let mut text = HEAD.to_owned();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let processors = std::thread::available_parallelism()?;
    let direct = mean(figures, |figures| figures.median(|round| round.direct));
    let direct_new = mean(figures, |figures| figures.median(|round| round.direct_new));
    writeln!(
        text,
        "Taken on {processors} processors with Linux {}, {rounds} rounds. Straight to a member: {direct:.0} requests a second on kept \
         connections, {direct_new:.0} on new ones.\n",
        kernel.trim()
    )?;
    writeln!(text, "![start, memory and speed of each balancer](balancers.svg)\n")?;
    writeln!(text, "| balancer | version | first 200 | memory | kept | new | lblab adds |")?;
    writeln!(text, "|---|---|--:|--:|--:|--:|--:|")?;
    for balancer in figures {
        let cell = |of: &dyn Fn(&crate::Round) -> f64, decimals: usize, unit: &str| {
            balancer.median(of).map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}{unit}"))
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            balancer.name,
            balancer.version,
            cell(&|round| round.start_ms, 0, " ms"),
            cell(&crate::Round::memory_mb, 1, " MB"),
            cell(&crate::Round::kept, 2, ""),
            cell(&crate::Round::kept_new, 2, ""),
            cell(&|round| round.lblab_ms, 1, " ms"),
        )?;
    }
    let failed = figures.iter().filter_map(|balancer| Some((&balancer.name, balancer.failure.as_ref()?)));
    for (name, why) in failed {
        writeln!(text, "\n{name} could not be measured in every round: {}", why.lines().next().unwrap_or_default())?;
    }
    if !missing.is_empty() {
        writeln!(text, "\nNot on the machine:\n")?;
        missing.iter().try_for_each(|missing| writeln!(text, "- {missing}"))?;
    }
    Ok(text)
}

/// Rows of the table, one for each goal.
pub fn goals(figures: &[Figures]) -> Vec<String> {
    let row = |what: &str, value: f64, goal: f64| {
        let met = if value < goal { "yes" } else { "no" };
        format!("| {what} | {value:.1} ms | - | - | less than {goal:.0} ms | {met} |")
    };
    let added = |figures: &Figures| figures.median(|round| round.lblab_ms);
    let slowest =
        figures.iter().filter_map(|figures| Some((added(figures)?, figures))).max_by(|a, b| a.0.total_cmp(&b.0));
    let mut rows: Vec<String> = slowest
        .map(|(most, figures)| {
            row(
                &format!("deployment beyond the balancer's own start, the most of all ({})", figures.name),
                most,
                MOST_ADDED,
            )
        })
        .into_iter()
        .collect();
    for figures in figures.iter().filter(|figures| figures.name.contains("container")) {
        let start = figures.median(|round| round.start_ms);
        rows.extend(start.map(|start| row(&format!("{} to its first 200", figures.name), start, CONTAINER)));
    }
    rows
}

fn mean(figures: &[Figures], of: impl Fn(&Figures) -> Option<f64>) -> f64 {
    let values: Vec<f64> = figures.iter().filter_map(of).collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
