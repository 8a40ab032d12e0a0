//! The approval of a person: a statement about evidence, signed like it, that lets through what its gates hold.

use jiff::Timestamp;
use runner_gate::verdict::Verdict;
use runner_store::Digest;
use serde::{Deserialize, Serialize};

use super::{
    Doubt, FILE, Statement, Subject,
    statement::{STATEMENT_TYPE, open},
};

/// Name of the file in the folder of a run.
pub const APPROVAL_FILE: &str = "approval.json";
/// Type of the predicate of an approval.
const APPROVAL_TYPE: &str = "urn:runner:approval:v1";

/// Who let a held run through, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The run.
    pub run: String,
    /// The person, such as `ana@laptop`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Their reason.
    pub why: String,
    /// What the gates had said.
    pub verdict: Verdict,
}

impl Approval {
    /// The statement that is signed: this approval is of the evidence with this digest and of nothing else.
    #[must_use]
    pub fn statement(self, evidence: &Digest) -> Statement<Self> {
        Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject::new(FILE, evidence)],
            predicate_type: APPROVAL_TYPE.to_owned(),
            predicate: self,
        }
    }

    /// Reads the statement of an approval, and refuses one that is of other evidence. The signature is checked before.
    pub fn parse(statement: &[u8], evidence: &Digest) -> Result<Self, Doubt> {
        let wrong = |reason: String| Doubt::Approval { reason };
        let value = open(statement, APPROVAL_TYPE).map_err(wrong)?;
        let statement: Statement<Self> =
            serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        if statement.subject.iter().any(|subject| subject.is(evidence)) {
            return Ok(statement.predicate);
        }
        let of: Vec<String> = statement.subject.iter().map(Subject::digest_text).collect();
        Err(wrong(format!("it is of {}, not of the evidence {evidence}", of.join(" and "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval() -> Approval {
        Approval {
            run: "r1".to_owned(),
            by: "ana@laptop".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            why: "seen".to_owned(),
            verdict: Verdict::Hold,
        }
    }

    #[test]
    fn it_is_of_one_evidence() {
        let (evidence, other) = (Digest::of_bytes(b"evidence"), Digest::of_bytes(b"other"));
        let statement = serde_json::to_vec(&approval().statement(&evidence)).unwrap();
        assert_eq!(Approval::parse(&statement, &evidence).unwrap(), approval());
        let doubt = Approval::parse(&statement, &other).unwrap_err().to_string();
        assert!(doubt.contains(&format!("it is of {evidence}, not of the evidence {other}")), "{doubt}");
    }

    #[test]
    fn another_statement_is_no_approval() {
        let evidence = Digest::of_bytes(b"evidence");
        let statement = serde_json::to_string(&approval().statement(&evidence)).unwrap();
        let statement = statement.replace(APPROVAL_TYPE, super::super::PREDICATE_TYPE);
        let doubt = Approval::parse(statement.as_bytes(), &evidence).unwrap_err().to_string();
        assert!(doubt.contains("its `predicateType` is `urn:runner:evidence:v1`"), "{doubt}");
    }
}
