//! Colours and symbols. A style never stands alone: whatever is coloured is also a word or a symbol.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::view::ladder::Tone;

/// What a configuration may say of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    Dark,
    Light,
}

/// Which colours suit the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    Dark,
    Light,
    /// `NO_COLOR`, `--color never`: weight, underline and reverse only.
    Plain,
}

/// What a piece of text is, for its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Text,
    Dim,
    Title,
    Head,
    Rule,
    TabActive,
    Cursor,
    /// The cursor of the half that has not the focus.
    CursorAway,
    Mark,
    Key,
    Error,
    Warning,
    Good,
    Match,
    Bytes,
    Added,
    Removed,
    Tone(Tone),
    /// One of several calls or methods told apart by colour.
    Nth(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub palette: Palette,
    /// Every symbol is drawn in ASCII.
    pub ascii: bool,
}

impl Theme {
    /// `COLORFGBG` (as several terminals set it: `foreground;background`) tells a light background.
    pub fn detect(color: bool, ascii: bool, wanted: Option<Background>, colorfgbg: Option<&str>) -> Self {
        let background = colorfgbg.and_then(|v| v.rsplit(';').next()).and_then(|v| v.parse::<u8>().ok());
        let palette = match (color, wanted, background) {
            (false, ..) => Palette::Plain,
            (true, Some(Background::Light), _) | (true, None, Some(7 | 15)) => Palette::Light,
            (true, ..) => Palette::Dark,
        };
        Self { palette, ascii }
    }

    pub fn style(self, role: Role) -> Style {
        let modifier = modifier(role);
        let style = Style::new().add_modifier(modifier);
        match self.palette {
            Palette::Plain => style,
            Palette::Dark => colored(style, role, false),
            Palette::Light => colored(style, role, true),
        }
    }
}

fn modifier(role: Role) -> Modifier {
    match role {
        Role::Title | Role::Head | Role::Key | Role::Error | Role::Mark => Modifier::BOLD,
        Role::Dim | Role::Rule | Role::Tone(Tone::Dim) => Modifier::DIM,
        Role::TabActive | Role::Cursor | Role::Bytes => Modifier::REVERSED,
        Role::CursorAway | Role::Added => Modifier::UNDERLINED,
        Role::Match => Modifier::BOLD.union(Modifier::UNDERLINED),
        Role::Removed => Modifier::CROSSED_OUT,
        Role::Tone(Tone::Failure) => Modifier::BOLD,
        Role::Tone(Tone::Note) => Modifier::ITALIC,
        _ => Modifier::empty(),
    }
}

fn colored(style: Style, role: Role, light: bool) -> Style {
    let pick = |dark: Color, bright: Color| if light { bright } else { dark };
    let foreground = match role {
        Role::Title | Role::Key | Role::Head => pick(Color::Cyan, Color::Blue),
        Role::Error | Role::Removed | Role::Tone(Tone::Failure) => Color::Red,
        Role::Warning | Role::Tone(Tone::Redirect) => pick(Color::Yellow, Color::Magenta),
        Role::Good | Role::Added | Role::Tone(Tone::Success) => Color::Green,
        Role::Mark | Role::Match => pick(Color::Yellow, Color::Magenta),
        Role::Tone(Tone::Request) => pick(Color::Cyan, Color::Blue),
        Role::Tone(Tone::Provisional) => pick(Color::LightGreen, Color::Green),
        Role::Tone(Tone::Media) => Color::Magenta,
        Role::Tone(Tone::Stun) => pick(Color::LightBlue, Color::Blue),
        Role::Nth(n) => {
            let dark = [
                Color::Cyan,
                Color::Yellow,
                Color::Green,
                Color::Magenta,
                Color::LightBlue,
                Color::LightRed,
                Color::LightGreen,
                Color::White,
            ];
            let bright = [Color::Blue, Color::Magenta, Color::Green, Color::Red, Color::Cyan, Color::Black];
            if light { bright[n % bright.len()] } else { dark[n % dark.len()] }
        }
        _ => return style,
    };
    style.fg(foreground)
}

/// Rewrites what was drawn for a terminal without Unicode.
pub fn to_ascii(buf: &mut Buffer) {
    let area = *buf.area();
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && !cell.symbol().is_ascii()
            {
                let plain = fallback(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }
}

fn fallback(symbol: &str) -> &'static str {
    match symbol {
        "─" | "┄" | "┬" | "┴" | "╌" | "–" | "—" => "-",
        "│" | "┊" | "├" | "┤" | "║" | "▌" => "|",
        "↔" | "⇄" => "=",
        "┼" | "┌" | "┐" | "└" | "┘" | "╭" | "╮" | "╰" | "╯" => "+",
        "═" | "▓" => "=",
        "▶" | "▸" | "→" | "›" => ">",
        "◀" | "←" | "‹" => "<",
        "●" => "*",
        "▲" => "!",
        "·" | "…" | "▁" | "▂" => ".",
        "✓" => "v",
        "✗" | "×" => "x",
        "↑" => "^",
        "↓" | "▾" => "v",
        "⏎" => "/",
        "↺" => "@",
        "µ" => "u",
        "\u{a0}" => " ",
        "▃" | "▄" | "▅" => ":",
        "▆" | "▇" | "█" => "#",
        "░" => ".",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn background_tells_the_palette() {
        assert_eq!(Theme::detect(true, false, None, Some("0;15")).palette, Palette::Light);
        assert_eq!(Theme::detect(true, false, None, Some("15;default;0")).palette, Palette::Dark);
        assert_eq!(Theme::detect(true, false, None, None).palette, Palette::Dark);
        let told = |b| Theme::detect(true, false, Some(b), Some("0;15")).palette;
        assert_eq!(told(Background::Dark), Palette::Dark);
        assert_eq!(Theme::detect(true, false, Some(Background::Light), None).palette, Palette::Light);
        assert_eq!(
            Theme::detect(false, false, Some(Background::Light), Some("0;15")).palette,
            Palette::Plain
        );
    }

    #[test]
    fn plain_has_no_colour() {
        let theme = Theme { palette: Palette::Plain, ascii: false };
        for role in [Role::Error, Role::Key, Role::Tone(Tone::Failure), Role::Nth(3), Role::Added] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn nothing_but_ascii_is_left() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_string(0, 0, "├─▶ Jörg 漢", Style::new());
        to_ascii(&mut buf);
        let line: String = buf.content().iter().map(|c| c.symbol()).collect();
        assert_eq!(line, "|-> J?rg ?  ");
    }
}
