//! From tokens to an expression; values are understood here once, by the kind of their field.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::FilterError;
use super::fields::{self, Field, Kind};
use super::finding::Known;
use super::lexer::{self, Op, Spanned, Token};
use super::media::SCALE;
use crate::capture::Nanos;

/// Parentheses and negations inside one another.
const DEPTH: usize = 100;

#[derive(Debug, Clone)]
pub enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// The field has a value.
    Has(Source),
    /// One of the tests holds of one of the field's values.
    Test(Source, Vec<Test>),
    /// What a row shows contains the text.
    Free(Pattern),
}

impl Expr {
    /// Is the field named in it?
    pub fn asks(&self, field: Field) -> bool {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().any(|t| t.asks(field)),
            Self::Not(term) => term.asks(field),
            Self::Has(source) | Self::Test(source, _) => source.field == field,
            Self::Free(_) => false,
        }
    }
}

/// A field, and which header if it is `header.NAME`.
#[derive(Debug, Clone)]
pub struct Source {
    pub field: Field,
    pub header: String,
    /// Findings, where they were worked out.
    pub known: Known,
}

impl Source {
    pub fn of(field: Field) -> Self {
        Self { field, header: String::new(), known: Known::default() }
    }
}

impl Expr {
    pub fn asks_findings(&self) -> bool {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().any(Self::asks_findings),
            Self::Not(term) => term.asks_findings(),
            Self::Has(source) | Self::Test(source, _) => {
                matches!(source.field, Field::Finding | Field::Findings)
            }
            Self::Free(_) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Test {
    Text(TextOp, Pattern),
    /// Inclusive; also durations (nanoseconds) and times.
    Range(i128, i128),
    /// Nanoseconds since local midnight, inclusive.
    TimeOfDay(i64, i64),
    Net(IpNet),
    Socket(SocketAddr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOp {
    Equals,
    Contains,
}

/// Text to look for, in lower case, split at `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub pieces: Vec<String>,
}

impl Pattern {
    fn glob(text: &str) -> Self {
        Self { pieces: text.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    fn literal(text: &str) -> Self {
        Self { pieces: vec![text.to_lowercase()] }
    }
}

/// Its fields share what is `known`.
pub fn parse(text: &str, known: &Known) -> Result<Option<Expr>, FilterError> {
    let tokens = lexer::lex(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { tokens, at: 0, end: text.len(), known: known.clone() };
    let expr = parser.or(0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(Token::Close) => parser.error("this `)` closes nothing"),
        Some(_) => parser.error("expected `and`, `or` or the end here"),
    }
}

struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    end: usize,
    known: Known,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |t| t.at)
    }

    fn error<T>(&self, text: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { at: self.place(), text: text.into() })
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut terms = vec![self.and(depth)?];
        while self.take(&Token::Or) {
            terms.push(self.and(depth)?);
        }
        Ok(one(terms, Expr::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut terms = vec![self.not(depth)?];
        loop {
            // Terms that merely stand side by side must all hold.
            let beside =
                matches!(self.peek(), Some(Token::Word(_) | Token::Quoted(_) | Token::Not | Token::Open));
            if !self.take(&Token::And) && !beside {
                return Ok(one(terms, Expr::And));
            }
            terms.push(self.not(depth)?);
        }
    }

    fn not(&mut self, depth: usize) -> Result<Expr, FilterError> {
        if depth > DEPTH {
            return self.error("too many parentheses inside one another");
        }
        if self.take(&Token::Not) {
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take(&Token::Open) {
            let inner = self.or(depth + 1)?;
            if !self.take(&Token::Close) {
                return self.error("expected `)` here");
            }
            return Ok(inner);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Expr, FilterError> {
        let at = self.place();
        let word = match self.peek() {
            Some(Token::Quoted(text)) => {
                let free = Expr::Free(Pattern::literal(text));
                self.at += 1;
                if let Some(Token::Op(_)) = self.peek() {
                    return Err(FilterError { at, text: "a field name is not quoted".to_owned() });
                }
                return Ok(free);
            }
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Op(_)) => return self.error("expected a field name before this operator"),
            Some(_) => return self.error("expected a field, a word or `(` here"),
            None => return self.error("the filter ends too early: expected a field or a word"),
        };
        self.at += 1;
        let source = match fields::header_name(&word) {
            Some(name) => Some(Source { header: name.to_owned(), ..Source::of(Field::Header) }),
            None => {
                let known = self.known.clone();
                fields::find(&word).map(|field| Source { known, ..Source::of(field) })
            }
        };
        let op = self.operator(source.is_some());
        let Some(source) = source else {
            if op.is_none() && !fields::has_field_prefix(&word) {
                return Ok(Expr::Free(Pattern::glob(&word)));
            }
            let hint = match fields::nearest(&word) {
                Some(name) => format!(" (did you mean `{name}`?)"),
                None => String::new(),
            };
            return Err(FilterError { at, text: format!("unknown field `{word}`{hint}") });
        };
        if source.field == Field::Header && source.header.is_empty() {
            return Err(FilterError { at, text: "name the header, e.g. `header.Via`".to_owned() });
        }
        let kind = source.field.kind();
        match op {
            None => Ok(Expr::Has(source)),
            Some(Operator::In { not }) => {
                let mut tests = Vec::new();
                if !self.take(&Token::Open) {
                    return self.error("expected `(` and a list of values");
                }
                loop {
                    tests.push(self.value(kind, Op::Eq)?);
                    if self.take(&Token::Close) {
                        break;
                    }
                    if !self.take(&Token::Comma) {
                        return self.error("expected `,` or `)` here");
                    }
                }
                Ok(negated(Expr::Test(source, tests), not))
            }
            Some(Operator::Op(op)) => {
                let (op, not) = match op {
                    Op::Ne => (Op::Eq, true),
                    Op::NotContains => (Op::Contains, true),
                    op => (op, false),
                };
                let test = self.value(kind, op)?;
                Ok(negated(Expr::Test(source, vec![test]), not))
            }
        }
    }

    /// Takes an operator. After a word that is no field, operators that look like words are free text.
    fn operator(&mut self, field: bool) -> Option<Operator> {
        let next = self.tokens.get(self.at + 1).map(|t| &t.token);
        let is_in = |t: Option<&Token>| matches!(t, Some(Token::Word(w)) if w.eq_ignore_ascii_case("in"));
        match self.peek()? {
            Token::Op(op) => {
                let op = *op;
                self.at += 1;
                Some(Operator::Op(op))
            }
            Token::Not if is_in(next) => {
                self.at += 2;
                Some(Operator::In { not: true })
            }
            token if is_in(Some(token)) && (field || next == Some(&Token::Open)) => {
                self.at += 1;
                Some(Operator::In { not: false })
            }
            Token::Word(word) if field && matches!(next, Some(Token::Word(_) | Token::Quoted(_))) => {
                let op = lexer::word_operator(word)?;
                self.at += 1;
                Some(Operator::Op(op))
            }
            _ => None,
        }
    }

    fn value(&mut self, kind: Kind, op: Op) -> Result<Test, FilterError> {
        let at = self.place();
        let (text, quoted) = match self.peek() {
            Some(Token::Word(word)) => (word.clone(), false),
            Some(Token::Quoted(text)) => (text.clone(), true),
            Some(_) => return self.error("expected a value here; quote it if it has special characters"),
            None => return self.error("the filter ends too early: expected a value"),
        };
        self.at += 1;
        let failed = |text: String| Err(FilterError { at, text });
        match kind {
            Kind::Text => match op {
                Op::Eq | Op::Contains => Ok(text_test(&text, quoted, op)),
                _ => failed("this field is text: use `==`, `!=`, `~`, `!~` or `in`".to_owned()),
            },
            Kind::Number => match number_range(&text) {
                Some(_) if op == Op::Contains => Ok(text_test(&text, quoted, op)),
                Some(range) => Ok(compare(op, range)),
                None => failed(format!("`{text}` is not a number")),
            },
            Kind::Duration => {
                let mut text = text;
                // `2 s` as well as `2s`.
                if let Some(Token::Word(unit)) = self.peek()
                    && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                    && unit_nanos(unit).is_some()
                {
                    text.push_str(unit);
                    self.at += 1;
                }
                match duration(&text) {
                    Some(n) if op != Op::Contains => Ok(compare(op, (n, n))),
                    Some(_) => failed("`~` is for text; use `==`, `<`, `>` …".to_owned()),
                    None if text.parse::<f64>().is_ok() => failed(format!("say `{text}s` or `{text}ms`")),
                    None => failed(format!("`{text}` is not a duration such as 2s, 500ms or 00:42")),
                }
            }
            Kind::Time => {
                // `2026-11-23 14:05` is one value.
                let joined = match self.peek() {
                    Some(Token::Word(clock)) if text.len() == 10 && time_of_day(clock).is_some() => {
                        Some(format!("{text} {clock}"))
                    }
                    _ => None,
                };
                let text = match joined {
                    Some(joined) => {
                        self.at += 1;
                        joined
                    }
                    None => text,
                };
                if op == Op::Contains {
                    return failed("`~` is for text; use `<`, `>`, `<=`, `>=` or `==`".to_owned());
                }
                if let Some((from, to)) = time_of_day(&text) {
                    return Ok(match compare(op, (i128::from(from), i128::from(to))) {
                        Test::Range(a, b) => Test::TimeOfDay(clamp(a), clamp(b)),
                        other => other,
                    });
                }
                match point_in_time(&text) {
                    Some((from, to)) => Ok(compare(op, (i128::from(from), i128::from(to)))),
                    None => failed(format!(
                        "`{text}` is not a time such as 14:05, 2026-11-23 or 2026-11-23T14:05:00Z"
                    )),
                }
            }
            Kind::Address => match op {
                Op::Contains => Ok(text_test(&text, quoted, op)),
                Op::Eq => address(&text, quoted).or_else(failed),
                _ => failed("addresses have no order: use `==`, `!=`, `~`, `!~` or `in`".to_owned()),
            },
            Kind::Percent | Kind::Figure => {
                let mut text = text;
                if kind == Kind::Percent {
                    // `2 %` as well as `2%`.
                    let apart = !text.ends_with('%') && self.peek() == Some(&Token::Word("%".to_owned()));
                    self.at += usize::from(apart);
                    text.truncate(text.strip_suffix('%').map_or(text.len(), str::len));
                }
                match figure(&text, op) {
                    Some(range) if op != Op::Contains => Ok(compare(op, range)),
                    Some(_) => failed("`~` is for text; use `==`, `<`, `>` …".to_owned()),
                    None if kind == Kind::Percent => {
                        failed(format!("`{text}` is not a percentage such as 2%"))
                    }
                    None => failed(format!("`{text}` is not a number such as 3.6")),
                }
            }
            Kind::Mark => match crate::view::media::mark_of(&text).map(i128::from) {
                Some(mark) if op != Op::Contains => Ok(compare(op, (mark, mark))),
                Some(_) => failed("`~` is for text; use `==`, `<`, `>` …".to_owned()),
                None => failed(format!("`{text}` is no DSCP value such as 46, EF, CS5 or AF41")),
            },
        }
    }
}

enum Operator {
    Op(Op),
    In { not: bool },
}

fn one(mut terms: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match terms.len() {
        1 => terms.remove(0),
        _ => join(terms),
    }
}

fn negated(expr: Expr, not: bool) -> Expr {
    if not { Expr::Not(Box::new(expr)) } else { expr }
}

fn clamp(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })
}

fn text_test(text: &str, quoted: bool, op: Op) -> Test {
    let op = if op == Op::Contains { TextOp::Contains } else { TextOp::Equals };
    Test::Text(op, if quoted { Pattern::literal(text) } else { Pattern::glob(text) })
}

/// The values that pass `op` against one value, or against any of a class such as `4xx`.
fn compare(op: Op, (low, high): (i128, i128)) -> Test {
    match op {
        Op::Lt => Test::Range(i128::MIN, low - 1),
        Op::Le => Test::Range(i128::MIN, high),
        Op::Gt => Test::Range(high + 1, i128::MAX),
        Op::Ge => Test::Range(low, i128::MAX),
        _ => Test::Range(low, high),
    }
}

/// `486`, `4xx`, `400-499`, `40`.
fn number_range(text: &str) -> Option<(i128, i128)> {
    if let Ok(n) = text.parse::<i64>() {
        return Some((i128::from(n), i128::from(n)));
    }
    if let Some((a, b)) = text.split_once('-') {
        return Some((i128::from(a.parse::<u32>().ok()?), i128::from(b.parse::<u32>().ok()?)));
    }
    let class = text.to_ascii_lowercase();
    let digit = class.strip_suffix("xx")?.parse::<u8>().ok().filter(|d| (1..=9).contains(d))?;
    Some((i128::from(digit) * 100, i128::from(digit) * 100 + 99))
}

/// A decimal in millionths. Two are equal if the written digits are: `4.2` is what is shown as 4.2.
fn figure(text: &str, op: Op) -> Option<(i128, i128)> {
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite() && v.abs() < 1e12)?;
    let exact = (value * SCALE).round() as i128;
    if op != Op::Eq {
        return Some((exact, exact));
    }
    let digits = text.split_once('.').map_or(0, |(_, d)| d.len());
    let half = 0.5 * SCALE / 10f64.powi(digits.min(6) as i32);
    // Nothing but 0 is equal to 0.
    if exact == 0 { Some((0, 0)) } else { Some((exact - half as i128, exact + half as i128 - 1)) }
}

fn unit_nanos(unit: &str) -> Option<f64> {
    Some(match unit.to_lowercase().as_str() {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" | "sec" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

/// Nanoseconds of `1.5s`, `500ms`, `1h`, `0`, `00:42`, `1:02:03`.
fn duration(text: &str) -> Option<i128> {
    if text.contains(':') {
        let mut seconds = 0.0;
        for part in text.split(':') {
            seconds = seconds * 60.0 + part.parse::<f64>().ok().filter(|p| (0.0..1e9).contains(p))?;
        }
        return Some((seconds * 1e9) as i128);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let value = number.parse::<f64>().ok()?;
    if unit.is_empty() {
        return (value == 0.0).then_some(0);
    }
    Some((value * unit_nanos(unit)?).round() as i128)
}

/// `14:05`, `14:05:30`, `14:05:30.25` as the span of nanoseconds since midnight that it names.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split(':');
    let hour = parts.next()?.parse::<i64>().ok().filter(|h| (0..24).contains(h))?;
    let minute = parts.next()?.parse::<i64>().ok().filter(|m| (0..60).contains(m))?;
    let base = (hour * 60 + minute) * 60 * 1_000_000_000;
    let Some(second) = parts.next() else {
        return Some((base, base + 60 * 1_000_000_000 - 1));
    };
    if parts.next().is_some() {
        return None;
    }
    let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
    let whole = whole.parse::<i64>().ok().filter(|s| (0..60).contains(s))?;
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unit = 10_i64.pow(9 - fraction.len() as u32);
    let nanos = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()? * unit };
    let from = base + whole * 1_000_000_000 + nanos;
    Some((from, from + unit - 1))
}

/// A date, a date with a time (local), or an RFC 3339 time, as the span that it names.
fn point_in_time(text: &str) -> Option<(Nanos, Nanos)> {
    let nanos = |t: jiff::Timestamp| i64::try_from(t.as_nanosecond()).ok();
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return nanos(t).map(|t| (t, t));
    }
    let local = |t: jiff::civil::DateTime| nanos(t.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp());
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Some((
            local(date.at(0, 0, 0, 0))?,
            local(date.tomorrow().ok()?.at(0, 0, 0, 0))?.checked_sub(1)?,
        ));
    }
    let (date, clock) = text.split_once([' ', 'T'])?;
    let midnight = local(date.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0))?;
    let (from, to) = time_of_day(clock)?;
    Some((midnight.checked_add(from)?, midnight.checked_add(to)?))
}

fn address(text: &str, quoted: bool) -> Result<Test, String> {
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(Test::Net(IpNet::from(ip)));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Ok(Test::Socket(socket));
    }
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(Test::Net(net.trunc()));
    }
    if text.contains('/') && !quoted {
        return Err(format!("`{text}` is not a network such as 10.0.0.0/8"));
    }
    Ok(text_test(text, quoted, Op::Eq))
}
