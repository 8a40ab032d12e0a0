//! Source bytes to one tree of nodes with spans. The only file that knows the YAML parser.
//!
//! The parser's events are turned into a tree instead of being deserialised, so that every wrong key and every wrong type
//! of a file can be reported at once: a deserialiser stops at the first.
//!
//! Budgets: bytes of the source, depth, and the weight of the tree with aliases expanded. Aliases share their node, so
//! that even a tree that is refused for its weight takes memory only for what was written.

use std::{borrow::Cow, collections::HashMap, ops::Range, rc::Rc};

use serde_saphyr::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag};

use crate::{diagnostic::Diagnostic, problems::Problems, suggest};

/// Largest source text, in bytes: 40 times a workflow of 5,000 steps.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Deepest nesting of lists and mappings.
pub(crate) const MAX_DEPTH: usize = 100;
/// Heaviest tree, aliases expanded: 16 for each node and 1 for each byte of text.
pub(crate) const MAX_WEIGHT: usize = 24 * 1024 * 1024;

/// A YAML value and the bytes it was read from.
#[derive(Debug)]
pub(crate) struct Node<'s> {
    /// Bytes of the source text. For an alias, those of the value it stands for.
    pub(crate) span: Range<usize>,
    /// The value.
    pub(crate) content: Content<'s>,
    /// 16 for each node and 1 for each byte of text, aliases expanded.
    pub(crate) weight: usize,
    /// Levels of lists and mappings below, aliases expanded.
    height: usize,
}

/// Kinds of value.
#[derive(Debug)]
pub(crate) enum Content<'s> {
    /// A scalar. Only plain ones can mean anything but text.
    Scalar {
        /// Text after escapes.
        text: Cow<'s, str>,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Rc<Node<'s>>>),
    /// A mapping without duplicate keys.
    Map(Vec<Entry<'s>>),
}

/// One key of a mapping and its value.
#[derive(Debug)]
pub(crate) struct Entry<'s> {
    /// Text of the key.
    pub(crate) key: Cow<'s, str>,
    /// Bytes of the key.
    pub(crate) key_span: Range<usize>,
    /// Value.
    pub(crate) value: Rc<Node<'s>>,
}

/// The text of a source, if it is text of an acceptable size: without its byte order mark, and how long that was.
pub(crate) fn text<'s>(source: &'s [u8], problems: &mut Problems) -> Option<(&'s str, usize)> {
    if source.len() > MAX_BYTES {
        let message =
            format!("the file is larger than the {} MiB that a workflow may have", MAX_BYTES / (1024 * 1024));
        problems.push(
            Diagnostic::error("yaml::too-large", 0..0, message)
                .help("is this the right file? Data belongs in files of its own, named under `data:`"),
        );
        return None;
    }
    let (body, base) = match source.strip_prefix(b"\xEF\xBB\xBF") {
        Some(body) => (body, 3),
        None => (source, 0),
    };
    if source.starts_with(b"\xFF\xFE") || source.starts_with(b"\xFE\xFF") {
        problems.push(
            Diagnostic::error("yaml::encoding", 0..2, "the file is UTF-16; a workflow must be UTF-8")
                .help("save it as UTF-8"),
        );
        return None;
    }
    match std::str::from_utf8(body) {
        Ok(text) => Some((text, base)),
        Err(error) => {
            let at = base + error.valid_up_to();
            let end = at + error.error_len().unwrap_or(source.len() - at);
            problems.push(
                Diagnostic::error("yaml::encoding", at..end, "these bytes are not UTF-8")
                    .help("save the file as UTF-8"),
            );
            None
        }
    }
}

/// Read the one document of a text. `base` is added to every span. `None` where there is nothing to go on with.
pub(crate) fn parse<'s>(text: &'s str, base: usize, problems: &mut Problems) -> Option<Rc<Node<'s>>> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        // A key may be longer than YAML's 1,024 characters (a gate, for instance), within reason.
        simple_key_max_lookahead: 4096,
    };
    let mut builder = Builder {
        problems,
        open: Vec::new(),
        anchors: HashMap::new(),
        names: Vec::new(),
        root: None,
        documents: 0,
        tag: None,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.problems.push(syntax_problem(&error, text, base));
                return None;
            }
        };
        let place = |span: granit_parser::Span| {
            span.byte_range().map_or(base..base, |range| range.start + base..range.end + base)
        };
        builder.tag = span.tag_span().map(place);
        let span = place(span);
        builder.take(event, span)?;
    }
    let root = builder.root.take();
    if root.is_none() {
        problems.push(
            Diagnostic::error("yaml::empty", base..base, "the file is empty")
                .help("a workflow needs at least `stages:` with one stage that has `steps:`"),
        );
    }
    root
}

