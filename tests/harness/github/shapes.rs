//! GitHub's objects as JSON, with every field that its `OpenAPI` description requires.

use serde_json::{Map, Value, json};

use super::{
    identity::Identity,
    state::{CheckRun, Comment, CommitStatus, Deployment, DeploymentStatus, PullRequest, State},
};

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A stable number for a name: the id of a repository.
pub fn number_of(name: &str) -> u64 {
    name.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003)
}

/// An account.
pub(super) fn user(login: &str, id: u64, public_url: &str) -> Value {
    let account = format!("{public_url}/users/{}", login.replace(['[', ']'], ""));
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    let mut fields = Map::from_iter([
        ("login".to_owned(), json!(login)),
        ("id".to_owned(), json!(id)),
        ("node_id".to_owned(), json!(format!("U_{id}"))),
        ("avatar_url".to_owned(), json!(format!("{account}/avatar"))),
        ("gravatar_id".to_owned(), json!("")),
        ("url".to_owned(), json!(account)),
        ("html_url".to_owned(), json!(account)),
        ("type".to_owned(), json!(kind)),
        ("site_admin".to_owned(), json!(false)),
    ]);
    for link in [
        "events",
        "followers",
        "following",
        "gists",
        "organizations",
        "received_events",
        "repos",
        "starred",
        "subscriptions",
    ] {
        fields.insert(format!("{link}_url"), json!(format!("{account}/{link}")));
    }
    Value::Object(fields)
}

/// An account by its name alone.
pub(super) fn person(login: &str, public_url: &str) -> Value {
    user(login, number_of(login), public_url)
}

/// The account behind a token.
pub(super) fn account(identity: &Identity, public_url: &str) -> Value {
    user(&identity.login, identity.id, public_url)
}

/// The same with what only `GET /user` shows.
pub(super) fn own_account(identity: &Identity, public_url: &str) -> Value {
    let mut value = account(identity, public_url);
    for count in [
        "followers",
        "following",
        "public_gists",
        "public_repos",
        "collaborators",
        "disk_usage",
        "owned_private_repos",
        "private_gists",
        "total_private_repos",
    ] {
        value[count] = json!(0);
    }
    for text in ["bio", "blog", "company", "email", "hireable", "location", "name"] {
        value[text] = Value::Null;
    }
    value["created_at"] = json!(LONG_AGO);
    value["updated_at"] = json!(LONG_AGO);
    value["two_factor_authentication"] = json!(true);
    value
}

/// An App.
pub(super) fn app(slug: &str, id: u64, public_url: &str) -> Value {
    let page = format!("{public_url}/apps/{slug}");
    json!({
        "id": id, "slug": slug, "node_id": format!("A_{id}"), "owner": person("github", public_url), "name": slug,
        "description": "", "external_url": page, "html_url": page, "created_at": LONG_AGO, "updated_at": LONG_AGO,
        "permissions": { "checks": "write", "metadata": "read" }, "events": [],
    })
}

/// The repository (or, by another name, a fork of it).
pub(super) fn repository(full_name: &str, public_url: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or((full_name, ""));
    let page = format!("{public_url}/repos/{full_name}");
    let mut value = json!({
        "id": number_of(full_name), "node_id": format!("R_{}", number_of(full_name)), "name": name, "full_name": full_name,
        "owner": person(owner, public_url), "private": false, "fork": false, "html_url": page, "url": page,
        "description": null, "homepage": null, "language": null, "mirror_url": null, "license": null,
        "default_branch": "main", "git_url": page, "ssh_url": page, "clone_url": page, "svn_url": page,
        "archived": false, "disabled": false, "has_downloads": false, "has_issues": true, "has_projects": false,
        "has_wiki": false, "has_pages": false, "has_discussions": false, "pushed_at": LONG_AGO, "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
    });
    for count in [
        "forks",
        "forks_count",
        "open_issues",
        "open_issues_count",
        "size",
        "stargazers_count",
        "watchers",
        "watchers_count",
    ] {
        value[count] = json!(0);
    }
    for link in [
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
        "issue_comment",
        "issue_events",
        "issues",
        "keys",
        "labels",
        "languages",
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees",
    ] {
        value[format!("{link}_url")] = json!(format!("{page}/{link}"));
    }
    value
}

/// A comment.
pub(super) fn comment(state: &State, comment: &Comment) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    let app = match &comment.author.app {
        Some((slug, id)) => app(slug, *id, &state.public_url),
        None => Value::Null,
    };
    json!({
        "id": comment.id, "node_id": format!("IC_{}", comment.id), "body": comment.body,
        "url": format!("{base}/issues/comments/{}", comment.id),
        "html_url": format!("{base}/pull/{}#issuecomment-{}", comment.issue, comment.id),
        "issue_url": format!("{base}/issues/{}", comment.issue),
        "user": account(&comment.author, &state.public_url), "author_association": "CONTRIBUTOR",
        "created_at": comment.created_at, "updated_at": comment.updated_at, "performed_via_github_app": app,
    })
}

/// A check run.
pub(super) fn check_run(state: &State, run: &CheckRun) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    json!({
        "id": run.id, "node_id": format!("CR_{}", run.id), "head_sha": run.head_sha, "name": run.name,
        "url": format!("{base}/check-runs/{}", run.id), "html_url": format!("{base}/runs/{}", run.id),
        "details_url": run.details_url, "external_id": run.external_id.clone().unwrap_or_default(),
        "status": run.status, "conclusion": run.conclusion, "started_at": LONG_AGO,
        "completed_at": run.conclusion.as_ref().map(|_| LONG_AGO), "check_suite": { "id": 1 },
        "output": {
            "title": run.title, "summary": run.summary, "text": run.text, "annotations_count": run.annotations.len(),
            "annotations_url": format!("{base}/check-runs/{}/annotations", run.id),
        },
        "app": app(&run.app.0, run.app.1, &state.public_url), "pull_requests": [],
    })
}

