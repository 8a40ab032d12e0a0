//! `report:` — what a run that answers an event tells GitHub.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    read::{Read, Reader, document, words},
    yaml::{Content, Node},
};

document! {
    /// Where results are reported when the run answers an event.
    ReportDocument, "the report":
    /// A comment on the pull request: `true`, `false` or settings.
    comment = "comment": CommentSetting;
    /// A check run on the commit.
    check = "check": bool;
    /// The summary of the job.
    summary = "summary": bool;
}

document! {
    /// A comment on the pull request.
    CommentDocument, "a comment":
    /// One comment that is edited, or a new one for each run.
    mode = "mode": CommentMode;
    /// When it is written.
    on = "on": CommentOn;
}

/// `report.comment`.
#[derive(Debug)]
pub(crate) enum CommentSetting {
    Enabled(bool),
    Document(CommentDocument),
}

impl Read for CommentSetting {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match node.content {
            Content::Map(_) => CommentDocument::read(node, reader).map(Self::Document),
            _ => bool::read(node, reader).map(Self::Enabled),
        }
    }
}

impl JsonSchema for CommentSetting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CommentSetting".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, generator.subschema_for::<CommentDocument>()] })
    }
}

/// `report.comment.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommentMode {
    Sticky,
    New,
}
words!(schema CommentMode, "CommentMode", "a mode of comment": "sticky" => CommentMode::Sticky, "new" => CommentMode::New);

/// `report.comment.on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommentOn {
    Always,
    Change,
    Failure,
}
words!(
    schema CommentOn, "CommentOn",
    "an occasion to comment": "always" => CommentOn::Always, "change" => CommentOn::Change, "failure" => CommentOn::Failure
);