/// A list or mapping whose end was not seen yet.
struct Open<'s> {
    start: usize,
    anchor: usize,
    weight: usize,
    height: usize,
    content: Content<'s>,
    /// Of a mapping: the key whose value comes next.
    key: Option<(Cow<'s, str>, Range<usize>)>,
    /// Of a mapping: whether the next value belongs to a key that was refused.
    refused: bool,
    /// Of a large mapping: the index of each key.
    seen: HashMap<Cow<'s, str>, usize>,
}

struct Builder<'s, 'p> {
    problems: &'p mut Problems,
    open: Vec<Open<'s>>,
    anchors: HashMap<usize, Rc<Node<'s>>>,
    names: Vec<String>,
    root: Option<Rc<Node<'s>>>,
    documents: usize,
    /// Bytes of the tag of the event at hand.
    tag: Option<Range<usize>>,
}

impl<'s> Builder<'s, '_> {
    /// Take one event. `None` where going on makes no sense; a problem has been reported then.
    fn take(&mut self, event: Event<'s>, span: Range<usize>) -> Option<()> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.problems.push(
                        Diagnostic::error("yaml::documents", span, "a second YAML document starts here")
                            .help("a workflow is one document; remove the `---` and what follows, or put it in another file"),
                    );
                    return None;
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = self.is_plain(style, tag.as_deref(), &span);
                let weight = 16 + text.len();
                self.add(Node { span, content: Content::Scalar { text, plain }, weight, height: 0 }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                self.begin(span.start, anchor, Content::List(Vec::new()));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                self.begin(span.start, anchor, Content::Map(Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let span = open.start..end_of(&open, span);
                    self.add(
                        Node { span, content: open.content, weight: open.weight, height: open.height },
                        open.anchor,
                    )?;
                }
            }
            Event::Anchor(_, name) => self.names.push(name.into_owned()),
            Event::Alias(id) => {
                if let Some(node) = self.anchors.get(&id) {
                    let node = Rc::clone(node);
                    self.attach(node, &span)?;
                } else {
                    self.problems.push(
                        Diagnostic::error(
                            "yaml::alias",
                            span.clone(),
                            "this alias stands inside the value it refers to",
                        )
                        .help("a value cannot contain itself"),
                    );
                    self.attach_null(span)?;
                }
            }
            Event::UnresolvedAlias(name) => {
                let help = suggest::help(&name, self.names.iter().map(String::as_str))
                    .unwrap_or_else(|| "text that starts with `*` must be quoted".to_owned());
                self.problems.push(
                    Diagnostic::error(
                        "yaml::alias",
                        span.clone(),
                        format!("there is no anchor `&{name}` before this alias"),
                    )
                    .help(help),
                );
                self.attach_null(span)?;
            }
            _ => {}
        }
        Some(())
    }

    fn begin(&mut self, start: usize, anchor: usize, content: Content<'s>) {
        self.open.push(Open {
            start,
            anchor,
            weight: 16,
            height: 1,
            content,
            key: None,
            refused: false,
            seen: HashMap::new(),
        });
    }

    fn add(&mut self, node: Node<'s>, anchor: usize) -> Option<()> {
        let span = node.span.clone();
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.attach(node, &span)
    }

    fn attach_null(&mut self, span: Range<usize>) -> Option<()> {
        let content = Content::Scalar { text: Cow::Borrowed(""), plain: true };
        self.attach(Rc::new(Node { span: span.clone(), content, weight: 16, height: 0 }), &span)
    }

    /// Put a finished node where it belongs. `at` is where it was written (the alias, if it is one).
    fn attach(&mut self, node: Rc<Node<'s>>, at: &Range<usize>) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        open.weight = open.weight.saturating_add(node.weight);
        open.height = open.height.max(node.height + 1);
        if open.height > MAX_DEPTH {
            self.problems.push(too_deep(at.clone()));
            return None;
        }
        if open.weight > MAX_WEIGHT {
            self.problems.push(
                Diagnostic::error(
                    "yaml::too-heavy",
                    at.clone(),
                    "the file holds more values than a workflow may; an alias counts as often as it is used",
                )
                .help("use fewer aliases of large values; a matrix repeats steps without repeating text"),
            );
            return None;
        }
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(entries) => {
                if let Some((key, key_span)) = open.key.take() {
                    if !std::mem::take(&mut open.refused) {
                        entries.push(Entry { key, key_span, value: node });
                    }
                } else {
                    let (key, refused) = key(&node, at, entries, &mut open.seen, self.problems);
                    open.refused = refused;
                    open.key = Some((key, at.clone()));
                }
            }
            Content::Scalar { .. } => {}
        }
        Some(())
    }

    fn is_plain(&mut self, style: ScalarStyle, tag: Option<&Tag>, span: &Range<usize>) -> bool {
        self.check_tag(tag, span);
        let text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
        style == ScalarStyle::Plain && !text
    }

    fn check_tag(&mut self, tag: Option<&Tag>, span: &Range<usize>) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            let span = self.tag.clone().unwrap_or_else(|| span.clone());
            self.problems.push(
                Diagnostic::error(
                    "yaml::tag",
                    span,
                    format!("the tag `{}` means nothing here", tag.original()),
                )
                .help("text that starts with `!` must be quoted"),
            );
        }
    }
}

