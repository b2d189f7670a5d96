//! A small tree of one record at a time, so that large XML lists never stand in memory whole.
//!
//! Invariant: a file that ends inside an element, or whose tags do not match, is refused as cut short or malformed.

use super::ParseError;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One element.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn open(start: &BytesStart<'_>) -> Self {
        let local = |name: &str| name.rsplit(':').next().unwrap_or(name).to_owned();
        let attributes = start
            .attributes()
            .flatten()
            .map(|attribute| {
                let raw = attribute.value.as_ref();
                let value = quick_xml::escape::unescape(raw)
                    .map_or_else(|_| raw.to_owned(), |text| text.into_owned());
                (local(attribute.key.as_ref()), value)
            })
            .collect();
        Self { name: local(start.name().as_ref()), attributes, ..Self::default() }
    }

    /// An attribute's trimmed value; empty when missing.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// Its own text, trimmed.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Children of one name.
    pub(super) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The trimmed text of the first child of a name; empty when missing.
    pub(super) fn get<'n>(&'n self, name: &'n str) -> &'n str {
        self.all(name).next().map_or("", Node::text)
    }

    /// Grandchildren: the items of a list element.
    pub(super) fn items<'n>(
        &'n self,
        list: &'n str,
        item: &'n str,
    ) -> impl Iterator<Item = &'n Node> {
        self.all(list).flat_map(move |list| list.all(item))
    }
}

/// Most nested elements a list has any use for; deeper input is refused.
const MOST_NESTED: usize = 64;

/// What a walk saw outside its records.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Names of elements that hold records or stand beside them, in order of appearance.
    pub(super) sections: Vec<String>,
    /// The root element, without children.
    pub(super) root: Node,
}

/// Calls `record` with every element whose name `is_record` accepts, and the line it starts on.
pub(super) fn walk(
    file: &str,
    text: &str,
    is_record: impl Fn(&str) -> bool,
    mut record: impl FnMut(Node, u64),
) -> Result<Walk, ParseError> {
    let malformed = |reason: String| ParseError::Malformed { file: file.to_owned(), reason };
    let mut reader = Reader::from_str(text);
    let mut walk = Walk::default();
    // Elements open above the record, and the record's own elements.
    let mut above = 0usize;
    let mut open: Vec<Node> = Vec::new();
    let mut line = 1u64;
    let mut counted = 0usize;
    let mut record_line = 1u64;
    loop {
        let event = reader.read_event().map_err(|error| malformed(error.to_string()))?;
        let position = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        let passed = text.as_bytes().get(counted..position).unwrap_or(&[]);
        line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = position;
        match event {
            Event::Start(start) => {
                let node = Node::open(&start);
                if open.len() + above > MOST_NESTED {
                    return Err(malformed("elements are nested too deeply".to_owned()));
                }
                if open.is_empty() && !is_record(&node.name) {
                    if above == 0 {
                        walk.root = node;
                    } else {
                        walk.sections.push(node.name);
                    }
                    above += 1;
                } else {
                    if open.is_empty() {
                        record_line = line;
                    }
                    open.push(node);
                }
            }
            Event::Empty(start) => {
                let node = Node::open(&start);
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None if is_record(&node.name) => record(node, line),
                    None => walk.sections.push(node.name),
                }
            }
            Event::End(_) => match (open.pop(), open.last_mut()) {
                (Some(node), Some(parent)) => parent.children.push(node),
                (Some(node), None) => record(node, record_line),
                (None, _) => above = above.saturating_sub(1),
            },
            Event::Text(content) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&content);
                } else if above == 2 && walk.root.children.len() < 64 {
                    let text = content.to_string();
                    let name = walk.sections.last().cloned().unwrap_or_default();
                    walk.root.children.push(Node { name, text, ..Node::default() });
                }
            }
            Event::CData(content) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&content);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(node) = open.last_mut() {
                    let escaped = format!("&{};", &*reference);
                    let plain = quick_xml::escape::unescape(&escaped)
                        .map_or_else(|_| escaped.clone(), |text| text.into_owned());
                    node.text.push_str(&plain);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if above > 0 || !open.is_empty() {
        return Err(malformed("the file is cut short".to_owned()));
    }
    if walk.root.name.is_empty() {
        return Err(malformed("no XML element".to_owned()));
    }
    Ok(walk)
}
