//! Who may approve: those whom the base branch names, or else everybody who may push.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::client::{ApiError, Client};

#[derive(Deserialize)]
struct Permission {
    permission: String,
    #[serde(default)]
    role_name: Option<String>,
}

#[derive(Deserialize)]
struct Membership {
    state: String,
}

/// Why this account may not approve; none where it may.
pub(super) async fn objection(
    client: &Client,
    login: &str,
    approvers: &[String],
) -> Result<Option<String>, ApiError> {
    let encoded = utf8_percent_encode(login, NON_ALPHANUMERIC);
    if approvers.is_empty() {
        let path = client.repo(&format!("collaborators/{encoded}/permission"));
        let found: Option<Permission> = client.find(&path).await?;
        let may = found.as_ref().is_some_and(|found| {
            let role = found.role_name.as_deref().unwrap_or_default();
            matches!(found.permission.as_str(), "admin" | "maintain" | "write")
                || matches!(role, "admin" | "maintain" | "write")
        });
        return Ok((!may).then(|| format!("{login} may not push to this repository")));
    }
    for approver in approvers {
        match approver.split_once('/') {
            None if approver.eq_ignore_ascii_case(login) => return Ok(None),
            None => {}
            Some((organisation, team)) => {
                let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let path = format!("/orgs/{}/teams/{}/memberships/{encoded}", part(organisation), part(team));
                match client.find::<Membership>(&path).await {
                    Ok(Some(membership)) if membership.state == "active" => return Ok(None),
                    Ok(_) => {}
                    Err(ApiError::Forbidden { .. }) => {
                        client.notice(format!(
                            "the token may not read the team {approver}: it needs `members: read`, which only the token of an App has"
                        ));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(Some(format!("{login} is not among the approvers: {}", approvers.join(", "))))
}
