//! `run:` to shell text in which every `${{ }}` is a reference to a variable. No value is ever spliced into shell text.
//!
//! Whether `"${RUNNER_EXPR_1}"` or `${RUNNER_EXPR_1}` is right depends on where the expression stands, so the text is
//! followed as a POSIX shell reads it: quotes, escapes, comments, substitutions and here-documents. Where a variable would not
//! be expanded (single quotes, a here-document with a quoted delimiter) a problem is reported.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use crate::{
    diagnostic::Diagnostic,
    expr::{Expr, Part, Template},
};

/// Where the reader of a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Words and operators.
    Bare,
    /// `'…'`
    Single,
    /// `$'…'`
    DollarSingle,
    /// `"…"`
    Double,
    /// `$(…)`, `(…)`: words again, up to the bracket.
    Paren,
    /// `` `…` ``
    Backtick,
    /// `${…}`
    Brace,
    /// `$((…))`
    Arithmetic,
    /// `# …`
    Comment,
}

/// A here-document whose body starts at the next line.
#[derive(Debug)]
struct Here {
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
}

/// A character of the script, or an expression in it.
#[derive(Clone, Copy)]
enum Unit<'t> {
    Char(char),
    Expr(&'t Expr),
}

/// Text for the shell and its variables. Problems are handed to `report`.
pub(crate) fn script(
    template: &Template,
    report: &mut dyn FnMut(Diagnostic),
) -> (String, Vec<(String, Expr)>) {
    if let Some(text) = template.as_text() {
        return (text.to_owned(), Vec::new());
    }
    let units: Vec<Unit<'_>> = template
        .parts
        .iter()
        .flat_map(|part| -> Box<dyn Iterator<Item = Unit<'_>>> {
            match part {
                Part::Text(text) => Box::new(text.chars().map(Unit::Char)),
                Part::Expr(expr) => Box::new(std::iter::once(Unit::Expr(expr))),
            }
        })
        .collect();
    let mut writer = Writer {
        units: &units,
        at: 0,
        stack: vec![Place::Bare],
        here: VecDeque::new(),
        text: String::new(),
        variables: Vec::new(),
        numbers: HashMap::new(),
        report,
    };
    writer.run();
    (writer.text, writer.variables)
}

struct Writer<'t, 'r> {
    units: &'t [Unit<'t>],
    at: usize,
    stack: Vec<Place>,
    here: VecDeque<Here>,
    text: String,
    variables: Vec<(String, Expr)>,
    /// Numbers of variables by the text of their expressions.
    numbers: HashMap<String, usize>,
    report: &'r mut dyn FnMut(Diagnostic),
}

impl Writer<'_, '_> {
    fn run(&mut self) {
        while let Some(unit) = self.units.get(self.at).copied() {
            match unit {
                Unit::Expr(expr) => {
                    self.at += 1;
                    self.expression(expr);
                }
                Unit::Char(character) => self.character(character),
            }
        }
    }

    fn place(&self) -> Place {
        self.stack.last().copied().unwrap_or(Place::Bare)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        match self.units.get(self.at + ahead) {
            Some(Unit::Char(character)) => Some(*character),
            _ => None,
        }
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    /// Copy `count` characters.
    fn copy(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(character) = self.peek(0) {
                self.text.push(character);
                self.at += 1;
            }
        }
    }

    fn enter(&mut self, place: Place, opening: usize) {
        self.copy(opening);
        self.stack.push(place);
    }

    fn leave(&mut self, closing: usize) {
        self.copy(closing);
        if self.stack.len() > 1 {
            self.stack.pop();
        }
    }

    fn character(&mut self, character: char) {
        let place = self.place();
        match place {
            Place::Single => {
                if character == '\'' {
                    self.leave(1);
                } else {
                    self.copy(1);
                }
            }
            Place::DollarSingle => match character {
                '\\' => self.copy(2),
                '\'' => self.leave(1),
                _ => self.copy(1),
            },
            Place::Comment => {
                if character == '\n' {
                    self.stack.pop();
                    self.line_end();
                } else {
                    self.copy(1);
                }
            }
            Place::Double => match character {
                '\\' => self.escape(),
                '"' => self.leave(1),
                '$' | '`' => self.substitution(character),
                _ => self.copy(1),
            },
            Place::Bare | Place::Paren | Place::Backtick | Place::Brace | Place::Arithmetic => {
                self.words(character, place);
            }
        }
    }

    fn words(&mut self, character: char, place: Place) {
        let arithmetic = place == Place::Arithmetic;
        match character {
            '\\' => self.escape(),
            '\'' if !self.inside_double(place) => self.enter(Place::Single, 1),
            '"' => self.enter(Place::Double, 1),
            '`' if place == Place::Backtick => self.leave(1),
            '$' | '`' => self.substitution(character),
            ')' if arithmetic && self.peek(1) == Some(')') => self.leave(2),
            ')' if place == Place::Paren => self.leave(1),
            '(' if arithmetic || matches!(place, Place::Bare | Place::Paren | Place::Backtick) => {
                self.enter(Place::Paren, 1);
            }
            '}' if place == Place::Brace => self.leave(1),
            '#' if !arithmetic && place != Place::Brace && self.at_word_start() => {
                self.enter(Place::Comment, 1);
            }
            '<' if !arithmetic && place != Place::Brace && self.looking_at("<<<") => self.copy(3),
            '<' if !arithmetic && place != Place::Brace && self.looking_at("<<") => self.here_document(),
            '\n' => self.line_end(),
            _ => self.copy(1),
        }
    }

