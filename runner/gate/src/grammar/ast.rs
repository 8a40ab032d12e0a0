//! A gate as data.

use crate::{exact::Exact, stats::correction::Correction, unit::Unit, verdict::Level};

/// A gate: one or more rules that must all be met, and what it means if one is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its name in reports and waivers.
    pub id: Option<String>,
    /// All must be met; never empty.
    pub rules: Vec<Rule>,
    /// What an unmet rule means.
    pub level: Level,
    /// What only the mapping form can say.
    pub settings: Settings,
}

impl Gate {
    /// The `id`, or the text of the gate where it has none.
    #[must_use]
    pub fn name(&self) -> String {
        self.id.clone().unwrap_or_else(|| self.to_string())
    }
}

/// What only the mapping form can say; the default is what a one-line gate means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Fewer rows than this are inconclusive. A value whose number of rows is unknown is inconclusive too.
    pub min_samples: Option<u64>,
    /// Judge these slices too, besides the whole.
    pub slices: Option<SliceFamilies>,
    /// What a missing metric means.
    pub on_missing: OnMissing,
    /// Direction of the metric, for rules that speak of better and worse.
    pub better: Option<Better>,
    /// The author's reason, shown beside the verdict.
    pub why: Option<String>,
    /// One-sided confidence; without it that of the workflow's defaults, and without both the point estimate is judged.
    pub confidence: Option<f64>,
    /// Where intervals and p-values come from.
    pub method: Method,
    /// How many resamples are drawn.
    pub resamples: Option<u64>,
    /// What they follow from.
    pub seed: Option<u64>,
    /// Column whose values are drawn instead of rows.
    pub cluster: Option<String>,
    /// Column, or `label`, within whose values is drawn.
    pub stratify: Option<String>,
    /// A rule with a margin that cannot be seen with this power is not passed.
    pub min_power: Option<f64>,
    /// How p-values are adjusted within the gate.
    pub correction: Correction,
    /// What an inconclusive rule means.
    pub on_inconclusive: OnInconclusive,
}

/// Where intervals and p-values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By what is known of the rule; see [`crate::judge()`].
    #[default]
    Auto,
    /// Resamples of the rows.
    Bootstrap,
    /// Resamples of the rows that both models were scored on.
    PairedBootstrap,
    /// Wilson's score interval of a share.
    Wilson,
    /// McNemar's exact test of two accuracies.
    McNemar,
    /// DeLong's variance of areas under ROC curves.
    DeLong,
    /// Student's t over seeds.
    SeedsT,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Bootstrap,
        Self::PairedBootstrap,
        Self::Wilson,
        Self::McNemar,
        Self::DeLong,
        Self::SeedsT,
    ];

    /// The word of the mapping form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bootstrap => "bootstrap",
            Self::PairedBootstrap => "paired-bootstrap",
            Self::Wilson => "wilson",
            Self::McNemar => "mcnemar",
            Self::DeLong => "delong",
            Self::SeedsT => "seeds-t",
        }
    }
}

/// What an inconclusive rule means for its gate. Where nothing is said it stays INCONCLUSIVE, which blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnInconclusive {
    /// Whatever the event.
    pub always: Option<Level>,
    /// For one event, such as `pull_request` or `promote`.
    pub by_event: Vec<(String, Level)>,
}

impl OnInconclusive {
    /// What it means at this event.
    #[must_use]
    pub fn at(&self, event: Option<&str>) -> Option<Level> {
        let named = self.by_event.iter().find(|(name, _)| Some(name.as_str()) == event);
        named.map(|(_, level)| *level).or(self.always)
    }
}

/// `slices:` of the mapping form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SliceFamilies {
    /// Each entry is a set of columns, crossed.
    pub by: Vec<Vec<String>>,
    /// Values of a column that are left out.
    pub except: Vec<(String, Vec<String>)>,
    /// Overrides the gate's `min-samples` for slices.
    pub min_samples: Option<u64>,
    /// How many slices a report lists, worst first. Every slice is judged and recorded all the same.
    pub worst: Option<u64>,
}

