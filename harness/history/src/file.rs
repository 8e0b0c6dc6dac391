//! Writing a history as it happens and reading it back.

use std::io::{self, BufRead, Read, Write};

use crate::{
    Busy, Change, Counters, Ending, FORMAT, FaultRecord, Header, HealRecord, Record, Request, Served, Shown,
    StateChange, StepRecord, Teardown, Timekeeping,
};

/// Appends records to a file or any other sink, one JSON line each.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
}

impl<W: Write> Writer<W> {
    /// Starts a history with its header.
    ///
    /// # Errors
    ///
    /// Whatever the sink says, for example that the disk is full.
    pub fn begin(sink: W, header: Header) -> io::Result<Writer<W>> {
        let mut writer = Writer { sink };
        writer.append(&Record::Header(Box::new(header)))?;
        Ok(writer)
    }

    /// Appends a record.
    ///
    /// # Errors
    ///
    /// Whatever the sink says.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.sink, record)?;
        self.sink.write_all(b"\n")
    }

    /// Hands everything that was appended to the sink's own storage.
    ///
    /// # Errors
    ///
    /// Whatever the sink says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// A whole history, sorted by kind; each list is in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What was run.
    pub header: Header,
    /// The steps that were carried out.
    pub steps: Vec<StepRecord>,
    /// The clients' requests, by id.
    pub requests: Vec<Request>,
    /// What the members saw, by start.
    pub served: Vec<Served>,
    /// The faults.
    pub faults: Vec<FaultRecord>,
    /// The heals.
    pub heals: Vec<HealRecord>,
    /// The states that the balancer showed.
    pub states: Vec<StateChange>,
    /// What the balancer showed of its members when it was asked, where it announces their states.
    pub shown: Vec<Shown>,
    /// The changes of the configuration.
    pub changes: Vec<Change>,
    /// What the balancer counted, each time that it was asked.
    pub counters: Vec<Counters>,
    /// When the processors were kept busy.
    pub busy: Vec<Busy>,
    /// How well the harness kept time, if it got so far.
    pub timekeeping: Option<Timekeeping>,
    /// What was left after the balancer had been removed, if it got so far.
    pub teardown: Option<Teardown>,
    /// How the run ended; none if the file ends before the run did.
    pub ending: Option<Ending>,
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("reading line {line} of the history")]
    Read {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
    /// A line is not a record.
    #[error("line {line} of the history is not a record; is the file complete, and written by this version of lblab?")]
    NotARecord {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A line cannot have happened.
    #[error("line {line} of the history cannot have happened: {why}; was it edited?")]
    Nonsense {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The first line is not a header.
    #[error("the file does not begin with a header; give the `history.jsonl` that `lblab run` wrote")]
    NoHeader,
    /// The file is of another format.
    #[error(
        "the history is of format {found}, this lblab reads format {FORMAT}; judge it with the lblab that wrote it"
    )]
    Format {
        /// The file's format.
        found: u32,
    },
}

impl History {
    /// An empty history with this header.
    pub fn new(header: Header) -> History {
        History {
            header,
            steps: Vec::new(),
            requests: Vec::new(),
            served: Vec::new(),
            faults: Vec::new(),
            heals: Vec::new(),
            states: Vec::new(),
            shown: Vec::new(),
            changes: Vec::new(),
            counters: Vec::new(),
            busy: Vec::new(),
            timekeeping: None,
            teardown: None,
            ending: None,
        }
    }

    /// Reads a history.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a line that is not a record, or another format.
    pub fn read(source: impl BufRead) -> Result<History, HistoryError> {
        let mut history: Option<History> = None;
        for (index, line) in Lines(source).enumerate() {
            let number = index + 1;
            let line = line.map_err(|source| HistoryError::Read { line: number, source })?;
            if index == 0 {
                history = Some(History::new(read_header(&line)?));
                continue;
            }
            let record: Record =
                serde_json::from_str(&line).map_err(|source| HistoryError::NotARecord { line: number, source })?;
            if let Some(why) = record.nonsense() {
                return Err(HistoryError::Nonsense { line: number, why });
            }
            if let Some(history) = &mut history {
                history.push(record);
            }
        }
        let mut history = history.ok_or(HistoryError::NoHeader)?;
        history.requests.sort_by_key(|request| request.id);
        if history.requests.windows(2).any(|pair| pair[0].id == pair[1].id) {
            return Err(HistoryError::Nonsense { line: 0, why: "two requests have the same id" });
        }
        history.served.sort_by_key(|served| served.started);
        Ok(history)
    }

    /// Adds a record to the list of its kind; a second header is ignored.
    pub fn push(&mut self, record: Record) {
        match record {
            Record::Header(_) => {}
            Record::Step(step) => self.steps.push(step),
            Record::Request(request) => self.requests.push(request),
            Record::Served(served) => self.served.push(served),
            Record::Fault(fault) => self.faults.push(fault),
            Record::Heal(heal) => self.heals.push(heal),
            Record::State(state) => self.states.push(state),
            Record::Shown(shown) => self.shown.push(shown),
            Record::Change(change) => self.changes.push(change),
            Record::Counters(counters) => self.counters.push(counters),
            Record::Busy(busy) => self.busy.push(busy),
            Record::Timekeeping(timekeeping) => self.timekeeping = Some(timekeeping),
            Record::Teardown(teardown) => self.teardown = Some(teardown),
            Record::End(ending) => self.ending = Some(ending),
        }
    }
}

