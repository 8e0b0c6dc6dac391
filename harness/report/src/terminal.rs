//! The report for people.

use std::io::{self, Write};

use lblab_verdict::{Outcome, Verdict};

use crate::matrix::Matrix;
use crate::run::with_subject;
use crate::style::Colour;
use crate::{
    Conclusion, Exit, Noted, ReportError, Reporter, RunReport, RunResult, Status, Style, Summary, command, snippet,
};

/// How much evidence is shown of a check, in lines, unless all of it is asked for. The most telling lines come first.
const EVIDENCE_LINES: usize = 12;

/// The report for people: a line for each run, a line for each check, and below a check that does not hold its evidence and
/// the line of the scenario that it violates. Several scenarios on several balancers end with the matrix of them.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    style: Style,
    detail: Detail,
    runs: usize,
    not_held: Vec<String>,
    matrix: Matrix,
}

/// How much a report for people shows of each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line for a run in which nothing fails, and of others what does not hold.
    Brief,
    /// Every check, with the evidence of those that do not hold.
    Normal,
    /// Every check, with all evidence.
    Full,
}

impl<W: Write> Terminal<W> {
    /// A report that goes to standard output, or what stands for it.
    pub fn new(out: W, style: Style, detail: Detail) -> Terminal<W> {
        Terminal { out, style, detail, runs: 0, not_held: Vec::new(), matrix: Matrix::default() }
    }

    fn write_run(&mut self, run: &RunReport) -> io::Result<()> {
        let style = self.style;
        let brief = self.detail == Detail::Brief;
        self.runs += 1;
        self.matrix.add(run);
        if brief && matches!(run.result, RunResult::Skipped { .. }) {
            // The matrix tells each reason once.
            return Ok(());
        }
        let title = format!("{} on {}", style.safe(&run.scenario.path), style.safe(&run.balancer.to_string()));
        let mark = Mark::of_run(run.status());
        let scale = run.time_scale.map(|scale| format!("time scale {scale}, ")).unwrap_or_default();
        let particulars = format!("(seed {}, {scale}{:.1} s)", run.seed, run.took.as_secs_f64());
        let particulars = match &run.result {
            RunResult::Unsupported { reason } if brief => format!("unsupported: {}", style.safe(reason)),
            _ => particulars,
        };
        writeln!(
            self.out,
            "{} {} {}",
            mark.show(style),
            style.paint(Colour::Bold, &title),
            style.paint(Colour::Dim, &particulars)
        )?;
        let conclusion = run.conclusion();
        self.write_known(&conclusion)?;
        if brief && run.headline().is_none() {
            return Ok(());
        }
        if !brief && run.scenario.name != run.scenario.path {
            writeln!(self.out, "    {}", style.safe(&run.scenario.name))?;
        }
        // What is known is told of below the matrix, each finding once.
        if let Some(headline) = run.headline().filter(|_| !brief || !matches!(conclusion, Conclusion::Known(_))) {
            self.not_held.push(format!("  {} {title}: {}", mark.show(style), style.safe(&headline)));
        }
        match &run.result {
            RunResult::Skipped { reason } => writeln!(self.out, "    skipped: {}", style.safe(reason))?,
            RunResult::Unsupported { reason } => {
                writeln!(self.out, "    unsupported: {}", style.safe(reason))?;
                if let Some(noted) = run.known.of_lack() {
                    writeln!(self.out, "    {}", style.safe(&format!("because of {}: {}", noted.id, noted.what)))?;
                }
            }
            RunResult::Judged(_) | RunResult::CutShort(..) | RunResult::Problem(_) => {}
        }
        if let Some(problem) = run.problem() {
            let message = style.safe(&format!("{}: {}", problem.whose, problem.message.trim_end()));
            for line in message.lines() {
                self.write_indented(4, &style.paint(Colour::Red, line))?;
            }
            if let Some(remedy) = &problem.remedy {
                self.write_indented(4, &style.safe(&format!("remedy: {remedy}")))?;
            }
        }
        let mut shown = None;
        for verdict in run.verdicts() {
            let told = matches!(verdict.outcome, Outcome::Fails | Outcome::Inconclusive { .. });
            if told || !brief {
                self.write_verdict(run, verdict, &mut shown)?;
            }
        }
        if run.nothing_checked() {
            writeln!(self.out, "    nothing that the scenario expects was checked")?;
        }
        self.write_way_on(run)
    }

    /// What is known of a run's failures, below its first line.
    fn write_known(&mut self, conclusion: &Conclusion) -> io::Result<()> {
        let style = self.style;
        match conclusion {
            Conclusion::Plain => Ok(()),
            Conclusion::Known(findings) => findings
                .iter()
                .try_for_each(|noted| writeln!(self.out, "    {}", style.paint(Colour::Yellow, &known(noted, style)))),
            Conclusion::Gone(findings) => findings.iter().try_for_each(|noted| {
                let id = style.safe(&noted.id);
                let told = format!("not seen: {id}, which is said to show here always; see docs/findings.md");
                writeln!(self.out, "    {}", style.paint(Colour::Yellow, &told))
            }),
        }
    }

