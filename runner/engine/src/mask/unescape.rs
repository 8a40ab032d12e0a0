//! Text as it reads once its escapes are undone, with where each byte came from.
//!
//! How a writer escapes is its own choice: which characters, with upper or lower case digits, twice over. Undoing any
//! escape finds a value under all of them, where a list of forms would miss some.

use std::ops::Range;

/// Escapes within escapes that are undone: JSON inside JSON, a percent-encoded JSON text.
const DEPTH: u8 = 2;

/// Starts a control sequence of a terminal.
const ESC: u8 = 0x1b;
/// Ends some of them.
const BELL: u8 = 0x07;

/// Bytes, each with the place in the original text where it starts.
struct View {
    bytes: Vec<u8>,
    /// One longer than `bytes`: the last is the end of the text.
    origin: Vec<usize>,
}

/// Looks at bytes, with what turns a range of them into the range of the text that says it.
type Look<'a> = dyn FnMut(&[u8], &dyn Fn(Range<usize>) -> Range<usize>) + 'a;

/// Calls `look` with the text as it is, and with every way to read its escapes; `look` gets the bytes, and a function that
/// turns a range of them into the range of the text that says it.
pub(super) fn each_reading(text: &str, look: &mut Look<'_>) {
    look(text.as_bytes(), &|range| range);
    // Most text has nothing to undo.
    if text.bytes().any(|byte| matches!(byte, b'%' | b'\\' | b'+') || is_control(byte)) {
        let plain = View { bytes: text.as_bytes().to_vec(), origin: (0..=text.len()).collect() };
        below(&plain, DEPTH, look);
    }
}

fn below(view: &View, depth: u8, look: &mut Look<'_>) {
    if depth == 0 {
        return;
    }
    for escape in [percent, form, backslash, control] {
        if let Some(read) = undo(view, escape) {
            look(&read.bytes, &|range| read.origin[range.start]..read.origin[range.end]);
            below(&read, depth - 1, look);
        }
    }
}

/// Reads one escape at the start of some bytes: what it stands for, and its length.
type Escape = fn(&[u8]) -> Option<(Letter, usize)>;

/// What an escape stands for.
enum Letter {
    /// It only says how what follows is shown.
    Nothing,
    Byte(u8),
    Character(char),
}

/// The view with all escapes of one kind undone; `None` where there is none.
fn undo(view: &View, escape: Escape) -> Option<View> {
    let mut bytes = Vec::with_capacity(view.bytes.len());
    let mut origin = Vec::with_capacity(view.origin.len());
    let mut at = 0;
    let mut found = false;
    while at < view.bytes.len() {
        let (letter, length) = match escape(&view.bytes[at..]) {
            Some(read) => {
                found = true;
                read
            }
            None => (Letter::Byte(view.bytes[at]), 1),
        };
        match letter {
            Letter::Nothing => {}
            Letter::Byte(byte) => bytes.push(byte),
            Letter::Character(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        origin.resize(bytes.len(), view.origin[at]);
        at += length;
    }
    origin.push(*view.origin.last()?);
    found.then_some(View { bytes, origin })
}

/// `%2F` as in paths.
fn percent(bytes: &[u8]) -> Option<(Letter, usize)> {
    let [b'%', high, low, ..] = bytes else { return None };
    let byte = hex(*high)? << 4 | hex(*low)?;
    u8::try_from(byte).ok().map(|byte| (Letter::Byte(byte), 3))
}

/// `%2F`, and `+` for a space, as in forms and queries.
fn form(bytes: &[u8]) -> Option<(Letter, usize)> {
    if bytes.first() == Some(&b'+') { Some((Letter::Byte(b' '), 1)) } else { percent(bytes) }
}

/// `\n`, `\"`, `\/` and `\u002f` as in JSON and most languages.
fn backslash(bytes: &[u8]) -> Option<(Letter, usize)> {
    let [b'\\', letter, rest @ ..] = bytes else { return None };
    let byte = match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'u' => return unicode(rest).map(|(character, length)| (Letter::Character(character), length + 2)),
        b'"' | b'\'' | b'\\' | b'/' => *letter,
        _ => return None,
    };
    Some((Letter::Byte(byte), 2))
}

/// `002f`, or two halves of a character beyond 16 bits: `d83d\ude00`.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let unit =
        |bytes: &[u8]| bytes.get(..4)?.iter().try_fold(0, |value, digit| Some(value << 4 | hex(*digit)?));
    let first: u32 = unit(bytes)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 4));
    }
    let second = unit(bytes.get(4..)?.strip_prefix(b"\\u")?)?;
    let (first, second) = (u16::try_from(first).ok()?, u16::try_from(second).ok()?);
    char::decode_utf16([first, second]).next()?.ok().map(|character| (character, 10))
}

/// Colours and the like (ECMA-48): what takes them out of a log later would put a value together that they part.
fn control(bytes: &[u8]) -> Option<(Letter, usize)> {
    let [ESC, kind, rest @ ..] = bytes else {
        return bytes.first().filter(|byte| is_control(**byte)).map(|_| (Letter::Nothing, 1));
    };
    let length = match kind {
        // Parameters and intermediates, then one final byte.
        b'[' => rest.iter().position(|byte| matches!(byte, 0x40..=0x7e)).map(|end| end + 3),
        // A text up to BEL or to the start of `ESC \\`.
        b']' => rest.iter().position(|byte| matches!(*byte, BELL | ESC)).map(|end| end + 3),
        0x20..=0x7e => Some(2),
        _ => None,
    };
    Some((Letter::Nothing, length?))
}

/// What readers of logs drop or cannot show; line ends and tabs are text.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t')
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_reading(text, &mut |bytes, _| all.push(String::from_utf8_lossy(bytes).into_owned()));
        all
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(readings("plain"), ["plain"]);
        assert!(readings("a%2Fb%2fc+d").contains(&"a/b/c+d".to_owned()));
        assert!(readings("a%2Fb+c").contains(&"a/b c".to_owned()));
        assert!(readings(r#"a\"b\/c\u003C\u00f6\ud83d\ude00"#).contains(&"a\"b/c<ö😀".to_owned()));
        assert!(readings("%255c%22").contains(&"\\\"".to_owned()), "{:?}", readings("%255c%22"));
        assert!(readings(r#"{\\\"a"#).contains(&"{\"a".to_owned()));
        assert!(readings("to\u{1b}[01;31mk\u{1b}[men").contains(&"token".to_owned()));
        assert!(readings("\u{1b}]8;;x\u{7}token").contains(&"token".to_owned()));
        assert!(readings("to\0ken").contains(&"token".to_owned()));
        // What only looks like an escape stays.
        assert_eq!(readings(r"50% of C:\x \u12 %zz"), [r"50% of C:\x \u12 %zz"]);
    }

    #[test]
    fn ranges_lead_back() {
        let text = "x=%2Fé%20";
        let mut seen = None;
        each_reading(text, &mut |bytes, source| {
            if let Some(at) = bytes.windows(3).position(|window| window == "/é".as_bytes()) {
                seen = Some(source(at..at + 3));
            }
        });
        assert_eq!(&text[seen.unwrap()], "%2Fé");
    }
}