/// The longest line: a header holds a scenario's text, and nothing else comes near it.
const LONGEST_LINE: u64 = 16 << 20;

/// The lines of a source, none of which is read further than the longest may be.
struct Lines<R>(R);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        let mut line = String::new();
        match (&mut self.0).take(LONGEST_LINE).read_line(&mut line) {
            Ok(0) => None,
            Ok(_) if line.ends_with('\n') => {
                line.pop();
                Some(Ok(line))
            }
            Ok(length) if length as u64 == LONGEST_LINE => {
                let why = format!("it is longer than {LONGEST_LINE} bytes");
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, why)))
            }
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Reads the header, looking at the format first, so that another format is named and not called broken.
fn read_header(line: &str) -> Result<Header, HistoryError> {
    let value: serde_json::Value = serde_json::from_str(line).map_err(|_| HistoryError::NoHeader)?;
    let header = value.get("header").ok_or(HistoryError::NoHeader)?;
    let found = header.get("format").and_then(serde_json::Value::as_u64).ok_or(HistoryError::NoHeader)?;
    if found != u64::from(FORMAT) {
        return Err(HistoryError::Format { found: u32::try_from(found).unwrap_or(u32::MAX) });
    }
    serde_json::from_value(header.clone()).map_err(|source| HistoryError::NotARecord { line: 1, source })
}

#[cfg(test)]
mod tests {
    use lblab_model::Moment;
    use serde_json::json;

    use super::{History, Writer};
    use crate::{BalancerIdentity, Ending, FORMAT, Header, Record};

    fn header() -> Header {
        let traits = json!({
            "protocols": ["HTTP"], "balances": "connections", "methods": ["ROUND_ROBIN"], "rotation": "shuffled",
            "weights": "exact", "workers": 1, "ties": "rotating", "hash": null, "persistence": [], "monitors": ["TCP"],
            "passive": {"failures": 3, "for": 1.0}, "probe_schedule": "end-to-start", "unanswered_syn": "timeout",
            "unanswered_request": {"delay-up-to": 5.0}, "probe_reads": "status", "fall": 1, "rise": 2, "first_failure": "counts",
            "expected_codes": [], "panic": 50, "sub_second_probes": true,
            "redispatch": {"retries": 3, "bound_requests": "wait", "connect_timeout": 5.0, "response_timeout": 50.0},
            "reload": "keeps-all", "shows_members": true, "is_process": true
        });
        Header {
            format: FORMAT,
            run: "1-2".to_owned(),
            lblab: "0.1.0".to_owned(),
            plan: json!({"name": "a plan"}),
            balancer: BalancerIdentity {
                name: "reference".to_owned(),
                version: "0.1.0".to_owned(),
                attachment: None,
                mutant: None,
                traits: serde_json::from_value(traits).expect("the traits are complete"),
            },
            seed: 7,
            started_unix_nanos: 1,
        }
    }

    #[test]
    fn a_history_reads_back_as_it_was_written() {
        let mut file = Vec::new();
        let ending = Ending { at: Moment::from_nanos(5), cut_short: Some("a reason".to_owned()) };
        let mut writer = Writer::begin(&mut file, header()).expect("a vector takes everything");
        writer.append(&Record::End(ending.clone())).expect("a vector takes everything");

        let history = History::read(file.as_slice()).expect("the file was just written");
        assert_eq!(history.header, header());
        assert_eq!(history.ending, Some(ending));
    }

    #[test]
    fn what_is_not_a_history_is_named_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = History::read(text.as_bytes()).expect_err(text);
            assert_eq!(error.to_string().split(';').next(), Some(expected), "{text}");
        };
        let request = |sent, ended, status, outcome| {
            let request = json!({"request": {
                "id": 1, "step": 0, "client": 0, "source": "192.168.1.254:0", "connection": 1, "planned": 1, "sent": sent,
                "connected": null, "first_byte": null, "ended": ended, "outcome": outcome, "status": status, "member": null
            }});
            let mut file = Vec::new();
            Writer::begin(&mut file, header()).expect("a vector takes everything");
            format!("{}{request}", String::from_utf8_lossy(&file))
        };
        check(
            &request(5, 4, json!(null), "refused"),
            "line 2 of the history cannot have happened: a request ended before it was sent",
        );
        check(
            &request(4, 5, json!(500), "ok"),
            "line 2 of the history cannot have happened: a request's outcome does not fit its status",
        );
        check("", "the file does not begin with a header");
        check("hello", "the file does not begin with a header");
        check(r#"{"header":{"format":9}}"#, "the history is of format 9, this lblab reads format 6");
        let mut file = Vec::new();
        Writer::begin(&mut file, header()).expect("a vector takes everything");
        file.extend_from_slice(b"{\"request\":");
        check(&String::from_utf8_lossy(&file), "line 2 of the history is not a record");
    }
}
