//! GitHub's filter patterns ("Filter pattern cheat sheet" of its documentation).
//!
//! `*` matches anything but `/`, `**` anything, `**/` any folders or none; `?` makes the character before it optional,
//! `+` repeats it; `[a-z]` is one character; `\` takes the next character as it is. A pattern matches the whole text.

#[derive(Debug)]
enum Unit {
    Char(char),
    Class(Vec<(char, char)>),
}

impl Unit {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Char(own) => *own == character,
            Self::Class(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)),
        }
    }
}

#[derive(Debug)]
enum Token {
    One(Unit),
    Optional(Unit),
    Repeated(Unit),
    /// `*`
    InFolder,
    /// `**`
    Anything,
    /// `**/`
    Folders,
}

/// Whether a pattern (without a leading `!`) matches the whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let tokens = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    // `reached[i]`: the tokens so far can match exactly the first `i` characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in &tokens {
        let mut next = vec![false; text.len() + 1];
        for start in (0..=text.len()).filter(|start| reached[*start]) {
            match token {
                Token::One(unit) => {
                    if text.get(start).is_some_and(|character| unit.matches(*character)) {
                        next[start + 1] = true;
                    }
                }
                Token::Optional(unit) => {
                    next[start] = true;
                    if text.get(start).is_some_and(|character| unit.matches(*character)) {
                        next[start + 1] = true;
                    }
                }
                Token::Repeated(unit) => {
                    let run = text[start..].iter().take_while(|character| unit.matches(**character)).count();
                    next[start..=start + run].iter_mut().skip(1).for_each(|reached| *reached = true);
                }
                Token::InFolder => {
                    let run = text[start..].iter().take_while(|character| **character != '/').count();
                    next[start..=start + run].fill(true);
                }
                Token::Anything => next[start..].fill(true),
                Token::Folders => {
                    next[start] = true;
                    for end in start..text.len() {
                        next[end + 1] |= text[end] == '/';
                    }
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let characters: Vec<char> = pattern.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let unit = match characters[at] {
            '*' => {
                let stars = characters[at..].iter().take_while(|character| **character == '*').count();
                let starts_folder = at == 0 || characters[at - 1] == '/';
                at += stars;
                tokens.push(match stars {
                    1 => Token::InFolder,
                    _ if starts_folder && characters.get(at) == Some(&'/') => {
                        at += 1;
                        Token::Folders
                    }
                    _ => Token::Anything,
                });
                continue;
            }
            '[' => {
                if let Some((class, length)) = class(&characters[at..]) {
                    at += length;
                    Unit::Class(class)
                } else {
                    at += 1;
                    Unit::Char('[')
                }
            }
            '\\' if at + 1 < characters.len() => {
                at += 2;
                Unit::Char(characters[at - 1])
            }
            character => {
                at += 1;
                Unit::Char(character)
            }
        };
        let token = match characters.get(at) {
            Some('?') => Token::Optional(unit),
            Some('+') => Token::Repeated(unit),
            _ => {
                tokens.push(Token::One(unit));
                continue;
            }
        };
        at += 1;
        tokens.push(token);
    }
    tokens
}

/// `[a-z_]` at the start of these characters, and how many it takes; none where it does not end.
fn class(characters: &[char]) -> Option<(Vec<(char, char)>, usize)> {
    let end = characters.iter().position(|character| *character == ']').filter(|end| *end > 1)?;
    let inside = &characters[1..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < inside.len() {
        if inside.get(at + 1) == Some(&'-') && at + 2 < inside.len() {
            ranges.push((inside[at], inside[at + 2]));
            at += 3;
        } else {
            ranges.push((inside[at], inside[at]));
            at += 1;
        }
    }
    Some((ranges, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of GitHub's documentation, and what they must not match.
    #[test]
    fn patterns_of_the_cheat_sheet() {
        for (pattern, yes, no) in [
            ("feature/*", vec!["feature/my-branch"], vec!["feature/beta-a/my-branch", "feature"]),
            ("feature/**", vec!["feature/beta-a/my-branch", "feature/x"], vec!["features/x"]),
            ("main", vec!["main"], vec!["main2", "xmain"]),
            ("*", vec!["main", "releases"], vec!["all/the/branches"]),
            ("**", vec!["all/the/branches", "every/tag", ""], vec![]),
            ("*feature", vec!["mona-feature", "feature"], vec!["feature/x"]),
            ("v2*", vec!["v2", "v2.0"], vec!["v1"]),
            ("v[12].[0-9]+.[0-9]+", vec!["v1.10.1", "v2.0.0"], vec!["v3.0.0", "v1.10"]),
            ("*.jsx?", vec!["page.js", "page.jsx"], vec!["page.ts"]),
            ("**.js", vec!["index.js", "js/index.js", "src/js/app.js"], vec!["a.jsx"]),
            ("docs/*", vec!["docs/README.md"], vec!["docs/mona/octocat.txt"]),
            ("docs/**/*.md", vec!["docs/README.md", "docs/a/markdown/file.md"], vec!["docs/a.txt"]),
            ("**/docs/**", vec!["docs/hello.md", "dir/docs/my-file.txt"], vec!["mydocs/x"]),
            ("**/README.md", vec!["README.md", "js/README.md"], vec!["README.md/x"]),
            ("**/*src/**", vec!["a/src/app.js", "my-src/code/js/app.js"], vec!["source/x"]),
            ("**/migrate-*.sql", vec!["dir/migrate-10909.sql", "migrate-v1.0.sql"], vec!["migrate.sql"]),
            (r"a\*b", vec!["a*b"], vec!["axb"]),
            ("[", vec!["["], vec!["]"]),
        ] {
            for text in yes {
                assert!(matches(pattern, text), "{pattern} {text}");
            }
            for text in no {
                assert!(!matches(pattern, text), "{pattern} {text}");
            }
        }
    }

    /// Where a backtracking matcher would take ages.
    #[test]
    fn hostile_patterns_take_no_time() {
        let pattern = "**a".repeat(60);
        assert!(!matches(&pattern, &"a".repeat(4000).replace("aaaa", "aaab")));
    }
}
