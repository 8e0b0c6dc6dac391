//! The report for people.

use std::io::{self, Write};

use lblab_verdict::{Outcome, Verdict};

use crate::run::with_subject;
use crate::style::Colour;
use crate::{Exit, ReportError, Reporter, RunReport, RunResult, Status, Style, Summary, command, snippet};

/// How much evidence is shown of a check, in lines, unless all of it is asked for. The most telling lines come first.
const EVIDENCE_LINES: usize = 12;

/// The report for people: a line for each run, a line for each check, and below a check that does not hold its evidence and
/// the line of the scenario that it violates.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    style: Style,
    verbose: bool,
    runs: usize,
    not_held: Vec<String>,
}

impl<W: Write> Terminal<W> {
    /// A report that goes to standard output, or what stands for it. A verbose one shows all evidence, also that of checks
    /// that hold.
    pub fn new(out: W, style: Style, verbose: bool) -> Terminal<W> {
        Terminal { out, style, verbose, runs: 0, not_held: Vec::new() }
    }

    fn write_run(&mut self, run: &RunReport) -> io::Result<()> {
        let style = self.style;
        self.runs += 1;
        let title = format!("{} on {}", style.safe(&run.scenario.path), style.safe(&run.balancer.to_string()));
        let mark = Mark::of_run(run.status());
        let particulars = format!("(seed {}, {:.1} s)", run.seed, run.took.as_secs_f64());
        writeln!(
            self.out,
            "{} {} {}",
            mark.show(style),
            style.paint(Colour::Bold, &title),
            style.paint(Colour::Dim, &particulars)
        )?;
        if run.scenario.name != run.scenario.path {
            writeln!(self.out, "    {}", style.safe(&run.scenario.name))?;
        }
        if let Some(headline) = run.headline() {
            self.not_held.push(format!("  {} {title}: {}", mark.show(style), style.safe(&headline)));
        }
        if let RunResult::Skipped { reason } = &run.result {
            writeln!(self.out, "    skipped: {}", style.safe(reason))?;
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
            self.write_verdict(run, verdict, &mut shown)?;
        }
        if run.nothing_checked() {
            writeln!(self.out, "    nothing that the scenario expects was checked")?;
        }
        self.write_way_on(run)
    }

    /// `shown` is the step whose line was shown last: checks of one step share it.
    fn write_verdict(&mut self, run: &RunReport, verdict: &Verdict, shown: &mut Option<usize>) -> io::Result<()> {
        let style = self.style;
        let mark = Mark::of_check(&verdict.outcome);
        let (text, evidence) = match &verdict.outcome {
            Outcome::Holds => (with_subject(verdict), self.verbose),
            Outcome::Fails => (with_subject(verdict), true),
            Outcome::Inconclusive { reason } => (format!("undecided: {reason}"), true),
            Outcome::Unsupported { reason } => (format!("unsupported: {reason}"), self.verbose),
        };
        let check = verdict.check.to_string();
        writeln!(self.out, "    {} {check:<5} {}", mark.show(style), style.safe(&text))?;
        if !evidence {
            return Ok(());
        }
        self.write_indented(12, &style.safe(&format!("asserted: {}", verdict.title)))?;
        let limit = if self.verbose { usize::MAX } else { EVIDENCE_LINES };
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
        writeln!(self.out, "\n{summary}")?;
        if self.not_held.is_empty() && summary.exit() == Exit::Undecided {
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
