//! Builds the tree from the parser's events.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::node::{Key, Node, Value};
use super::text::place;
use crate::Place;
use crate::diagnostic::Findings;

/// The most nodes of a file, with every alias followed.
const MOST_NODES: usize = 20_000;
/// The deepest nesting. A scenario needs six levels.
const DEEPEST: usize = 24;

/// The tree of the one document in `text`. What cannot be read is reported; what was read before it is not, since nobody
/// can know what the rest would have been.
pub(crate) fn load(text: &str, found: &mut Findings) -> Option<Rc<Node>> {
    let mut loader = Loader { text, open: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0 };
    let options = granit_parser::options! { emit_comments: false };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                syntax(text, &error, loader.open.iter().rev().find(|open| open.flow), found);
                return None;
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                found
                    .add("two-documents", loader.place(&span), "a second document starts here")
                    .help("a file holds one scenario: put the second one into a file of its own");
                return None;
            }
        }
        loader.take(event, &span, found)?;
    }
    if loader.root.is_none() {
        let top = Place { line: 1, column: 1, start: 0, end: 0 };
        found.add("empty", top, "the file is empty").help("`lblab init` writes a scenario to start from");
    }
    loader.root
}

/// A sequence or mapping whose end has not come.
struct Open {
    at: Place,
    flow: bool,
    anchor: usize,
    nodes: Vec<Rc<Node>>,
    keys: Option<Vec<Key>>,
}

struct Loader<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    nodes: usize,
}

impl Loader<'_> {
    fn place(&self, span: &Span) -> Place {
        let byte = |offset: Option<usize>| offset.unwrap_or(self.text.len()).min(self.text.len());
        let start = byte(span.start.byte_offset());
        Place {
            line: span.start.line(),
            column: span.start.col() + 1,
            start,
            end: byte(span.end.byte_offset()).max(start),
        }
    }

    /// Takes an event in; none if reading has to stop.
    fn take(&mut self, event: Event<'_>, span: &Span, found: &mut Findings) -> Option<()> {
        let at = self.place(span);
        let tag = match &event {
            Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag) => {
                tag.as_ref()
            }
            _ => None,
        };
        if tag.is_some() {
            found.add("tag", at, "YAML tags mean nothing in a scenario").help("delete the word that starts with `!`");
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.close(Node { at, value, size: 1 }, anchor, found)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    found.add("alias", at, "this alias stands for what it is itself a part of");
                    return None;
                };
                self.put(node, Some(at), found)
            }
            Event::SequenceStart(style, anchor, _) => self.begin(at, style, anchor, None, found),
            Event::MappingStart(style, anchor, _) => self.begin(at, style, anchor, Some(Vec::new()), found),
            Event::SequenceEnd | Event::MappingEnd => {
                let mut open = self.open.pop()?;
                open.at.end = if open.flow {
                    at.end.max(open.at.end)
                } else {
                    open.nodes.last().map_or(open.at.end, |last| last.at.end).max(open.at.start)
                };
                let size = open.nodes.iter().fold(1, |size: usize, node| size.saturating_add(node.size));
                let value = match open.keys {
                    None => Value::Sequence(open.nodes),
                    Some(keys) => Value::Mapping(keys.into_iter().zip(open.nodes).collect()),
                };
                self.close(Node { at: open.at, value, size }, open.anchor, found)
            }
            _ => Some(()),
        }
    }

    fn begin(
        &mut self,
        at: Place,
        style: StructureStyle,
        anchor: usize,
        keys: Option<Vec<Key>>,
        found: &mut Findings,
    ) -> Option<()> {
        if self.open.len() >= DEEPEST {
            found.add("too-deep", at, format!("this is nested more than {DEEPEST} levels deep"));
            return None;
        }
        let flow = style == StructureStyle::Flow;
        self.open.push(Open { at, flow, anchor, nodes: Vec::new(), keys });
        Some(())
    }

    fn close(&mut self, node: Node, anchor: usize, found: &mut Findings) -> Option<()> {
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put(node, None, found)
    }

    /// Puts a node into what is open, as a key or as a value.
    fn put(&mut self, node: Rc<Node>, alias: Option<Place>, found: &mut Findings) -> Option<()> {
        let at = alias.unwrap_or(node.at);
        self.nodes = self.nodes.saturating_add(if alias.is_some() { node.size } else { 1 });
        if self.nodes > MOST_NODES {
            found
                .add("too-many-nodes", at, format!("the file has more than {MOST_NODES} values, aliases followed"))
                .help("a scenario needs a few dozen");
            return None;
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { keys: Some(keys), nodes, .. }) if keys.len() == nodes.len() => {
                let Value::Scalar { text, .. } = &node.value else {
                    found.add("key", at, format!("{} cannot be a key", node.kind())).help("a key is a single word");
                    return None;
                };
                keys.push(Key { at, text: text.clone() });
            }
            Some(open) => open.nodes.push(node),
        }
        Some(())
    }
}

/// Reports what the parser says, and where the innermost brace or bracket was opened that has not been closed.
fn syntax(text: &str, error: &ScanError, unclosed: Option<&Open>, found: &mut Findings) {
    let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let boundary = (0..=start).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let at = place(text, boundary);
    let line_start = text[..at.start].rfind('\n').map_or(0, |end| end + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
    if let Some(tab) = line[..indentation].find('\t') {
        found
            .add("tab", place(text, line_start + tab), "a tab is in the indentation")
            .help("YAML is indented with spaces");
    } else {
        let diagnostic = found.add("yaml", at, format!("this is not YAML: {}", error.info()));
        if let Some(open) = unclosed {
            diagnostic.related(Place { end: open.at.start + 1, ..open.at }, "opened here");
        }
    }
}
