//! What the process was given besides its arguments: variables, terminal, folders. Read once, in one place.

use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf};

use crate::output;

/// Columns of a report where no terminal says otherwise.
pub(crate) const DEFAULT_WIDTH: usize = 80;

/// Keeps what this process was started with, and its memory, from other processes of its user: steps on the host are some,
/// and a job's token is there. On Linux the kernel then gives `/proc/PID` to root, refuses debuggers, and writes no core
/// dumps; processes that are started from here are as ever (`prctl(2)`, `PR_SET_DUMPABLE`). Elsewhere nothing is done.
pub(crate) fn keep_private() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// The surroundings of the process.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// How text looks on standard output.
    pub(crate) stdout: Look,
    /// How text looks on standard error.
    pub(crate) stderr: Look,
    /// Where compiled plugins are kept: `$RUNNER_CACHE_DIR`, else `$XDG_CACHE_HOME/runner`, else `~/.cache/runner`.
    /// `None` where no variable names a place.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where keys are kept: `$RUNNER_CONFIG_DIR`, else `$XDG_CONFIG_HOME/runner`, else `~/.config/runner`. `None` where no
    /// variable names a place.
    pub(crate) config_dir: Option<PathBuf>,
    /// `$RUNNER_REGISTRY`: the place of a shared registry.
    pub(crate) registry: Option<String>,
    /// Who acts, for histories: a person on a machine, or an actor of a CI system with its run.
    pub(crate) actor: String,
    /// Current folder.
    pub(crate) current_dir: PathBuf,
}

/// What a stream can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether escape codes for colour may be written.
    pub(crate) color: bool,
    /// Whether characters beyond ASCII may be used for decoration.
    pub(crate) unicode: bool,
    /// Whether a person watches: the stream is a terminal that can move its cursor.
    pub(crate) terminal: bool,
    /// Columns; reports are laid out to fit.
    pub(crate) width: usize,
}

