//! Words, quoted text, operators and parentheses, each with its place.

use super::FilterError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Contains,
    NotContains,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Quoted(String),
    Op(Op),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
}

/// A token and its byte position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned {
    pub token: Token,
    pub at: usize,
}

pub fn lex(text: &str) -> Result<Vec<Spanned>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (token, len) = if matches!(c, '"' | '\'') {
            let (value, len) = quoted(rest, c)
                .ok_or_else(|| FilterError { at, text: "this quoted text has no end".to_owned() })?;
            (Token::Quoted(value), len)
        } else if let Some(found) = symbol(rest) {
            found
        } else if matches!(c, '&' | '|') {
            return Err(FilterError { at, text: format!("write `{c}{c}`, or quote the text") });
        } else {
            let len = rest.find(is_end_of_word).unwrap_or(rest.len());
            let word = &rest[..len];
            (keyword(word).unwrap_or_else(|| Token::Word(word.to_owned())), len)
        };
        tokens.push(Spanned { token, at });
        rest = &rest[len..];
    }
    Ok(tokens)
}

fn is_end_of_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '\'' | '=' | '!' | '~' | '<' | '>' | '&' | '|')
}

fn symbol(rest: &str) -> Option<(Token, usize)> {
    const SYMBOLS: &[(&str, Token)] = &[
        ("==", Token::Op(Op::Eq)),
        ("!=", Token::Op(Op::Ne)),
        ("!~", Token::Op(Op::NotContains)),
        ("<=", Token::Op(Op::Le)),
        (">=", Token::Op(Op::Ge)),
        ("&&", Token::And),
        ("||", Token::Or),
        ("=", Token::Op(Op::Eq)),
        ("~", Token::Op(Op::Contains)),
        ("<", Token::Op(Op::Lt)),
        (">", Token::Op(Op::Gt)),
        ("!", Token::Not),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
    ];
    SYMBOLS.iter().find(|(s, _)| rest.starts_with(s)).map(|(s, t)| (t.clone(), s.len()))
}

fn keyword(word: &str) -> Option<Token> {
    match word.to_ascii_lowercase().as_str() {
        "and" => Some(Token::And),
        "or" => Some(Token::Or),
        "not" => Some(Token::Not),
        _ => None,
    }
}

/// The operators that may also be written as words, where an operator is expected.
pub fn word_operator(word: &str) -> Option<Op> {
    match word.to_ascii_lowercase().as_str() {
        "eq" | "is" => Some(Op::Eq),
        "ne" => Some(Op::Ne),
        "contains" => Some(Op::Contains),
        "lt" => Some(Op::Lt),
        "le" => Some(Op::Le),
        "gt" => Some(Op::Gt),
        "ge" => Some(Op::Ge),
        _ => None,
    }
}

/// Text between quotes; `\"` and `\\` stand for the second character. Gives the length with both quotes.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, at + c.len_utf8())),
            '\\' => match chars.next()? {
                (_, e) if e == quote || e == '\\' => value.push(e),
                (_, e) => value.extend(['\\', e]),
            },
            c => value.push(c),
        }
    }
    None
}