    /// `shown` is the step whose line was shown last: checks of one step share it.
    fn write_verdict(&mut self, run: &RunReport, verdict: &Verdict, shown: &mut Option<usize>) -> io::Result<()> {
        let style = self.style;
        let full = self.detail == Detail::Full;
        let mark = Mark::of_check(&verdict.outcome);
        let (text, evidence) = match &verdict.outcome {
            Outcome::Holds => (with_subject(verdict), full),
            Outcome::Fails => (with_subject(verdict), true),
            Outcome::Inconclusive { reason } => (format!("undecided: {reason}"), true),
            Outcome::Unsupported { reason } => (format!("unsupported: {reason}"), full),
        };
        let check = verdict.check.to_string();
        let noted = run.known.of_verdict(verdict);
        let beside = noted.map(|noted| format!(" (known: {})", style.safe(&noted.id))).unwrap_or_default();
        writeln!(self.out, "    {} {check:<5} {}{beside}", mark.show(style), style.safe(&text))?;
        if !evidence || (noted.is_some() && self.detail == Detail::Brief) {
            return Ok(());
        }
        self.write_indented(12, &style.safe(&format!("asserted: {}", verdict.title)))?;
        let limit = if full { usize::MAX } else { EVIDENCE_LINES };
        for line in verdict.evidence.iter().take(limit) {
            self.write_indented(12, &style.safe(line))?;
        }
        let rest = verdict.evidence.len().saturating_sub(limit);
        if rest > 0 {
            self.write_indented(12, &format!("({rest} more lines with -v)"))?;
        }
        if verdict.outcome == Outcome::Fails
            && *shown != verdict.step
            && let (Some(judged), Some(place)) = (run.judged(), run.place(verdict))
        {
            *shown = verdict.step;
            let rendered = snippet::render(&judged.plan, place, &format!("{check} fails"), style);
            self.write_indented(12, &rendered)?;
        }
        Ok(())
    }

    /// What to do about a run that is not a pass: read its history, repeat it, judge it again.
    fn write_way_on(&mut self, run: &RunReport) -> io::Result<()> {
        if run.headline().is_none() {
            return Ok(());
        }
        let mut lines = vec![("reproduce", command::reproduce(run))];
        if let Some(history) = &run.history {
            lines.push(("judge again", command::judge(history)));
        }
        if let Some(artefacts) = &run.artefacts {
            lines.push(("files", artefacts.display().to_string()));
        }
        for (what, text) in lines {
            writeln!(self.out, "    {what:<11} {}", self.style.safe(&text))?;
        }
        Ok(())
    }

    fn write_indented(&mut self, columns: usize, text: &str) -> io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "{}", format!("{:columns$}{line}", "").trim_end())?;
        }
        Ok(())
    }

    fn write_summary(&mut self, summary: &Summary) -> io::Result<()> {
        if self.runs > 1 && !self.not_held.is_empty() {
            writeln!(self.out)?;
            for line in &self.not_held {
                writeln!(self.out, "{line}")?;
            }
        }
        if self.matrix.is_one() {
            write!(self.out, "\n{}", self.matrix.render(self.style))?;
        }
        writeln!(self.out, "\n{summary}")?;
        if self.not_held.is_empty() && summary.runs.known == 0 && summary.exit() == Exit::Undecided {
            writeln!(self.out, "nothing was judged, which is not a pass")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Reporter for Terminal<W> {
    fn run(&mut self, run: &RunReport) -> Result<(), ReportError> {
        self.write_run(run).and_then(|()| self.out.flush()).map_err(to_standard_output)
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), ReportError> {
        self.write_summary(summary).map_err(to_standard_output)
    }
}

/// A finding, beside what shows it.
fn known(noted: &Noted, style: Style) -> String {
    style.safe(&format!("known: {}: {}", noted.id, noted.what))
}

fn to_standard_output(source: io::Error) -> ReportError {
    ReportError::Write { to: "standard output".into(), source }
}

/// The mark before a run or a check.
#[derive(Clone, Copy)]
enum Mark {
    Holds,
    Failed,
    Undecided,
    NotJudged,
    NotRun,
}

impl Mark {
    fn of_run(status: Status) -> Mark {
        match status {
            Status::Failed => Mark::Failed,
            Status::Problem(_) => Mark::NotJudged,
            Status::Inconclusive => Mark::Undecided,
            Status::Holds => Mark::Holds,
            Status::Unsupported | Status::Skipped => Mark::NotRun,
        }
    }

    fn of_check(outcome: &Outcome) -> Mark {
        match outcome {
            Outcome::Holds => Mark::Holds,
            Outcome::Fails => Mark::Failed,
            Outcome::Inconclusive { .. } => Mark::Undecided,
            Outcome::Unsupported { .. } => Mark::NotRun,
        }
    }

    fn show(self, style: Style) -> String {
        let (colour, unicode, ascii) = match self {
            Mark::Holds => (Colour::Green, "✓", "ok  "),
            Mark::Failed => (Colour::Red, "✗", "FAIL"),
            Mark::Undecided => (Colour::Yellow, "?", "??  "),
            Mark::NotJudged => (Colour::Red, "!", "!!  "),
            Mark::NotRun => (Colour::Dim, "–", "-   "),
        };
        style.paint(colour, if style.unicode { unicode } else { ascii })
    }
}