    /// In `"${x:-it's}"` the single quote is a character like any other.
    fn inside_double(&self, place: Place) -> bool {
        place == Place::Brace
            && self.stack.iter().rev().find(|place| **place != Place::Brace) == Some(&Place::Double)
    }

    fn at_word_start(&self) -> bool {
        self.at == 0
            || matches!(self.units[self.at - 1], Unit::Char(before) if before.is_whitespace() || ";&|()".contains(before))
    }

    fn substitution(&mut self, character: char) {
        let in_double = self.place() == Place::Double;
        if character == '`' {
            if self.stack.contains(&Place::Backtick) {
                // The end of the innermost one, also from inside a quote that was left open.
                self.copy(1);
                while let Some(place) = self.stack.pop() {
                    if place == Place::Backtick {
                        break;
                    }
                }
            } else {
                self.enter(Place::Backtick, 1);
            }
        } else if self.looking_at("$((") {
            self.enter(Place::Arithmetic, 3);
        } else if self.looking_at("$(") {
            self.enter(Place::Paren, 2);
        } else if self.looking_at("${") {
            self.enter(Place::Brace, 2);
        } else if self.looking_at("$'") && !in_double {
            self.enter(Place::DollarSingle, 2);
        } else {
            self.copy(1);
        }
    }

    fn escape(&mut self) {
        if let Some(Unit::Expr(expr)) = self.units.get(self.at + 1) {
            (self.report)(
                Diagnostic::error(
                    "script::escaped",
                    expr.span.clone(),
                    "a backslash stands before this expression",
                )
                .help("remove the backslash; the value needs no escaping"),
            );
        }
        self.copy(1);
        if self.peek(0).is_some() {
            self.copy(1);
        }
    }

    /// `<<EOF`, `<<-EOF`, `<<'EOF'`
    fn here_document(&mut self) {
        self.copy(2);
        let strip_tabs = self.peek(0) == Some('-');
        if strip_tabs {
            self.copy(1);
        }
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.copy(1);
        }
        let (mut delimiter, mut quoted, mut quote) = (String::new(), false, None);
        while let Some(character) = self.peek(0) {
            match (quote, character) {
                (None, '\'' | '"') => (quote, quoted) = (Some(character), true),
                (Some(open), _) if open == character => quote = None,
                (None, '\\') => quoted = true,
                (None, _) if character.is_whitespace() || ";&|()<>".contains(character) => break,
                _ => delimiter.push(character),
            }
            self.copy(1);
        }
        if !delimiter.is_empty() {
            self.here.push_back(Here { delimiter, quoted, strip_tabs });
        }
    }

    /// The end of a line of commands: the bodies of here-documents follow.
    fn line_end(&mut self) {
        self.copy(1);
        while let Some(here) = self.here.pop_front() {
            self.here_body(&here);
        }
    }

    fn here_body(&mut self, here: &Here) {
        while self.at < self.units.len() {
            if self.ends_here(here) {
                while !matches!(self.peek(0), None | Some('\n')) {
                    self.copy(1);
                }
                if self.peek(0).is_some() {
                    self.copy(1);
                }
                return;
            }
            while let Some(unit) = self.units.get(self.at).copied() {
                match unit {
                    Unit::Char(character) => {
                        self.copy(1);
                        if character == '\n' {
                            break;
                        }
                    }
                    Unit::Expr(expr) => {
                        self.at += 1;
                        if here.quoted {
                            self.literal(
                                expr,
                                "a here-document with a quoted delimiter",
                                "remove the quotes around the delimiter",
                            );
                        } else {
                            let name = self.variable(expr);
                            let _ = write!(self.text, "${{{name}}}");
                        }
                    }
                }
            }
        }
    }

    fn ends_here(&self, here: &Here) -> bool {
        let mut ahead = 0;
        while here.strip_tabs && self.peek(ahead) == Some('\t') {
            ahead += 1;
        }
        let count = here.delimiter.chars().count();
        here.delimiter.chars().enumerate().all(|(i, character)| self.peek(ahead + i) == Some(character))
            && match self.units.get(self.at + ahead + count) {
                None | Some(Unit::Char('\n')) => true,
                Some(_) => false,
            }
    }

    fn expression(&mut self, expr: &Expr) {
        match self.place() {
            Place::Single | Place::DollarSingle => {
                self.literal(
                    expr,
                    "single quotes",
                    "use double quotes; the value is passed as a variable and needs no escaping",
                );
            }
            Place::Double | Place::Comment => {
                let name = self.variable(expr);
                let _ = write!(self.text, "${{{name}}}");
            }
            Place::Brace if self.inside_double(Place::Brace) => {
                let name = self.variable(expr);
                let _ = write!(self.text, "${{{name}}}");
            }
            Place::Arithmetic => {
                (self.report)(
                    Diagnostic::warning(
                        "script::arithmetic",
                        expr.span.clone(),
                        "the shell evaluates this value as arithmetic, which can run commands hidden in it",
                    )
                    .help("make sure that only numbers can get here"),
                );
                let name = self.variable(expr);
                let _ = write!(self.text, "${{{name}}}");
            }
            Place::Bare | Place::Paren | Place::Backtick | Place::Brace => {
                let name = self.variable(expr);
                let _ = write!(self.text, "\"${{{name}}}\"");
            }
        }
    }

    fn literal(&mut self, expr: &Expr, place: &str, help: &str) {
        let message =
            format!("the shell does not expand variables in {place}, so this value would not arrive");
        (self.report)(Diagnostic::error("script::quoted", expr.span.clone(), message).help(help));
    }

    /// The variable of an expression; the same expression has the same variable.
    fn variable(&mut self, expr: &Expr) -> String {
        let next = self.variables.len() + 1;
        let number = *self.numbers.entry(expr.to_string()).or_insert(next);
        let name = format!("RUNNER_EXPR_{number}");
        if number == next {
            self.variables.push((name.clone(), expr.clone()));
        }
        name
    }
}

