//! A Rust file with its comments and literals taken out, so that checks see code alone.

/// What a check needs of a Rust file. Line numbers are those of the file, from 1.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The file with comments and the insides of literals blanked; lines keep their numbers.
    code: String,
    /// String literals with the line each begins on.
    strings: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let mut source = Self::default();
        let (mut rest, mut line) = (text, 1);
        while let Some(token) = next(rest, source.code.chars().next_back()) {
            let (taken, left) = rest.split_at(token.length());
            match token {
                Token::Code(_) => source.code.push_str(taken),
                Token::Text(_) => {
                    source.strings.push((line, taken.into()));
                    source.blank(taken);
                }
                Token::Silent(_) => source.blank(taken),
            }
            line += taken.matches('\n').count();
            rest = left;
        }
        source
    }

    /// The lines of code, numbered.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// The lines of code above the file's own tests.
    pub(crate) fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }

    pub(crate) fn strings(&self) -> impl Iterator<Item = (usize, &str)> {
        self.strings.iter().map(|(line, text)| (*line, text.as_str()))
    }

    /// The code from the beginning of a line (from 1) to the end of the file.
    pub(crate) fn below(&self, line: usize) -> &str {
        let start: usize = self.code.split_inclusive('\n').take(line - 1).map(str::len).sum();
        self.code.get(start..).unwrap_or_default()
    }

    fn blank(&mut self, text: &str) {
        self.code.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    }
}

/// Does `line` hold `phrase` as whole words? `now` is not in `known`, but `Utc::now` is in `Utc::now()`.
pub(crate) fn mentions(line: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_word);
        let after = line[at + phrase.len()..].chars().next().is_some_and(is_word);
        !(before && phrase.starts_with(is_word) || after && phrase.ends_with(is_word))
    })
}

/// A piece at the beginning of a text, by its length in bytes.
enum Token {
    Code(usize),
    /// A string literal.
    Text(usize),
    /// A comment or a character literal.
    Silent(usize),
}

impl Token {
    fn length(&self) -> usize {
        match self {
            Self::Code(length) | Self::Text(length) | Self::Silent(length) => *length,
        }
    }
}

fn next(rest: &str, before: Option<char>) -> Option<Token> {
    let first = rest.chars().next()?;
    let inside_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let found = match first {
        '/' if rest.starts_with("//") => Some(Token::Silent(rest.find('\n').unwrap_or(rest.len()))),
        '/' if rest.starts_with("/*") => Some(Token::Silent(block_comment(rest))),
        '"' => Some(Token::Text(string(rest))),
        'r' | 'b' | 'c' if !inside_word => raw_string(rest).map(Token::Text),
        '\'' => character(rest).map(Token::Silent),
        _ => None,
    };
    Some(found.unwrap_or(Token::Code(first.len_utf8())))
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        let step = match tail {
            _ if tail.starts_with("/*") => {
                depth += 1;
                2
            }
            _ if tail.starts_with("*/") => {
                depth -= 1;
                2
            }
            _ => tail.chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`; nothing for a name that only begins like one.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = rest.find('r').filter(|at| *at < 2)? + 1;
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let body = rest[prefix + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix + hashes + 1 + length)
}

/// A character literal; nothing for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    let (_, _) = chars.clone().next()?;
    if first == '\\' {
        chars.next()?; // what is escaped may itself be a quote
        return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let blanked = Source::read(text).code;
        assert_eq!(blanked.chars().count(), text.chars().count(), "{text}");
        blanked.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        assert_eq!(code("a // b\nc"), "a c");
        assert_eq!(code("a /* b /* c */ d */ e"), "a e");
        assert_eq!(code(r#"f("x \" y", z)"#), "f( , z)");
        assert_eq!(code("f(r#\"x \" y\"#, z)"), "f( , z)");
        assert_eq!(code("f(b\"x\", '\"', 'a)"), "f(b , , 'a)");
        assert_eq!(code(r"f('\'', '\\', '\u{1F600}')"), "f( , , )");
    }

    #[test]
    fn names_and_lifetimes_are_code() {
        for text in
            ["impl<'a> Foo<'a> for r", "var_r (x)", "let br = c;", "x.r#type()", "fn f<'a>(x: &'a str)"]
        {
            assert_eq!(code(text), text);
        }
    }

    #[test]
    fn strings_know_their_line() {
        let source = Source::read("a\n\"b\nc\"\n\"d\"");
        assert_eq!(source.strings().collect::<Vec<_>>(), [(2, "\"b\nc\""), (4, "\"d\"")]);
    }

    #[test]
    fn a_phrase_is_met_as_whole_words_only() {
        assert!(mentions("Utc::now()", "Utc::now"));
        assert!(mentions("x = diesel::insert_into(t)", "diesel::insert_into"));
        assert!(!mentions("MyUtc::now()", "Utc::now"));
        assert!(!mentions("std::env::variant", "env::var"));
    }

    #[test]
    fn the_tests_of_a_file_can_be_left_out() {
        let source = Source::read("a\n#[cfg(test)]\nmod tests {}\n");
        assert_eq!(source.lines_before_tests().collect::<Vec<_>>(), [(1, "a")]);
        assert_eq!(source.below(2), "#[cfg(test)]\nmod tests {}\n");
    }
}