/// What a missing metric means. A NaN or an infinite one is not missing, and always an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMissing {
    /// The gate is an error.
    #[default]
    Fail,
    /// The gate warns.
    Warn,
}

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What is measured.
    pub term: Term,
    /// What it must be.
    pub test: Test,
}

/// What a term must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `>= 0.9`.
    Compare {
        /// How.
        comparator: Comparator,
        /// With what.
        bound: Bound,
    },
    /// `within [a, b]`, both ends included.
    Within {
        /// Lower end.
        lower: Bound,
        /// Upper end.
        upper: Bound,
    },
    /// A rule of the mapping form, whose comparator follows from the direction of the metric.
    Relative {
        /// Which rule.
        relation: Relation,
        /// To what.
        reference: Reference,
        /// How much; never negative.
        margin: Quantity,
    },
}

/// Rules that speak of better and worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `no-worse-than`: may lose at most the margin.
    NoWorseThan,
    /// `improve-by`: must gain at least the margin, and something where the margin is 0.
    ImproveBy,
    /// `at-most-better-than`: a larger gain is too good to be true.
    AtMostBetterThan,
}

impl Relation {
    /// The key of the mapping form.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::NoWorseThan => "no-worse-than",
            Self::ImproveBy => "improve-by",
            Self::AtMostBetterThan => "at-most-better-than",
        }
    }
}

/// What is measured: a metric, of slices or not, aggregated over them or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Over the slices; without it each slice is judged on its own.
    pub aggregate: Option<Aggregate>,
    /// Name of the metric.
    pub metric: String,
    /// Columns, crossed; empty for the whole.
    pub slices: Vec<Slice>,
}

/// One column of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// Which of its values.
    pub selector: Selector,
}

/// Which values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every value that occurs.
    Each,
    /// This one.
    Value(String),
}

/// One number from several slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The plain mean over slices, whatever their size.
    Mean,
    /// The middle one, or the mean of the middle two.
    Median,
    /// Largest minus smallest.
    Spread,
    /// How many slices there are.
    Count,
}

impl Aggregate {
    /// Every aggregate.
    pub const ALL: [Self; 6] = [Self::Min, Self::Max, Self::Mean, Self::Median, Self::Spread, Self::Count];

    /// The word of the grammar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Spread => "spread",
            Self::Count => "count",
        }
    }
}

/// How a value is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
    /// `==`
    Equal,
}

impl Comparator {
    /// Every comparator, longer signs first.
    pub const ALL: [Self; 5] = [Self::AtLeast, Self::AtMost, Self::Equal, Self::Above, Self::Below];

    /// The sign of the grammar.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
            Self::Equal => "==",
        }
    }

    /// Whether `value` stands in this relation to `bound`, exactly.
    #[must_use]
    pub fn holds(self, value: &Exact, bound: &Exact) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::Below => value < bound,
            Self::Equal => value == bound,
        }
    }
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A number, in a unit or in the metric's own.
    Constant(Quantity),
    /// A reference, with a margin or exactly.
    Relative {
        /// What.
        reference: Reference,
        /// How far from it; never negative.
        margin: Option<(Sign, Quantity)>,
    },
}

/// On which side of a reference the bound lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Above.
    Plus,
    /// Below.
    Minus,
}

/// What a bound refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The same metric and slice of the model to compare with.
    Baseline,
    /// The same metric and slice of the slower second reference.
    Anchor,
    /// The same metric and slice of the run before.
    Previous,
    /// Another metric of the candidate, on the same slice.
    Metric(String),
}

impl Reference {
    /// The word of the grammar, or the metric's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Baseline => "baseline",
            Self::Anchor => "anchor",
            Self::Previous => "previous",
            Self::Metric(name) => name,
        }
    }
}

/// A number with its unit, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The digits as written, which printing keeps: `0.90` stays `0.90`.
    pub text: String,
    /// Their value.
    pub value: Exact,
    /// The unit.
    pub unit: Option<Unit>,
}
