//! The figures as bars, in an SVG that needs no font or script of its own.

use std::fmt::Write as _;

use crate::Round;
use crate::figures::Figures;

/// Where the first panel begins, how wide each is, and how far apart.
const LEFT: f64 = 150.0;
const PANEL: f64 = 240.0;
const GAP: f64 = 40.0;
const TOP: f64 = 56.0;
const ROW: f64 = 26.0;

/// A bar's colour, and the value that it shows.
type Bar = (&'static str, fn(&Round) -> f64);

/// A panel: its title, the bars of each balancer, how a value is written, and, on a scale of tens, the power at which bars begin.
struct Panel {
    title: &'static str,
    bars: &'static [Bar],
    unit: fn(f64) -> String,
    tens_from: Option<i32>,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "spawn to first 200",
        bars: &[("#4878a8", |round| round.start_ms)],
        unit: |value| format!("{value:.0} ms"),
        tens_from: Some(0),
    },
    Panel {
        title: "memory (PSS)",
        bars: &[("#6a9a58", Round::memory_mb)],
        unit: |value| format!("{value:.1} MB"),
        tens_from: Some(-1),
    },
    Panel {
        title: "speed of a direct connection: kept, new",
        bars: &[("#b07030", Round::kept), ("#d8b080", Round::kept_new)],
        unit: |value| format!("{value:.2}"),
        tens_from: None,
    },
];

/// The chart of what was measured.
pub fn svg(figures: &[Figures]) -> String {
    let figures: Vec<&Figures> = figures.iter().filter(|figures| !figures.rounds.is_empty()).collect();
    let height = TOP + ROW * figures.len() as f64 + 16.0;
    let width = LEFT + (PANEL + GAP) * PANELS.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (row, figures) in figures.iter().enumerate() {
        text(&mut svg, LEFT - 8.0, TOP + ROW * (row as f64 + 0.65), "end", &figures.name);
    }
    for (place, panel) in PANELS.iter().enumerate() {
        let left = LEFT + (PANEL + GAP) * place as f64;
        draw(&mut svg, panel, left, &figures);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, panel: &Panel, left: f64, figures: &[&Figures]) {
    text(svg, left, TOP - 24.0, "start", panel.title);
    let values = |bar: fn(&Round) -> f64| figures.iter().filter_map(move |figures| figures.median(bar));
    let most = panel.bars.iter().flat_map(|&(_, bar)| values(bar)).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let (low, high) = match panel.tens_from {
        Some(power) => (f64::from(power), most.log10().ceil().max(f64::from(power) + 1.0)),
        None => (0.0, most.max(1.0)),
    };
    let part = |value: f64| {
        let value = if panel.tens_from.is_some() { value.log10().max(low) } else { value };
        // The numbers beside the bars need room.
        (value - low) / (high - low) * (PANEL - 50.0)
    };
    if let Some(first) = panel.tens_from {
        let bottom = TOP + ROW * figures.len() as f64;
        for power in (first..).take_while(|&power| f64::from(power) <= high) {
            let ten = 10_f64.powi(power);
            let x = left + part(ten);
            write_into(svg, format_args!("<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#e0e0e0\"/>\n", TOP - 4.0));
            text(svg, x, TOP - 8.0, "middle", &if power < 0 { format!("{ten:.1}") } else { format!("{ten:.0}") });
        }
    }
    let thick = (ROW - 8.0) / panel.bars.len() as f64;
    for (row, figures) in figures.iter().enumerate() {
        for (number, &(colour, bar)) in panel.bars.iter().enumerate() {
            let Some(value) = figures.median(bar) else { continue };
            let y = TOP + ROW * row as f64 + 4.0 + thick * number as f64;
            let long = part(value).max(1.0);
            write_into(
                svg,
                format_args!(
                    "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{long:.1}\" height=\"{thick:.1}\" fill=\"{colour}\"/>\n"
                ),
            );
        }
        let said: Vec<String> = panel.bars.iter().filter_map(|&(_, bar)| figures.median(bar)).map(panel.unit).collect();
        let longest = panel.bars.iter().filter_map(|&(_, bar)| figures.median(bar)).map(part).fold(0.0, f64::max);
        text(svg, left + longest + 6.0, TOP + ROW * (row as f64 + 0.65), "start", &said.join(", "));
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;");
    write_into(
        svg,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#303030\" stroke=\"#ffffff\" stroke-width=\"3\" \
             paint-order=\"stroke\">{what}</text>\n"
        ),
    );
}

fn write_into(svg: &mut String, what: std::fmt::Arguments<'_>) {
    svg.write_fmt(what).expect("a string takes it");
}
