//! Values that are one of a few words.

/// Makes an enum readable from one of its words, with "did you mean", and gives it its JSON Schema.
macro_rules! words {
    ($type:ty, $what:literal: $( $word:literal => $value:expr ),+ $(,)?) => {
        impl $crate::read::Read for $type {
            fn read(node: &$crate::yaml::Node<'_>, reader: &mut $crate::read::Reader<'_>) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),+];
                let $crate::yaml::Content::Scalar { text, .. } = &node.content else {
                    let problem = $crate::read::mismatch(node, concat!($what, " (one word)"));
                    reader.problems.push(problem);
                    return None;
                };
                match text.as_ref() {
                    $( $word => Some($value), )+
                    other => {
                        reader.problems.push(
                            $crate::diagnostic::Diagnostic::error(
                                "workflow::unknown-word",
                                node.span.clone(),
                                format!(concat!("`{}` is not ", $what), other),
                            )
                            .maybe_help($crate::suggest::help(other, WORDS.iter().copied())),
                        );
                        None
                    }
                }
            }
        }
    };
    (schema $type:ty, $name:literal, $what:literal: $( $word:literal => $value:expr ),+ $(,)?) => {
        $crate::read::words!($type, $what: $( $word => $value ),+);

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}
pub(crate) use words;