/// A commit status.
pub(super) fn status(state: &State, status: &CommitStatus) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    json!({
        "id": status.id, "node_id": format!("SC_{}", status.id), "url": format!("{base}/statuses/{}", status.sha),
        "avatar_url": null, "state": status.state, "description": status.description, "target_url": status.target_url,
        "context": status.context, "created_at": LONG_AGO, "updated_at": LONG_AGO,
        "creator": account(&status.creator, &state.public_url),
    })
}

/// A deployment.
pub(super) fn deployment(state: &State, deployment: &Deployment) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    let url = format!("{base}/deployments/{}", deployment.id);
    json!({
        "id": deployment.id, "node_id": format!("DE_{}", deployment.id), "url": url, "sha": deployment.sha,
        "ref": deployment.reference, "task": "deploy", "environment": deployment.environment,
        "description": deployment.description, "payload": deployment.payload,
        "creator": account(&deployment.creator, &state.public_url), "statuses_url": format!("{url}/statuses"),
        "repository_url": base, "created_at": LONG_AGO, "updated_at": LONG_AGO,
    })
}

/// A status of a deployment.
pub(super) fn deployment_status(state: &State, deployment: &Deployment, status: &DeploymentStatus) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    let url = format!("{base}/deployments/{}", deployment.id);
    json!({
        "id": status.id, "node_id": format!("DS_{}", status.id), "url": format!("{url}/statuses/{}", status.id),
        "state": status.state, "description": status.description, "environment": deployment.environment,
        "target_url": url, "log_url": url, "environment_url": url, "deployment_url": url, "repository_url": base,
        "creator": account(&deployment.creator, &state.public_url), "created_at": LONG_AGO, "updated_at": LONG_AGO,
    })
}

/// A pull request; `whole` adds what only the single one shows.
pub(super) fn pull_request(state: &State, pull: &PullRequest, whole: bool) -> Value {
    let base = format!("{}/repos/{}", state.public_url, state.repository);
    let url = format!("{base}/pulls/{}", pull.number);
    let issue = format!("{base}/issues/{}", pull.number);
    let side = |repository_name: &str, reference: &str, sha: &str| {
        let owner = repository_name.split('/').next().unwrap_or_default();
        json!({
            "label": format!("{owner}:{reference}"), "ref": reference, "sha": sha,
            "user": person(owner, &state.public_url), "repo": repository(repository_name, &state.public_url),
        })
    };
    let link = |href: &str| json!({ "href": href });
    let mut value = json!({
        "id": pull.number, "node_id": format!("PR_{}", pull.number), "number": pull.number, "state": pull.state,
        "title": "A change", "body": null, "locked": false, "draft": false, "url": url, "html_url": url,
        "diff_url": url, "patch_url": url, "issue_url": issue, "commits_url": url, "review_comments_url": url,
        "review_comment_url": url, "comments_url": issue, "statuses_url": url,
        "user": person(&pull.author, &state.public_url), "author_association": "CONTRIBUTOR", "labels": [],
        "milestone": null, "assignee": null, "auto_merge": null, "merge_commit_sha": null, "created_at": LONG_AGO,
        "updated_at": LONG_AGO, "closed_at": null, "merged_at": null,
        "head": side(&pull.head_repository, &pull.head_ref, &pull.head_sha),
        "base": side(&state.repository, &pull.base_ref, &pull.base_sha),
        "_links": {
            "comments": link(&issue), "commits": link(&url), "statuses": link(&url), "html": link(&url), "issue": link(&issue),
            "review_comments": link(&url), "review_comment": link(&url), "self": link(&url),
        },
    });
    if whole {
        for count in ["additions", "comments", "commits", "deletions", "review_comments"] {
            value[count] = json!(1);
        }
        value["changed_files"] = json!(pull.files.len());
        value["mergeable"] = json!(true);
        value["mergeable_state"] = json!("clean");
        value["merged"] = json!(false);
        value["merged_by"] = Value::Null;
        value["maintainer_can_modify"] = json!(false);
    }
    value
}

/// A changed file.
pub(super) fn changed_file(state: &State, name: &str) -> Value {
    let url = format!("{}/repos/{}/contents/file", state.public_url, state.repository);
    json!({
        "sha": "0".repeat(40), "filename": name, "status": "modified", "additions": 1, "deletions": 1, "changes": 2,
        "blob_url": url, "raw_url": url, "contents_url": url,
    })
}

/// A commit.
pub(super) fn commit(state: &State, sha: &str) -> Value {
    let url = format!("{}/repos/{}/commits/{sha}", state.public_url, state.repository);
    let someone = json!({ "name": "A person", "email": "person@example.com", "date": LONG_AGO });
    json!({
        "sha": sha, "node_id": format!("C_{sha}"), "url": url, "html_url": url, "comments_url": url, "author": null,
        "committer": null, "parents": [],
        "commit": {
            "author": someone, "committer": someone, "message": "A change", "comment_count": 0, "url": url,
            "tree": { "sha": sha, "url": url },
        },
    })
}