/// Whether a shell reads `"${NAME}"` as POSIX says.
pub(super) fn is_posix(shell: &[String]) -> bool {
    let program = shell[0].rsplit('/').next().unwrap_or_default();
    matches!(program, "sh" | "bash" | "dash" | "zsh" | "ksh" | "mksh" | "ash" | "busybox")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (String, Vec<String>) {
        let template: Template = text.parse().unwrap();
        let mut codes = Vec::new();
        let (text, _) = script(&template, &mut |problem| codes.push(problem.code));
        (text, codes)
    }

    #[test]
    fn quoted_as_its_place_needs() {
        for (source, expected) in [
            ("echo ${{ params.a }}", "echo \"${RUNNER_EXPR_1}\""),
            (
                "x --lr=${{ params.a }} ${{ params.b }} ${{ params.a }}",
                "x --lr=\"${RUNNER_EXPR_1}\" \"${RUNNER_EXPR_2}\" \"${RUNNER_EXPR_1}\"",
            ),
            (
                "echo \"a ${{ params.a }} b\" ${{ params.a }}",
                "echo \"a ${RUNNER_EXPR_1} b\" \"${RUNNER_EXPR_1}\"",
            ),
            ("echo \"$(cat ${{ params.a }})\"", "echo \"$(cat \"${RUNNER_EXPR_1}\")\""),
            ("echo \"${x:-${{ params.a }}}\"", "echo \"${x:-${RUNNER_EXPR_1}}\""),
            ("echo \"`cat ${{ params.a }}`\"", "echo \"`cat \"${RUNNER_EXPR_1}\"`\""),
            (
                "echo 'it' ${{ params.a }} # isn't\necho ${{ params.a }}",
                "echo 'it' \"${RUNNER_EXPR_1}\" # isn't\necho \"${RUNNER_EXPR_1}\"",
            ),
            (
                "cat <<EOF\nit's ${{ params.a }}\nEOF\necho ${{ params.a }}",
                "cat <<EOF\nit's ${RUNNER_EXPR_1}\nEOF\necho \"${RUNNER_EXPR_1}\"",
            ),
            (
                "cat <<-'A' && x\n\tit's\n\tA\necho ${{ params.a }}",
                "cat <<-'A' && x\n\tit's\n\tA\necho \"${RUNNER_EXPR_1}\"",
            ),
            ("echo it\\'s ${{ params.a }}", "echo it\\'s \"${RUNNER_EXPR_1}\""),
            ("a=(${{ params.a }}) b#c ${{ params.a }}", "a=(\"${RUNNER_EXPR_1}\") b#c \"${RUNNER_EXPR_1}\""),
            ("x <<< ${{ params.a }}", "x <<< \"${RUNNER_EXPR_1}\""),
        ] {
            assert_eq!(written(source), (expected.to_owned(), Vec::new()), "{source}");
        }
    }

    #[test]
    fn places_without_expansion_are_reported() {
        for (source, code) in [
            ("echo '${{ params.a }}'", "script::quoted"),
            ("echo $'${{ params.a }}'", "script::quoted"),
            ("cat <<'EOF'\n${{ params.a }}\nEOF", "script::quoted"),
            ("cat <<\\EOF\n${{ params.a }}\nEOF", "script::quoted"),
            ("echo \\${{ params.a }}", "script::escaped"),
            ("echo $((1 + ${{ params.a }}))", "script::arithmetic"),
        ] {
            assert_eq!(written(source).1, [code], "{source}");
        }
        assert!(written("echo \"'${{ params.a }}'\"").1.is_empty());
    }
}