fn too_deep(span: Range<usize>) -> Diagnostic {
    let message = format!("lists and mappings are nested more than {MAX_DEPTH} deep");
    Diagnostic::error("yaml::too-deep", span, message).help("a workflow needs about ten levels")
}

/// A syntax error as a problem, with advice for what people do most.
fn syntax_problem(error: &ScanError, text: &str, base: usize) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let rest = &text[at..];
    // Underline to the end of the word, at least one character.
    let word = rest.find(|character: char| character.is_whitespace()).unwrap_or(rest.len());
    let end = at
        + word.clamp(
            rest.chars().next().map_or(0, char::len_utf8),
            40.max(rest.chars().next().map_or(0, char::len_utf8)),
        );
    let end = (at..=end.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at);
    let span = at + base..end + base;
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(span),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => {
            Diagnostic::error("yaml::tab", span, "a tab is used for indentation")
                .help("YAML is indented with spaces; replace each tab with two")
        }
        kind => {
            let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..at];
            let help = match kind {
                _ if line.contains(['[', '{']) && !line.trim_start().starts_with('"') => {
                    "inside `[ ]` and `{ }`, text that holds brackets, braces or commas must be quoted"
                }
                ErrorKind::UnclosedFlowCollection { .. }
                | ErrorKind::ExpectedFlowSequenceSeparator
                | ErrorKind::ExpectedFlowMappingSeparator
                | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
                    "inside `[ ]` and `{ }`, text that holds brackets, braces or commas must be quoted"
                }
                ErrorKind::UnclosedQuotedScalar => "a quote is opened and never closed",
                _ => {
                    "check the indentation of this line and the lines before it; quote text that holds `: `, `#` or starts with a special character"
                }
            };
            Diagnostic::error("yaml::syntax", span, format!("this is not YAML: {}", error.info())).help(help)
        }
    }
}

/// The end event of a block collection stands at the next token; the last child's end is what people see as its end.
fn end_of(open: &Open<'_>, end: Range<usize>) -> usize {
    let last = match &open.content {
        Content::List(items) => items.last().map(|item| item.span.end),
        Content::Map(entries) => entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end)),
        Content::Scalar { .. } => None,
    };
    // A flow collection's end event covers its bracket.
    if end.is_empty() { last.filter(|last| *last >= open.start).unwrap_or(end.start) } else { end.end }
}

/// Mappings of more keys than this are searched by hash.
const SMALL: usize = 16;

/// The text of a key, and whether the key and its value must be left out.
fn key<'s>(
    node: &Node<'s>,
    at: &Range<usize>,
    entries: &[Entry<'s>],
    seen: &mut HashMap<Cow<'s, str>, usize>,
    problems: &mut Problems,
) -> (Cow<'s, str>, bool) {
    let Content::Scalar { text, plain } = &node.content else {
        problems.push(
            Diagnostic::error("yaml::key", at.clone(), "a key must be a text, not a list or a mapping")
                .help("if this was meant as text, quote it"),
        );
        return (Cow::Borrowed(""), true);
    };
    if *plain && text == "<<" {
        problems.push(
            Diagnostic::error("yaml::merge-key", at.clone(), "merge keys (`<<`) are not part of YAML 1.2")
                .help("use an alias for a whole value, or `defaults:`"),
        );
        return (text.clone(), true);
    }
    let first = if entries.len() <= SMALL {
        entries.iter().find(|entry| entry.key == *text)
    } else {
        for (index, entry) in entries.iter().enumerate().skip(seen.len()) {
            seen.insert(entry.key.clone(), index);
        }
        seen.get(text).map(|index| &entries[*index])
    };
    let Some(first) = first else { return (text.clone(), false) };
    problems.push(
        Diagnostic::error("yaml::duplicate-key", at.clone(), format!("the key `{text}` is written twice"))
            .help("remove one of the two")
            .related(first.key_span.clone(), "first written here"),
    );
    (text.clone(), true)
}