impl Environment {
    /// Read the surroundings of this process.
    pub(crate) fn read(no_color: bool) -> std::io::Result<Self> {
        let variable = |name: &str| env::var_os(name);
        let width = terminal_width(&variable);
        let unicode = is_unicode(&variable);
        let (stdout_is_terminal, stderr_is_terminal) = output::are_terminals();
        let look = |is_terminal: bool| Look {
            color: wants_color(no_color, is_terminal, &variable),
            unicode,
            terminal: is_terminal && !is_dumb(&variable),
            width,
        };
        Ok(Self {
            stdout: look(stdout_is_terminal),
            stderr: look(stderr_is_terminal),
            cache_dir: base_dir(&variable, "RUNNER_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
            config_dir: base_dir(&variable, "RUNNER_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
            registry: non_empty(&variable, "RUNNER_REGISTRY")
                .map(|place| place.to_string_lossy().into_owned()),
            actor: actor(&variable),
            current_dir: env::current_dir()?,
        })
    }
}

/// The variables that executors may pass on, as far as a workflow asks for them. One that is not UTF-8 cannot be passed on.
pub(crate) fn variables() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn non_empty(variables: Variables<'_>, name: &str) -> Option<OsString> {
    variables(name).filter(|value| !value.is_empty())
}

/// `--no-color`, then `NO_COLOR` (<https://no-color.org>), then `CLICOLOR_FORCE` (<https://bixense.com/clicolors>), then the terminal decide.
fn wants_color(no_color: bool, is_terminal: bool, variables: Variables<'_>) -> bool {
    if no_color || non_empty(variables, "NO_COLOR").is_some() {
        return false;
    }
    if non_empty(variables, "CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && !is_dumb(variables)
}

fn is_dumb(variables: Variables<'_>) -> bool {
    variables("TERM").is_some_and(|term| term == "dumb")
}

/// The locale's encoding, by the order POSIX gives to its variables. Unset means the POSIX locale, which is ASCII.
fn is_unicode(variables: Variables<'_>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| non_empty(variables, name)).is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn terminal_width(variables: Variables<'_>) -> usize {
    let columns = non_empty(variables, "COLUMNS").and_then(|value| value.to_str()?.parse().ok());
    columns
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|width| *width >= 20)
        .unwrap_or(DEFAULT_WIDTH)
}

/// `$OWN`, else `$XDG/runner`, else `~/DEFAULT/runner` (<https://specifications.freedesktop.org/basedir-spec>).
fn base_dir(variables: Variables<'_>, own: &str, xdg: &str, default: &str) -> Option<PathBuf> {
    if let Some(dir) = non_empty(variables, own) {
        return Some(PathBuf::from(dir));
    }
    // The base directory specification says that relative paths are to be ignored.
    let absolute =
        |name: &str| non_empty(variables, name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(xdg).or_else(|| absolute("HOME").map(|home| home.join(default))).map(|base| base.join("runner"))
}

/// `octocat (GitHub Actions run 17)` where a CI system says so, else `ana@laptop`.
fn actor(variables: Variables<'_>) -> String {
    let text = |name: &str| non_empty(variables, name).map(|value| value.to_string_lossy().into_owned());
    if let Some(actor) = text("GITHUB_ACTOR").filter(|_| text("GITHUB_ACTIONS").is_some()) {
        let run = text("GITHUB_RUN_ID").map(|run| format!(" run {run}")).unwrap_or_default();
        return format!("{actor} (GitHub Actions{run})");
    }
    let user = text("USER").or_else(|| text("LOGNAME"));
    let user = user.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()));
    // Where the kernel says it on Linux; other systems tell it by a variable or not at all.
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| text("HOSTNAME"));
    match machine.as_deref().map(str::trim).filter(|machine| !machine.is_empty()) {
        Some(machine) => format!("{user}@{machine}"),
        None => user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn color_follows_option_then_variables_then_terminal() {
        assert!(wants_color(false, true, &with(&[])));
        assert!(!wants_color(false, false, &with(&[])));
        assert!(!wants_color(true, true, &with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!wants_color(false, true, &with(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")])));
        assert!(wants_color(false, true, &with(&[("NO_COLOR", "")])));
        assert!(wants_color(false, false, &with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!wants_color(false, false, &with(&[("CLICOLOR_FORCE", "0")])));
        assert!(!wants_color(false, true, &with(&[("TERM", "dumb")])));
    }

    #[test]
    fn unicode_needs_a_utf8_locale() {
        assert!(is_unicode(&with(&[("LANG", "en_US.UTF-8")])));
        assert!(is_unicode(&with(&[("LC_ALL", "C.utf8"), ("LANG", "C")])));
        assert!(!is_unicode(&with(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")])));
        assert!(!is_unicode(&with(&[])));
    }

    #[test]
    fn actors() {
        let ci = actor(&with(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_RUN_ID", "17"),
            ("USER", "runner"),
        ]));
        assert_eq!(ci, "octocat (GitHub Actions run 17)");
        assert!(actor(&with(&[("USER", "ana"), ("GITHUB_ACTOR", "octocat")])).starts_with("ana@"));
        assert!(actor(&with(&[])).starts_with("user "));
        assert!(!actor(&with(&[])).contains('\n'));
    }

    #[test]
    fn cache_is_where_the_variables_say() {
        let cache_dir =
            |variables: Variables<'_>| base_dir(variables, "RUNNER_CACHE_DIR", "XDG_CACHE_HOME", ".cache");
        let home: &[(&str, &str)] = &[("HOME", "/h")];
        assert_eq!(cache_dir(&with(home)), Some("/h/.cache/runner".into()));
        assert_eq!(cache_dir(&with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")])), Some("/x/runner".into()));
        assert_eq!(
            cache_dir(&with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "rel")])),
            Some("/h/.cache/runner".into())
        );
        assert_eq!(cache_dir(&with(&[("RUNNER_CACHE_DIR", "c"), ("HOME", "/h")])), Some("c".into()));
        assert_eq!(cache_dir(&with(&[])), None);
    }
}
