//! The one-line form of a gate.
//!
//! ```text
//! gate   = [ id ":" ] rule { "and" rule } [ "else" level ]        level = fail | hold | warn | info      (default fail)
//! rule   = term cmp bound | term "within" "[" bound "," bound "]"
//! term   = [ agg "(" ] metric [ "[" slice { "," slice } "]" ] [ ")" ]
//! agg    = min | max | mean | median | spread | count             over the slices named inside
//! slice  = column [ "=" ( value | "*" ) ]                         a,b crossed · a=* every value, each judged
//! cmp    = ">=" | "<=" | ">" | "<" | "=="
//! bound  = number [ unit ] | ref [ ("+" | "-") margin ]           ref = baseline | anchor | previous | another metric
//! margin = number [ unit ] | number "%" | number "pp"             % of abs(ref); pp only for metrics whose unit is a fraction
//! unit   = ms s m h | B KB MB GB KiB MiB GiB | % | pp
//! ```
//!
//! White space is free. How names and values are written is said in `words`; what units mean in [`crate::unit`].

mod ast;
mod bound;
mod cursor;
mod parse;
mod print;
mod term;
#[cfg(test)]
mod tests;
mod words;

pub use ast::{
    Aggregate, Better, Bound, Comparator, Gate, Method, OnInconclusive, OnMissing, Quantity, Reference,
    Relation, Rule, Selector, Settings, Sign, Slice, SliceFamilies, Term, Test,
};
pub use parse::{SyntaxError, parse, parse_within_reach};
pub(crate) use parse::{parse_quantity, parse_term};
pub(crate) use words::{is_id, nearest};
